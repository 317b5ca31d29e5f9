"""danqing (丹青): a complete studio for making pictures with diffusion models. These names are the public ones; the rest may move."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.base import errors
    from danqing.base.infotext import read_infotext, write_infotext
    from danqing.base.order import Order
    from danqing.base.picture import Picture
    from danqing.base.recipe import Recipe
    from danqing.painting.engine import Engine
    from danqing.studio.studio import Studio, paint

__version__ = "0.1.0"

__all__ = [
    "Engine",
    "Order",
    "Picture",
    "Recipe",
    "Studio",
    "errors",
    "paint",
    "read_infotext",
    "write_infotext",
]

_HOMES = {
    "Engine": "danqing.painting.engine",
    "Order": "danqing.base.order",
    "Picture": "danqing.base.picture",
    "Recipe": "danqing.base.recipe",
    "Studio": "danqing.studio.studio",
    "paint": "danqing.studio.studio",
    "read_infotext": "danqing.base.infotext",
    "write_infotext": "danqing.base.infotext",
}


def __getattr__(name: str) -> Any:
    # Loaded at first use, so that `import danqing` and `danqing --help` never wait for torch.
    if name == "errors":
        return import_module("danqing.base.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'danqing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
