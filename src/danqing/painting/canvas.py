"""What img2img starts from: the given picture brought to size, its mask, and how what is painted goes back into the original. No torch."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from danqing.base.picture import Pixels
from danqing.base.picture_parts import InitImage, Inpaint
from danqing.base.protocols import Images
from danqing.base.recipe import Recipe
from danqing.pixels.blend import overlaid, paste
from danqing.pixels.color import matched
from danqing.pixels.crop import crop_region, cropped, cropped_mask, expanded_to
from danqing.pixels.fill import filled, flattened
from danqing.pixels.mask import Box, Mask, blurred, fitted_mask, inverted, is_blank, mask_of, overlay_mask
from danqing.pixels.resize import fit, fitted, resize

Enlarge = Callable[[Pixels, str, tuple[int, int]], Pixels]
"""A picture, an upscaler's name, (width, height): the picture at that size. `Upscalers.enlarge` is one that knows networks."""


def resampled(picture: Pixels, name: str, size: tuple[int, int]) -> Pixels:
    """By an upscaler without a network. Raises RecipeError for any other name."""
    return resize(picture, *size, name)


@dataclass(frozen=True, eq=False)
class Canvas:
    """`picture` (H, W, 3) is what is encoded, filled in where that was asked; `mask` (H, W), white where it is painted anew.

    `original` is the picture that the painted part is laid into, through `overlay` (its size); `box` is where, when only the masked part is painted.
    """

    picture: Pixels
    mask: Mask | None = None
    original: Pixels | None = None
    overlay: Mask | None = None
    box: Box | None = None
    color_like: Pixels | None = None
    others: tuple[tuple[Pixels, float], ...] = ()
    """Further pictures of the same size that it is mixed with, and their weights."""

    def finished(self, painted: Pixels, overlay: Mask | None = None) -> Pixels:
        """The painted picture (H, W, 3) with the original's colours where asked for, laid into the original.

        `overlay` takes the place of the canvas's own (soft inpainting finds it from what was painted).
        """
        if self.color_like is not None:
            painted = matched(painted, self.color_like)
        through = self.overlay if overlay is None else overlay
        if self.original is None or through is None:
            return painted
        if self.box is not None:
            return paste(self.original, painted, self.box, through)
        height, width = painted.shape[:2]
        return overlaid(painted, self.original[:height, :width], through[:height, :width])


def canvas_of(recipe: Recipe, images: Images, enlarge: Enlarge = resampled) -> Canvas:
    """The canvas of a recipe with `init`. A1111's order of doing things (StableDiffusionProcessingImg2Img). Raises ImageError.

    A blank mask is as none. "latent upscale" leaves the picture at its own size.
    """
    init = recipe.init
    assert init is not None
    given = images.open(init.image)
    picture = flattened(given, init.background)
    mask = _mask(recipe.inpaint, images, given) if recipe.inpaint else None
    if recipe.inpaint is None or mask is None:
        whole = _at_size(picture, recipe, init, enlarge)
        others = tuple((flattened(images.open(one.image), init.background), one.weight) for one in init.blend)
        fitted_others = tuple((_at_size(other, recipe, init, enlarge), weight) for other, weight in others)
        return Canvas(whole, color_like=whole if init.color_correction else None, others=fitted_others)
    if recipe.inpaint.area == "only masked":
        return _only_masked(recipe, recipe.inpaint, picture, mask)
    whole = _at_size(picture, recipe, init, enlarge)
    placed = fitted_mask(mask, whole.shape[1], whole.shape[0], init.resize_mode)
    return _masked(whole, placed, recipe, Canvas(whole, original=whole, overlay=overlay_mask(placed)))


def _at_size(picture: Pixels, recipe: Recipe, init: InitImage, enlarge: Enlarge) -> Pixels:
    """The picture in its frame: enlarged by the upscaler asked for where it grows, then fitted."""
    height, width = picture.shape[:2]
    scaled = fit((width, height), (recipe.width, recipe.height), init.resize_mode).scaled
    if init.upscaler and init.resize_mode != "latent upscale" and (scaled[0] > width or scaled[1] > height):
        picture = enlarge(picture, init.upscaler, scaled)
    return fitted(picture, recipe.width, recipe.height, init.resize_mode)


def _mask(inpaint: Inpaint, images: Images, beside: Pixels) -> Mask | None:
    """The mask at the size of the picture that was given, inverted and blurred; None for a blank one."""
    mask = mask_of(images.open(inpaint.mask), soft=inpaint.soft is not None)
    if mask.shape != beside.shape[:2]:
        mask = fitted_mask(mask, beside.shape[1], beside.shape[0], "just resize")
    mask = blurred(inverted(mask) if inpaint.invert else mask, inpaint.blur_x, inpaint.blur_y)
    return None if is_blank(mask) else mask


def _only_masked(recipe: Recipe, inpaint: Inpaint, picture: Pixels, mask: Mask) -> Canvas:
    """The part around the mask, at the size asked for."""
    found = crop_region(mask, inpaint.padding)
    assert found is not None  # the mask isn't blank
    width, height = recipe.width, recipe.height
    box = expanded_to(found, width, height, picture.shape[1], picture.shape[0])
    part, part_mask = cropped(picture, box, width, height), cropped_mask(mask, box, width, height)
    return _masked(part, part_mask, recipe, Canvas(part, original=picture, overlay=mask, box=box))


def _masked(part: Pixels, mask: Mask, recipe: Recipe, laid: Canvas) -> Canvas:
    """The canvas with its mask, and what lies under that as the recipe asks."""
    assert recipe.inpaint
    assert recipe.init
    # A1111 fills the masked part in pixels for all but "original": also where noise is laid over it afterwards.
    start = part if recipe.inpaint.content == "original" else filled(part, mask)
    return replace(laid, picture=start, mask=mask, color_like=start if recipe.init.color_correction else None)
