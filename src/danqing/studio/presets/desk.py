"""The desk that presets work at: paints by the preset file's template, opens the user's pictures, enlarges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.order import Order
from danqing.base.picture import Picture, Pixels, Provenance
from danqing.base.progress import Watch, Within, just_go_on
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.painting.upscaling import UpscaleRequest, UpscaleStopped
from danqing.pixels.fill import flattened
from danqing.studio.extras import Extras
from danqing.studio.presets.pieces import PresetSettings, PresetStopped, Source
from danqing.studio.presets.preset_file import PresetFile, filled_in
from danqing.studio.story import story_in
from danqing.studio.studio import Studio

if TYPE_CHECKING:
    from danqing.painting.upscale import Upscalers

PAINTED = "painted"
"""The folder of the pictures that a preset had painted, as they were painted."""

SMALL = 256
"""A model of a smaller side falls apart at any other; its pictures are cut to the shape of their place."""


@dataclass(frozen=True)
class Desk:
    """A studio, the file of a preset, the settings (their seed is drawn) and the folder of the results."""

    studio: Studio
    file: PresetFile
    settings: PresetSettings
    folder: Path
    watch: Watch = just_go_on

    def given(self) -> list[Source]:
        """The user's own pictures. Raises ImageError."""
        return [self.opened(image) for image in self.settings.pictures]

    def opened(self, image: ImageRef) -> Source:
        """An input picture with what it tells of itself. Raises ImageError."""
        told = self.studio.images.told(image)
        provenance = _provenance(told.recipe_json)
        return Source(self.studio.images.open(image), provenance, told.infotext or "", image)

    def put(self, pixels: Pixels, name: str) -> ImageRef:
        """Pixels as an input picture that a recipe can name."""
        return self.studio.images.keep(pixels, name)

    def paint(
        self,
        scenes: Sequence[str],
        ratio: float = 0.0,
        *,
        same_seed: bool = False,
        fields: Mapping[str, Any] | None = None,
    ) -> list[Source]:
        """A picture for each scene, which stands in the template as {scene}; all are kept as they were painted.

        `ratio` is width to height, 0 leaves the size to the model; `fields` are of the recipe. Seeds count up unless they
        are the same. All are checked before the first is begun. Raises as Studio.paint, and PresetStopped.
        """
        orders: list[Order] = []
        for number, scene in enumerate(scenes):
            seed = self.settings.seed + (0 if same_seed else number)
            recipe = self._recipe(scene, ratio, {"seed": seed, **(fields or {})})
            orders.append(self.studio.settle(Order(recipe=recipe)))
        painted: list[Source] = []
        for number, order in enumerate(orders):
            watched = Within(self.watch, number, len(orders))
            kept = next(iter(self.studio.paint(order, watched, to=self.folder / PAINTED)), None)
            if kept is None:
                raise PresetStopped(f"{number} of {len(orders)} pictures were painted")
            painted.append(source_of(kept.picture))
        return painted

    def enlarged(self, pixels: Pixels, width: int, height: int) -> Pixels:
        """The picture enlarged by the best upscaler that is there until it covers (width, height); never made smaller."""
        by = max(width / pixels.shape[1], height / pixels.shape[0])
        if by <= 1:
            return pixels
        request = UpscaleRequest(width=round(pixels.shape[1] * by), height=round(pixels.shape[0] * by))
        try:
            return self._upscalers.upscale(pixels, request, self.watch)
        except UpscaleStopped as stopped:
            raise PresetStopped("stopped while enlarging") from stopped

    @cached_property
    def _upscalers(self) -> "Upscalers":
        return Extras(self.studio).upscalers

    def _recipe(self, scene: str, ratio: float, fields: Mapping[str, Any]) -> Recipe:
        said = self.settings
        texts = {name: value for name, value in said if isinstance(value, str)}
        negative = [text for text in (self.file.negative_prompt, said.negative_prompt) if text.strip()]
        usual: dict[str, Any] = {"model": said.model} if said.model else {}
        usual |= {name: getattr(said, name) for name in ("steps", "cfg_scale") if getattr(said, name)}
        if ratio:
            usual |= self._size(ratio)
        prompts = {
            "prompt": filled_in(self.file.prompt, {**texts, "scene": scene}),
            "negative_prompt": ", ".join(negative),
        }
        return Recipe.model_validate({**self.file.recipe, **usual, **prompts, **fields})

    def _size(self, ratio: float) -> dict[str, int]:
        """As many pixels as the model is used to, at another ratio of width to height. Small models know one shape only."""
        usual = self.studio.catalog.find(self.settings.model).usual
        area = int(usual.get("width", 512)) * int(usual.get("height", 512))
        if area < SMALL**2:
            return {}
        width = max(16, round((area * ratio) ** 0.5 / 8) * 8)
        return {"width": width, "height": max(16, round(area / width / 8) * 8)}


def source_of(picture: Picture) -> Source:
    """A picture that was painted, as something to work on."""
    return Source(picture.pixels, picture.provenance)


def opaque(source: Source) -> Pixels:
    """Its pixels on white, (H, W, 3)."""
    return flattened(source.pixels)


def need_words(settings: PresetSettings, name: str) -> None:
    """Raises RecipeError where there is nothing to paint and nothing to work on."""
    if not settings.prompt.strip() and not settings.pictures:
        raise RecipeError(
            f"{name} needs something to show: give --prompt with what is to be painted, or --picture FILE"
        )


def scenes_of(text: str) -> list[str]:
    """ "smiling; waving" as a list; empty parts count, for a scene may have nothing of its own."""
    return [part.strip() for part in text.split(";")] if text.strip() else []


def _provenance(recipe_json: str | None) -> Provenance | None:
    try:
        return story_in(recipe_json).provenance if recipe_json else None
    except DanqingError:
        return None  # a later version's, or somebody's joke: the picture itself is what is asked for
