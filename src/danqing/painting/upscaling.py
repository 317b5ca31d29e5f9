"""What is asked of an upscaler, which names there are, and how large it gets: A1111's Extras and its hires upscalers. Free of torch."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from danqing.base.errors import ModelError, RecipeError
from danqing.base.infotext import quote
from danqing.base.knobs import Knob
from danqing.base.progress import Verdict
from danqing.base.protocols import Catalog, ModelFile
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.base.value import Value
from danqing.painting.plan import PIXEL_UPSCALERS
from danqing.pixels.resize import Fit, fit

NO_UPSCALER = "None"
"""A1111's name for plain resampling, which is Lanczos."""
EMBEDDED = "danqing 4x"
"""The one that ships with danqing, and the default where its file is there."""
A1111_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "R-ESRGAN 4x+": "RealESRGAN_x4plus",
        "R-ESRGAN 4x+ Anime6B": "RealESRGAN_x4plus_anime_6B",
        "R-ESRGAN 2x+": "RealESRGAN_x2plus",
        "R-ESRGAN General 4xV3": "realesr-general-x4v3",
        "R-ESRGAN General WDN 4xV3": "realesr-general-wdn-x4v3",
        "R-ESRGAN AnimeVideo": "realesr-animevideov3",
        "ESRGAN_4x": "ESRGAN",
        "ScuNET GAN": "ScuNET",
        "ScuNET PSNR": "ScuNET-PSNR",
        "SwinIR 4x": "SwinIR_4x",
        "DAT x2": "DAT_x2",
        "DAT x3": "DAT_x3",
        "DAT x4": "DAT_x4",
    }
)
"""What A1111 calls its upscalers, and the files that it fetches for them: infotexts have the former, its folders the latter."""
FETCH = "`danqing models get pack:real-esrgan` fetches three"
MOST_TURNS = 3
"""How often a network is applied to reach a size (A1111's limit); what is missing then is resampled."""


class UpscaleRequest(Value):
    """Enlarging one picture: by a factor, or to a size. 0 leaves a side to the picture's shape, both 0 go by the factor."""

    upscaler: Annotated[str, Knob("Upscaler", "Its name; empty is the best that is there.", group="basic")] = ""
    by: Annotated[float, Knob("Resize by", "Factor for both sides.", 0.05, 16, 0.05, group="basic")] = 4.0
    width: Annotated[int, Knob("Resize to width", "0 keeps the shape.", 0, 16384, 8, group="basic")] = 0
    height: Annotated[int, Knob("Resize to height", "0 keeps the shape.", 0, 16384, 8, group="basic")] = 0
    crop: Annotated[bool, Knob("Crop to fit", "Cut off what overlaps the size; else it overlaps.")] = True
    second: Annotated[str, Knob("Upscaler 2", "Another one, blended over the first.")] = ""
    visibility: Annotated[float, Knob("Upscaler 2 visibility", "How much of the second shows.", 0, 1, 0.01)] = 0.0

    @property
    def to_size(self) -> bool:
        return bool(self.width or self.height)


@dataclass(frozen=True)
class Target:
    """How large a picture gets: it is enlarged to `fit.scaled`, laid at `fit.at` and cut to `size`. All (width, height)."""

    fit: Fit
    size: tuple[int, int]


class UpscaleStopped(Exception):  # noqa: N818 - no error: the user's wish
    """Enlarging ended before its last tile."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict


def target_of(size: tuple[int, int], request: UpscaleRequest) -> Target:
    """What becomes of a picture of `size` (width, height). Sides by a factor are rounded down, to the pixel (A1111: to eights)."""
    width, height = size
    if not request.to_size:
        scaled = (max(1, int(width * request.by)), max(1, int(height * request.by)))
        return Target(Fit(scaled, (0, 0)), scaled)
    if not request.width or not request.height:
        across = request.width or max(1, round(request.height * width / height))
        down = request.height or max(1, round(request.width * height / width))
        return Target(Fit((across, down), (0, 0)), (across, down))
    frame = (request.width, request.height)
    covering = fit(size, frame, "crop and resize")
    return Target(covering, frame) if request.crop else Target(Fit(covering.scaled, (0, 0)), covering.scaled)


def upscaler_names(catalog: Catalog) -> list[str]:
    """Every upscaler there is, those without a network first."""
    return [*PIXEL_UPSCALERS, *dict.fromkeys(file.name for file in catalog.list("upscaler"))]


def default_upscaler(catalog: Catalog) -> str:
    """The embedded one, Lanczos while it is missing."""
    try:
        return catalog.find(ModelRef(name=EMBEDDED), "upscaler").name
    except ModelError:
        return PIXEL_UPSCALERS[0]


def find_upscaler(name: str, catalog: Catalog) -> ModelFile | str:
    """The file of an upscaler, its sha256 known, or the name of a resampler. Capitals don't matter, and A1111's names are known.

    Raises RecipeError with the nearest name, ModelError for a file that is there and can't be used.
    """
    said = name.strip() or default_upscaler(catalog)
    for resampler in (*PIXEL_UPSCALERS, NO_UPSCALER):
        if said.casefold() == resampler.casefold():
            return PIXEL_UPSCALERS[0] if resampler == NO_UPSCALER else resampler
    for spoken in _spoken(said):
        with suppress(ModelError):
            return catalog.find(ModelRef(name=spoken), "upscaler")
    names = upscaler_names(catalog)  # only now: it looks into every model file there is
    for known in names:
        if known.casefold() in (spoken.casefold() for spoken in _spoken(said)):
            return catalog.find(ModelRef(name=known), "upscaler")
    raise RecipeError(f"no upscaler named {name!r}{did_you_mean(name, names)} ({FETCH}; others go into models/ESRGAN)")


def _spoken(said: str) -> Iterator[str]:
    """The names by which a file may be known: as it was said, and as A1111 or its file has it."""
    yield said
    for title, stem in A1111_NAMES.items():
        if said.casefold() == title.casefold():
            yield stem
        elif said.casefold() == stem.casefold():
            yield title


def postprocess_note(request: UpscaleRequest, upscaler: str, size: tuple[int, int]) -> str:
    """What A1111 writes behind the parameters of an enlarged picture; `size` is (width, height) of the result."""
    entries: dict[str, object] = {}
    if request.to_size:
        entries["Postprocess upscale to"] = f"{request.width or size[0]}x{request.height or size[1]}"
        if request.crop and request.width and request.height:
            entries["Postprocess crop to"] = f"{size[0]}x{size[1]}"
    else:
        entries["Postprocess upscale by"] = f"{request.by:g}"
    entries["Postprocess upscaler"] = upscaler
    if request.second and request.visibility > 0:
        entries["Postprocess upscaler 2"] = request.second
        entries["Postprocess upscaler 2 visibility"] = f"{request.visibility:g}"
    return ", ".join(f"{key}: {quote(value)}" for key, value in entries.items())
