"""A checkpoint of SD1's exact names and shapes with random weights: as slow as a real one, and nobody has to fetch it."""

import json
import math
import shutil
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from danqing.base.errors import FileWriteError
from danqing.weights.save import write_tensors

FILE_NAME = "sd1-random.safetensors"
SPARE = 1_000_000_000
"""Bytes that stay free on the disk."""


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Tensor names and shapes of the published SD1 checkpoint."""
    data = json.loads(files("danqing.studio.bench").joinpath("sd1_tensors.json").read_text("utf-8"))
    return {str(name): tuple(int(side) for side in shape) for name, shape in data["tensors"].items()}


def build(folder: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Path:
    """The file in that folder, float16, made unless it is there already. Raises FileWriteError when the disk has no room for it."""
    shapes = tensor_shapes() if shapes is None else shapes
    path = folder / FILE_NAME
    size = 2 * sum(math.prod(shape) for shape in shapes.values())
    if path.is_file() and path.stat().st_size > size:
        return path
    free = shutil.disk_usage(folder).free
    if free < size + SPARE:
        raise FileWriteError(
            f"{folder} has {free / 1e9:.1f} GB free; a model of SD1's size takes {size / 1e9:.1f} GB and 1 GB should stay: "
            "choose another folder with --cache"
        )
    generator = torch.Generator().manual_seed(0)
    write_tensors(path, {name: _drawn(name, shape, generator) for name, shape in shapes.items()})
    return path


def _drawn(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Drawn as torch draws new layers, so that a picture stays finite on its way through."""
    if name.endswith("position_ids"):
        return torch.arange(shape[-1]).reshape(shape)
    if len(shape) < 2:
        return torch.full(shape, 1.0 if name.endswith("weight") else 0.0, dtype=torch.float16)
    if "embedding" in name:
        return torch.randn(shape, generator=generator).mul_(0.02).half()
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return torch.rand(shape, generator=generator).mul_(2 * bound).sub_(bound).half()
