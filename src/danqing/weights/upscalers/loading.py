"""Loads upscalers: the ESRGAN family by danqing's own networks, everything else by spandrel where it is installed."""

import logging
import time
from pathlib import Path

import torch

from danqing.base.errors import ModelError
from danqing.weights.place import Place
from danqing.weights.tensorfile import open_tensors
from danqing.weights.upscalers.networks import build_network
from danqing.weights.upscalers.others import load_with_spandrel
from danqing.weights.upscalers.recognition import Recognised, Rrdb, describe, recognise
from danqing.weights.upscalers.upscaler import Upscaler

log = logging.getLogger(__name__)


def load_upscaler(path: Path, place: Place) -> Upscaler:
    """The upscaler in a `.pth` or `.safetensors` file. Raises ModelError, HostileFileError for a pickle that asks for code."""
    started = time.perf_counter()
    with torch.inference_mode(mode=False), torch.no_grad():
        upscaler = _load(path, place)
    log.info("loaded %s (%dx) in %.2f s", upscaler.name, upscaler.scale, time.perf_counter() - started)
    return upscaler


def _load(path: Path, place: Place) -> Upscaler:
    file = open_tensors(path)
    found = recognise(file.header)
    if found is not None:
        dtype = computing_dtype(place)
        tensors = {name: file.tensor(named).to(place.device, dtype) for name, named in found.names.items()}
        return _built(path.stem, found, tensors, place.device)
    what = describe(file.header)
    if not what:
        raise ModelError(f"{path.name}: this is no upscaler that danqing knows")
    tensors = {name: file.tensor(name).clone() for name in file.header.tensors}
    return load_with_spandrel(path.stem, tensors, place.device, what)


def computing_dtype(place: Place) -> torch.dtype:
    """float16 where the place computes in it, else float32: bfloat16 has steps of one grey level in two hundred and fifty-six."""
    return torch.float16 if place.for_size(1).dtype == torch.float16 else torch.float32


def _built(name: str, found: Recognised, tensors: dict[str, torch.Tensor], device: str) -> Upscaler:
    with torch.device("meta"):
        network = build_network(found.build)
    network.load_state_dict(tensors, assign=True)
    # Measured on the CPU: with channels last the convolutions take half the time.
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    network.eval().requires_grad_(False)
    build = found.build
    return Upscaler(
        name=name,
        network=network,
        scale=build.scale,
        reach=build.reach,
        multiple=build.shuffle if isinstance(build, Rrdb) else 1,
        device=device,
        dtype=next(iter(tensors.values())).dtype,
    )
