"""References by which a recipe names files without holding them: models by name and sha256, images by sha256, tools by name."""

from typing import Annotated, ClassVar

from pydantic import Field, JsonValue

from danqing.base.knobs import Knob
from danqing.base.value import Value


class ModelRef(Value):
    """A model file: the name people call it by, and the sha256 of the whole file once it is known (64 hex, or the first 10)."""

    atomic: ClassVar[bool] = True
    name: str = ""
    sha256: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.sha256)


class ImageRef(Value):
    """An input picture: sha256 of the file's bytes, and the name it came with."""

    atomic: ClassVar[bool] = True
    sha256: str
    name: str = ""


class Use(Value):
    """A pluggable tool and its settings, kept word for word even when the tool is not installed."""

    atomic: ClassVar[bool] = True
    name: str
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class LoraUse(Value):
    """A LoRA (or LyCORIS) with its strengths; 0 is no effect. A1111 writes it `<lora:name:text:unet>`."""

    atomic: ClassVar[bool] = True
    model: ModelRef
    unet: Annotated[float, Knob("UNet weight", "How strongly it changes the picture network.", -10, 10, 0.05)] = 1.0
    text: Annotated[float, Knob("Text weight", "How strongly it changes the text encoder.", -10, 10, 0.05)] = 1.0
    dim: Annotated[int, Knob("Rank", "Use only the first ranks of a DyLoRA; 0 takes all.", 0, 4096, 1)] = 0


class HypernetUse(Value):
    """A hypernetwork with its strength; `<hypernet:name:weight>`."""

    atomic: ClassVar[bool] = True
    model: ModelRef
    weight: Annotated[float, Knob("Weight", "How strongly it changes cross-attention.", -10, 10, 0.05)] = 1.0
