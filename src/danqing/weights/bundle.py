"""What to paint with, as a value: a checkpoint, another VAE perhaps, and what is laid over them. Cheap to make, to compare and to hash."""

from dataclasses import dataclass

from danqing.base.refs import HypernetUse, LoraUse, ModelRef
from danqing.weights.patches.settings import NetworkPatch

NO_VAE = ModelRef()
PatchUse = LoraUse | HypernetUse | NetworkPatch


@dataclass(frozen=True)
class Bundle:
    """`patches` act in their order; an empty `vae` is the checkpoint's own."""

    model: ModelRef
    vae: ModelRef = NO_VAE
    patches: tuple[PatchUse, ...] = ()
