"""The shelf of live models: keeps them within a memory budget, and changes only the tensors that a bundle's patches touch."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import torch

from danqing.base.protocols import Catalog, ModelFile
from danqing.base.refs import HypernetUse, LoraUse, ModelRef
from danqing.prompt.tokens import Vocabulary
from danqing.weights.attention import attend_in_blocks, wants_blocks
from danqing.weights.building import placed
from danqing.weights.bundle import Bundle, PatchUse
from danqing.weights.embedding import Embedding, read_embedding
from danqing.weights.families import FAMILIES, Families
from danqing.weights.loading import load_model, load_vae, shipped_vocabulary
from danqing.weights.model import DiffusionModel
from danqing.weights.offload import Offload
from danqing.weights.packing import can_pack, pack
from danqing.weights.patches.installing import install
from danqing.weights.patches.lora import LoraPatch, lay_over
from danqing.weights.patches.lora_file import read_lora
from danqing.weights.patches.names import Layer, layer_names
from danqing.weights.patches.patch import Place as TensorPlace
from danqing.weights.patches.patch import Removable
from danqing.weights.place import Place

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Slot:
    """One live model. `applied` says which uses changed each tensor, in order; `hung` belong to uses that act while it runs."""

    file: ModelFile
    model: DiffusionModel
    names: Mapping[str, Layer]
    vaes: dict[str, DiffusionModel] = field(default_factory=dict)
    applied: dict[TensorPlace, tuple[LoraUse, ...]] = field(default_factory=dict)
    loras: dict[LoraUse, LoraPatch] = field(default_factory=dict)
    acting: tuple[object, ...] = ()
    hung: list[Removable] = field(default_factory=list)
    offload: Offload | None = None

    @property
    def bytes(self) -> int:
        own = sum(one.numel() * one.element_size() for other in self.vaes.values() for one in other.vae.parameters())
        return self.model.bytes + own


class Shelf:
    """Gives the live model of a bundle. Made for one device and one thread; what it gives is good until the next call."""

    def __init__(
        self, catalog: Catalog, place: Place, memory_budget: int | None = None, families: Families = FAMILIES
    ) -> None:
        self._catalog = catalog
        self._place = place
        self._budget = memory_budget if memory_budget is not None else default_budget(place)
        self._families = families
        self._slots: dict[str, _Slot] = {}  # oldest use first
        self._vocabulary: Vocabulary | None = None
        self._embeddings: dict[Path, Embedding] = {}

    def materialise(self, bundle: Bundle) -> DiffusionModel:
        """The bundle's model, ready to paint. Raises ModelError when a file is missing, damaged or doesn't fit the others."""
        with torch.inference_mode(mode=False), torch.no_grad():
            slot = self._slot(self._catalog.find(bundle.model, "checkpoint"))
            self._lay(slot, [use for use in bundle.patches if isinstance(use, LoraUse)])
            model = self._with_vae(slot, bundle.vae)
            self._hang(slot, model, [use for use in bundle.patches if not isinstance(use, LoraUse)])
            return model

    def embedding(self, ref: ModelRef) -> Embedding:
        """A textual inversion, read once."""
        path = self._catalog.find(ref, "embedding").path
        if path not in self._embeddings:
            self._embeddings[path] = read_embedding(path)
        return self._embeddings[path]

    def live(self) -> Sequence[str]:
        """Names of the models that are in memory, the least recently used first."""
        return [slot.file.name for slot in self._slots.values()]

    def clear(self) -> None:
        """Lets every model go."""
        self._slots.clear()

    def _slot(self, file: ModelFile) -> _Slot:
        key = f"{file.path}|{file.sha256}"
        if key in self._slots:
            self._slots[key] = self._slots.pop(key)  # now the most recently used
            return self._slots[key]
        self._make_room(_size_on_disk(file))
        if self._vocabulary is None:
            self._vocabulary = shipped_vocabulary()
        model = packed(replace(load_model(file.path, self._place, self._families, self._vocabulary), name=file.name))
        offload = Offload(model) if model.place.low_memory != "off" else None
        self._slots[key] = _Slot(file, model, layer_names(model), offload=offload)
        self._make_room(0, keep=key)
        return self._slots[key]

    def _make_room(self, needed: int, keep: str = "") -> None:
        for key in list(self._slots):
            if sum(slot.bytes for slot in self._slots.values()) + needed <= self._budget:
                return
            if key != keep:
                log.info("%s leaves memory to make room", self._slots.pop(key).file.name)

    def _lay(self, slot: _Slot, uses: Sequence[LoraUse]) -> None:
        """Brings the slot's tensors from what lies over them now to `uses`; a tensor whose uses stay the same isn't touched."""
        loras = [self._lora(slot, use) for use in uses]
        wanted: dict[TensorPlace, tuple[LoraUse, ...]] = {}
        for patch in loras:
            for place in patch.touched:
                wanted[place] = (*wanted.get(place, ()), patch.use)
        changed = [
            place for place in {**slot.applied, **wanted} if slot.applied.get(place, ()) != wanted.get(place, ())
        ]
        if changed and slot.offload is not None:
            slot.offload.send_home()
        for place in changed:
            _recompute(slot, place, wanted.get(place, ()))
        slot.loras = {patch.use: patch for patch in loras}

    def _lora(self, slot: _Slot, use: LoraUse) -> LoraPatch:
        if use not in slot.loras:
            file = read_lora(self._catalog.find(use.model, "lora").path, self._families)
            slot.loras[use] = lay_over(file, use, slot.model, slot.names, self._families)
        return slot.loras[use]

    def _hang(self, slot: _Slot, model: DiffusionModel, uses: Sequence[PatchUse]) -> None:
        """Brings what acts in the model's networks from what is there now to `uses`, in their order."""
        wanted = [use for use in uses if not isinstance(use, LoraUse) and not _idle(use)]
        if slot.acting == (model, *wanted):
            return
        for one in reversed(slot.hung):
            one.remove()
        slot.hung, slot.acting = [], ()
        for use in wanted:
            slot.hung.extend(install(use, model, self._catalog))
        slot.acting = (model, *wanted)

    def _with_vae(self, slot: _Slot, ref: ModelRef) -> DiffusionModel:
        if not ref:
            return slot.model
        file = self._catalog.find(ref, "vae")
        key = f"{file.path}|{file.sha256}"
        if key not in slot.vaes:
            vae, built = load_vae(file.path, slot.model)
            origin = replace(slot.model.origin, parts={**slot.model.origin.parts, "vae": built.origin})
            slot.vaes[key] = replace(slot.model, vae=vae, origin=origin)
            if slot.offload is not None:
                slot.offload.take_in(vae)
        return slot.vaes[key]


