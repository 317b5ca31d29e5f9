"""Upscalers of other families, built by spandrel where the user installed it. Never needed by anything else.

spandrel asks for torchvision, which danqing keeps out (docs/decisions/0004-no-torchvision.md), but only for two networks that
don't enlarge: without it a stand-in serves while spandrel is imported, so that `pip install --no-deps spandrel einops` will do.
"""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.weights.upscalers.upscaler import Upscaler

INSTALL = "`pip install --no-deps spandrel einops`"
STAND_INS = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


def load_with_spandrel(name: str, tensors: dict[str, Tensor], device: str, what: str) -> Upscaler:
    """The upscaler in a file's tensors, float32. Raises ModelError when spandrel isn't there or doesn't know it."""
    spandrel = import_spandrel()
    if spandrel is None:
        raise ModelError(
            f"{name}: {what}. danqing itself reads the ESRGAN family; after {INSTALL} it opens this one too"
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
    """The package, None when it isn't installed."""
    if find_spec("spandrel") is None:
        return None
    if find_spec("torchvision") is not None:
        return import_module("spandrel")
    with _stand_ins():
        return import_module("spandrel")


@contextmanager
def _stand_ins() -> Generator[None]:
    """torchvision's place is taken by modules with the three names that spandrel imports and never calls here."""
    for name in STAND_INS:
        sys.modules[name] = ModuleType(name)
    vars(sys.modules[STAND_INS[-1]]).update(InterpolationMode=None, rotate=None, normalize=None)
    try:
        yield
    finally:
        for name in STAND_INS:
            del sys.modules[name]
