"""Where a model lives and in which number format it computes. What was chosen is an execution fact, never part of a recipe."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

import torch

from danqing.base.errors import HardwareError
from danqing.base.table import did_you_mean

log = logging.getLogger(__name__)

LowMemory = Literal["auto", "off", "model", "sequential"]
"""How a model lives with a card that is too small for it: its networks take turns there ("model"), or their layers do ("sequential")."""
WORKING = 2_500_000_000
"""Bytes of a card that are kept for what networks compute on: enough for SDXL at 1024x1024, whose decoder then works in tiles."""
LARGEST_NETWORK = 0.85
"""Share of a model that its largest network takes at most: the UNet has 81 % of SD1 and 74 % of SDXL."""

SMALL_MODEL = 100_000_000
"""Parameters below which a model gains little from bf16 (the embedded one has 24 million, SD1 has a thousand)."""

DTYPE_WORDS: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "float32": torch.float32,
        "fp32": torch.float32,
        "bfloat16": torch.bfloat16,
        "bf16": torch.bfloat16,
        "float16": torch.float16,
        "fp16": torch.float16,
        "half": torch.float16,
    }
)


@dataclass(frozen=True)
class Place:
    """`device` as torch writes it; a dtype of None is chosen for each model by its size (`for_size`). `channels_last` is for convolutions.

    `low_memory` says where weights are while they aren't needed; "auto" is decided for each model by what the card has left. `compiled` has
    UNets that are on the card as a whole go through torch.compile.
    """

    device: str = "cpu"
    dtype: torch.dtype | None = torch.float32
    vae_dtype: torch.dtype | None = torch.float32
    channels_last: bool = False
    low_memory: LowMemory = "off"
    compiled: bool = False

    def for_size(self, parameters: int) -> "Place":
        """The same place with nothing left open, for a model of so many parameters."""
        if self.dtype is not None and self.vae_dtype is not None and self.low_memory != "auto":
            return self
        dtype = self.dtype or best_dtype(self.device, parameters)
        low_memory = self.low_memory
        if low_memory == "auto":
            low_memory = low_memory_for(parameters * dtype.itemsize, free_on(self.device))
        return replace(
            self,
            dtype=dtype,
            vae_dtype=self.vae_dtype or _vae_dtype(self.device, dtype),
            # on the CPU bf16 convolutions are faster with channels last, float32 ones hardly differ
            channels_last=self.channels_last or dtype != torch.float32,
            low_memory=low_memory,
            compiled=self.compiled and low_memory == "off",
        )

    @property
    def home(self) -> str:
        """The device on which weights are while they aren't needed."""
        return self.device if self.low_memory == "off" else "cpu"

    @property
    def dtype_name(self) -> str:
        """ "float32", "bfloat16", "float16", or "auto" while it is open."""
        return _name(self.dtype)

    @property
    def vae_dtype_name(self) -> str:
        return _name(self.vae_dtype)


def choose_place(
    device: str = "auto", dtype: str = "auto", low_memory: str = "auto", *, compiled: bool = False
) -> Place:
    """The place that the user asked for, or the best that this machine has. Raises HardwareError when it isn't there.

    device: auto, cpu, cuda, cuda:1, mps; dtype: auto, float32, bfloat16, float16 and their short forms; low_memory: auto, off, model,
    sequential. A card of its own memory is needed for that; elsewhere it is off. `compiled` is kept where it pays: on CUDA. On the processor
    it was no faster than packed weights, and cost a minute before the first step.
    """
    where = _device(device.strip().casefold())
    card = where.startswith("cuda")
    if compiled and not card:
        log.info("torch.compile is left out: on %s it doesn't pay", where)
    way = _low_memory(where, low_memory)
    whole = card and way in ("auto", "off")
    return replace(_with_dtype(where, dtype), low_memory=way, compiled=compiled and whole)


def low_memory_for(needed: int, free: int) -> LowMemory:
    """The quickest way in which a model of so many bytes gets along with so many free ones on a card."""
    if needed + WORKING <= free:
        return "off"
    return "model" if int(needed * LARGEST_NETWORK) + WORKING <= free else "sequential"


def free_on(device: str) -> int:
    """Bytes that models may still take on a card; what torch keeps for itself but doesn't use counts as free."""
    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))


def _low_memory(device: str, word: str) -> LowMemory:
    for way in get_args(LowMemory):
        if way == word.strip().casefold():
            return way if device.startswith("cuda") else "off"
    raise HardwareError(f"no way named {word!r} to save memory{did_you_mean(word, list(get_args(LowMemory)))}")


def _with_dtype(where: str, dtype: str) -> Place:
    word = dtype.strip().casefold()
    if word == "auto":
        return Place(where, None, None)
    if word not in DTYPE_WORDS:
        raise HardwareError(
            f"no number format named {dtype!r}{did_you_mean(dtype, ['auto', 'float32', 'bfloat16', 'float16'])}"
        )
    chosen = DTYPE_WORDS[word]
    if chosen == torch.float16 and where == "cpu":
        raise HardwareError(
            "float16 can't be used on the processor, which has no fast way to compute in it; use bfloat16 or float32"
        )
    return Place(where, chosen, _vae_dtype(where, chosen), channels_last=chosen != torch.float32)


def best_dtype(device: str, parameters: int) -> torch.dtype:
    """The fastest format that paints well there, for a model of so many parameters."""
    if device.startswith("cuda"):
        return torch.float16
    if device == "mps":
        return torch.float16
    if not torch.cpu._is_avx512_bf16_supported():
        return torch.float32
    # measured: with AMX, small layers don't fill its tiles and float32 wins; with plain avx512_bf16, bf16 wins at every size
    if parameters < SMALL_MODEL and torch.cpu._is_amx_tile_supported():
        return torch.float32
    return torch.bfloat16


def _device(word: str) -> str:
    if word == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = word.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise HardwareError(f"no device named {word!r}; possible: auto, cpu, cuda, cuda:0, mps")
    if kind == "cuda" and (not torch.cuda.is_available() or int(number or 0) >= torch.cuda.device_count()):
        count = torch.cuda.device_count()
        found = f"{count} CUDA device(s)" if count else "no CUDA device"
        raise HardwareError(f"{word!r} was asked for, but torch sees {found} here; use --device auto or cpu")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise HardwareError("'mps' was asked for, but this is no Mac with Metal; use --device auto or cpu")
    return word


def _vae_dtype(device: str, dtype: torch.dtype) -> torch.dtype:
    """SD's and SDXL's decoders overflow in float16; bf16 has the range where the card computes it."""
    if dtype != torch.float16:
        return dtype
    if device.startswith("cuda") and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def _name(dtype: torch.dtype | None) -> str:
    return str(dtype).removeprefix("torch.") if dtype else "auto"
