"""Where the tensors of a live model come from, so that any of them can be read again from its file, bit for bit."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from danqing.base.errors import ModelError
from danqing.weights.layout import Layout, Source
from danqing.weights.tensorfile import TensorFile


@dataclass(frozen=True, eq=False)
class PartOrigin:
    """One network: `layout` names each of its tensors in one of the `files` (a large folder keeps several)."""

    files: tuple[TensorFile, ...]
    layout: Layout

    def tensor(self, name: str) -> Tensor:
        """The tensor as the file has it, in the shape that the module wants; memory-mapped where that needs no copy."""
        source = self.layout[name]
        for file in self.files:
            if source.name in file.header:
                return shaped(file.tensor(source.name), source)
        raise ModelError(f"{self.files[0].path.name}: tensor {source.name!r} is missing")

    def release(self) -> None:
        """Gives back the memory of what was read from the files."""
        for file in self.files:
            file.release()

    def missing(self) -> list[str]:
        """Names in the file that the network needs and that aren't there."""
        there = {name for file in self.files for name in file.header.tensors}
        return sorted({source.name for source in self.layout.values()} - there)


@dataclass(frozen=True, eq=False)
class Origin:
    """`parts` by name ("unet", "vae", "text_encoders.0"); `ignored` names tensors of the file that no network uses, with the reason."""

    parts: Mapping[str, PartOrigin]
    ignored: Mapping[str, str]

    def tensor(self, part: str, name: str) -> Tensor:
        return self.parts[part].tensor(name)


def shaped(tensor: Tensor, source: Source) -> Tensor:
    """A file's tensor as the module wants it."""
    if source.third is not None:
        third = tensor.shape[0] // 3
        tensor = tensor[source.third * third : (source.third + 1) * third]
    if source.transposed:
        tensor = tensor.T
    if source.flattened and tensor.ndim == 4:
        tensor = tensor[:, :, 0, 0]
    return tensor
