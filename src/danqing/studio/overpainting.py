"""Painting over pictures as doors ask for it: masks by words, folders of pictures, and the size where none was said."""

from pathlib import Path

import numpy as np

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.base.refs import ImageRef
from danqing.pixels.color import color_of
from danqing.pixels.mask import Mask, is_blank, mask_of, mask_of_box, mask_of_color
from danqing.studio.assets import ImageStore
from danqing.studio.gallery import is_picture_name

WORDS = "a picture file, alpha, box:left,top,right,bottom or color:#rrggbb (with a tolerance behind a comma, 0 to 255)"
CORNERS = 4
EIGHT = 8
WHITE = 255


def mask_ref(words: str, images: ImageStore, picture: ImageRef) -> ImageRef:
    """The mask that is meant for a picture, kept in the store. Raises RecipeError for words that mean none, ImageError."""
    kind, _, rest = words.partition(":")
    if words == "alpha":
        return images.keep(_three(_alpha(images.open(picture))), "mask")
    if kind not in ("box", "color"):
        file = images.put(Path(words).expanduser())
        _not_blank(mask_of(images.open(file)), words)
        return file
    pixels = images.open(picture)
    if kind == "box":
        mask = mask_of_box((pixels.shape[1], pixels.shape[0]), _box(rest))
    else:
        name, _, tolerance = rest.partition(",")
        mask = mask_of_color(pixels, color_of(name), _tolerance(tolerance))
    return images.keep(_three(_not_blank(mask, words)), "mask")


def _not_blank(mask: Mask, words: str) -> Mask:
    if is_blank(mask):
        raise RecipeError(f"the mask {words} masks nothing of this picture, so nothing would be painted; give another")
    return mask


def _tolerance(text: str) -> float:
    tolerance = _number(text) if text else 32.0
    if not 0 <= tolerance <= WHITE:
        raise RecipeError(f"a colour's tolerance is 0 to 255, found {text}")
    return tolerance


def pictures_of(path: Path) -> list[Path]:
    """The picture at a path, or all pictures in a folder, by name. Raises ImageError for a folder without any."""
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.is_file() and is_picture_name(one))
    if not found:
        raise ImageError(f"{path} has no pictures in it; PNG, JPEG and WebP are taken")
    return found


def size_over(size: tuple[int, int], usual: int) -> tuple[int, int]:
    """(width, height) in which a picture of `size` is painted over by a model of side `usual`, where nobody said one.

    Its own, to multiples of 8; a picture of more than four times the model's area comes down to that area in its own shape.
    """
    width, height = size
    scale = min(1.0, usual / (width * height) ** 0.5) if width * height > 4 * usual * usual else 1.0
    across, down = (max(2 * EIGHT, round(side * scale) // EIGHT * EIGHT) for side in size)
    return across, down


def _alpha(pixels: Pixels) -> Mask:
    """White where a picture is transparent: what was rubbed out is painted anew."""
    if pixels.shape[2] != CORNERS or bool((pixels[..., 3] == 255).all()):
        raise RecipeError(
            "this picture has nothing transparent, so its alpha masks nothing; give a mask file, a box or a colour"
        )
    return 255 - pixels[..., 3]


def _box(text: str) -> tuple[int, int, int, int]:
    parts = [int(_number(part)) for part in text.split(",")]
    if len(parts) != CORNERS or parts[0] >= parts[2] or parts[1] >= parts[3]:
        raise RecipeError(
            f"box:{text} is no box; box:left,top,right,bottom in pixels is meant, as in box:10,20,200,180"
        )
    return parts[0], parts[1], parts[2], parts[3]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as problem:
        raise RecipeError(f"{text.strip()!r} is no number; a mask is {WORDS}") from problem


def _three(mask: Mask) -> Pixels:
    return np.repeat(mask[..., None], 3, axis=2)