def packed(model: DiffusionModel) -> DiffusionModel:
    """The model with its UNet's weights in the processor's own order, and attention as suits it, where that can be; on a card perhaps compiled.

    Not the decoder: it is run once a picture, and packing costs as much as it gains there (measured at SD1's size).
    """
    if model.place.compiled:
        model.unet.compile()
        return replace(model, compiled=True)
    if not can_pack(model.device, model.dtype):
        return model
    pack(model.unet)
    if not wants_blocks(model.device, model.dtype):
        return replace(model, packed=True)
    attend_in_blocks(model.unet)
    return replace(model, packed=True, attention="blocks")


def default_budget(place: Place) -> int:
    """Bytes for live models: half of the machine's memory, or 85 % of the card's."""
    if place.device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(place.device).total_memory * 0.85)
    return psutil.virtual_memory().total // 2


def _recompute(slot: _Slot, place: TensorPlace, uses: Sequence[LoraUse]) -> None:
    """One tensor anew from its file: in float32 through all patches, rounded once. Without patches it is the file's own again.

    It never writes into the old tensor, whose memory may be the file's.
    """
    part, name = place
    model = slot.model
    original = model.origin.tensor(part, name)
    if uses:
        weight = original.to(model.device, torch.float32)
        for use in uses:
            weight = slot.loras[use].applied(place, weight)
        original = weight
    model.parts()[part].get_parameter(name).data = placed(original, model.place, vae=part == "vae")
    if uses:
        slot.applied[place] = tuple(uses)
    else:
        slot.applied.pop(place, None)


def _idle(use: PatchUse) -> bool:
    return isinstance(use, HypernetUse) and use.weight == 0


def _size_on_disk(file: ModelFile) -> int:
    if file.path.is_dir():
        return sum(part.stat().st_size for part in file.path.rglob("*") if part.is_file())
    return file.path.stat().st_size
