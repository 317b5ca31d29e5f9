"""Every patch that acts while a network runs, by the value that asks for it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from danqing.base.protocols import Catalog
from danqing.base.refs import HypernetUse
from danqing.weights.model import DiffusionModel
from danqing.weights.patches.freeu import install_freeu
from danqing.weights.patches.hypernet import open_hypernet
from danqing.weights.patches.patch import Removable
from danqing.weights.patches.settings import FreeU, NetworkPatch, Tiling, TokenMerging
from danqing.weights.patches.tiling import install_tiling
from danqing.weights.patches.token_merging import install_token_merging

INSTALLERS: Mapping[type[NetworkPatch], Callable[[Any, DiffusionModel], list[Removable]]] = MappingProxyType(
    {TokenMerging: install_token_merging, Tiling: install_tiling, FreeU: install_freeu}
)


def install(use: HypernetUse | NetworkPatch, model: DiffusionModel, catalog: Catalog) -> list[Removable]:
    """Hangs it into the model's networks; what comes back takes it out again. Raises ModelError for a file that doesn't fit."""
    if isinstance(use, HypernetUse):
        return [*open_hypernet(catalog.find(use.model, "hypernet").path, use.weight).install(model)]
    return INSTALLERS[type(use)](use, model)
