"""What goes into a preset and what comes out of it: settings, sources, pieces, findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from danqing.base.knobs import Knob
from danqing.base.picture import Pixels, Provenance
from danqing.base.refs import ImageRef, ModelRef
from danqing.base.seed import MAX_SEED
from danqing.base.value import Value


class PresetSettings(Value):
    """What every preset can be told. Where `pictures` are given they are worked on, else they are painted."""

    prompt: Annotated[str, Knob("Prompt", "What is to be painted.", group="basic")] = ""
    negative_prompt: Annotated[str, Knob("Negative prompt", "What it must not show.", group="basic")] = ""
    pictures: tuple[ImageRef, ...] = ()
    seed: Annotated[int, Knob("Seed", "The same seed paints the same.", -1, MAX_SEED, 1, group="basic")] = -1
    model: Annotated[ModelRef, Knob("Model", "The checkpoint that paints.", group="basic")] = ModelRef()
    steps: Annotated[int, Knob("Steps", "0 leaves them to the model.", 0, 1000, 1)] = 0
    cfg_scale: Annotated[float, Knob("CFG scale", "0 leaves it to the model.", 0, 100, 0.5)] = 0.0


@dataclass(frozen=True)
class Source:
    """A picture that a preset begins with, (H, W, 3|4): painted just now, or the user's own with what it tells of itself."""

    pixels: Pixels
    provenance: Provenance | None = None
    infotext: str = ""
    image: ImageRef | None = None


@dataclass(frozen=True)
class Piece:
    """A picture to be kept under `name`, and what it was made from."""

    name: str
    pixels: Pixels
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Made:
    """What a preset made: pictures, and files of other kinds by name. Presets add what their checks measure."""

    pieces: tuple[Piece, ...]
    documents: Mapping[str, bytes] = field(default_factory=dict[str, bytes], kw_only=True)


@dataclass(frozen=True)
class Finding:
    """One thing that was measured of a result: what, whether it is good, and a sentence with the figure in it."""

    what: str
    good: bool
    sentence: str
    value: float


class PresetStopped(Exception):  # noqa: N818 - no error: the user's wish
    """The watch ended the work before there was a result; what is painted already is kept."""
