"""Upscaler files for tests, and a catalog over a folder of them."""

from pathlib import Path

import torch

from danqing.weights.save import write_tensors
from tests.toy.fixtures import FolderCatalog
from tests.weights.upscalers.published import Compact


def write_upscaler(path: Path, scale: int = 4, layers: int = 1, seed: int = 0) -> Path:
    """A compact network with random weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, Compact(layers, scale).drawn(seed))
    return path


def write_repeater(path: Path, scale: int, brighter: float = 0.0) -> Path:
    """A network that repeats each pixel, `brighter` than it was by that share of the range: what it makes can be told beforehand."""
    tensors = {name: torch.zeros_like(one) for name, one in Compact(0, scale).drawn().items()}
    tensors["body.2.bias"] += brighter
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors)
    return path


def catalog_of(folder: Path, **scales: int) -> FolderCatalog:
    """A catalog of repeaters, named and scaled so."""
    for name, scale in scales.items():
        write_repeater(folder / f"{name}.safetensors", scale)
    return FolderCatalog(folder)
