"""What painting needs from the floor above, as interfaces: someone who finds model files, someone who opens images."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from danqing.base.picture import Pixels
from danqing.base.refs import ImageRef, ModelRef

ModelKind = Literal["checkpoint", "vae", "lora", "embedding", "hypernet", "controlnet", "upscaler", "unknown"]


@dataclass(frozen=True)
class ModelFile:
    """A model on disk: `path` is a single file or a diffusers folder; `family` as detected ("sd1", "mini", "" for unknown)."""

    name: str
    path: Path
    kind: ModelKind
    family: str
    sha256: str = ""
    title: str = ""
    usual: Mapping[str, int | float | str] = field(default_factory=lambda: MappingProxyType({}))
    """The model's usual values for the fields of `order.MODEL_CHOSEN`: {"width": 512, "steps": 20, ...}."""

    @property
    def ref(self) -> ModelRef:
        """How a recipe names it."""
        return ModelRef(name=self.name, sha256=self.sha256)


class Catalog(Protocol):
    """The index of model files."""

    def find(self, ref: ModelRef, kind: ModelKind = "checkpoint") -> ModelFile:
        """The file that is meant, its sha256 known; an empty reference means the default checkpoint. Raises ModelError with the nearest name."""
        ...

    def list(self, kind: ModelKind | None = None) -> Iterable[ModelFile]:
        """All files of a kind, without computing hashes that are not known yet."""
        ...


class Images(Protocol):
    """The store of input pictures."""

    def open(self, ref: ImageRef) -> Pixels:
        """Its pixels, (H, W, 3|4) uint8. Raises ImageError when it is missing or can't be read."""
        ...
