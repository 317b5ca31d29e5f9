"""Upscalers of other families, built by spandrel where the user installed it (the extra "spandrel"). Never needed by anything else.

spandrel needs torchvision, which danqing keeps out of its own environment: docs/decisions/0004-no-torchvision.md.
"""

import contextlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.weights.upscalers.upscaler import Upscaler


def load_with_spandrel(name: str, tensors: dict[str, Tensor], device: str, what: str) -> Upscaler:
    """The upscaler in a file's tensors, float32. Raises ModelError when spandrel isn't there or doesn't know it."""
    spandrel = import_spandrel()
    if spandrel is None:
        raise ModelError(
            f"{name}: {what}; danqing itself reads the ESRGAN family. `pip install spandrel` beside a torchvision that "
            "fits your torch opens this one too"
        )
    try:
        described = spandrel.ModelLoader().load_from_state_dict(tensors)
    except Exception as problem:
        raise ModelError(f"{name}: spandrel can't build it ({str(problem)[:120]})") from problem
    if not isinstance(described, spandrel.ImageModelDescriptor):
        raise ModelError(f"{name}: {what}, but it wants more than a picture; it can't be used to enlarge")
    if described.input_channels != 3 or described.output_channels != 3:
        raise ModelError(
            f"{name}: takes {described.input_channels} and gives {described.output_channels} channels; 3 and 3 are needed"
        )
    described.to(torch.device(device)).float().eval()
    network: Callable[[Tensor], Tensor] = described
    return Upscaler(name, network, int(described.scale), device=device)  # it pads its input itself


def import_spandrel() -> Any:
    """The package, None when it isn't installed or its torchvision doesn't work here."""
    try:
        return import_module("spandrel")
    except ImportError:
        return None
    except RuntimeError:
        # torchvision's CUDA build beside a CPU torch stops at its first operator; spandrel needs none of them.
        return _import_with_declared_operators()


def _import_with_declared_operators() -> Any:
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for signature in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        with contextlib.suppress(RuntimeError):  # declared already
            operators.define(signature)
    try:
        return import_module("spandrel")
    except (ImportError, RuntimeError):
        return None
