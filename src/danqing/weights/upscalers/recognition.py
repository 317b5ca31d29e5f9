"""What an upscaler's file holds, by tensor names and shapes alone: its network's build, and what the file calls each tensor. No torch.

The names used inside are those of Real-ESRGAN's release (`conv_first`, `body.0.rdb1.conv1` ...); two older layouts are led back to them.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from danqing.weights.header import Header

Shape = tuple[int, ...]
Rename = Callable[[str], str]

OTHERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "HAT": ("relative_position_index_SA", "layers.0.residual_group.overlap_attn.qkv.weight"),
        "ATD": ("relative_position_index_SA", "layers.0.residual_group.td"),
        "SwinIR": ("layers.0.residual_group.blocks.0.norm1.weight",),
        "RGT": ("before_RG.1.weight", "layers.0.blocks.0.gamma"),
        "DAT": ("before_RG.1.weight", "layers.0.blocks.0.norm1.weight"),
        "DRCT": ("conv_first.weight", "layers.0.swin1.norm1.weight"),
        "ScuNET": ("m_head.0.weight", "m_tail.0.weight"),
        "SPAN": ("conv_1.sk.weight", "block_1.c1_r.sk.weight"),
        "OmniSR": ("input.weight", "residual_layer.0.residual_layer.0.layer.0.fn.0.weight"),
        "PLKSR": ("feats.0.weight", "feats.1.refine.weight"),
        "MoSR": ("gblocks.0.weight", "gblocks.1.fc1.weight"),
        "RCAN": ("body.0.body.0.body.0.weight", "body.0.body.0.body.3.conv_du.0.weight"),
        "ESRGAN of an unusual build": ("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"),
        "BSRGAN of an unusual build": ("conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight"),
        "Real-ESRGAN of an unusual build": ("conv_first.weight", "body.0.rdb1.conv1.weight"),
        "Real-ESRGAN compact of an unusual build": ("body.0.weight", "body.1.weight"),
    }
)
"""Networks that danqing knows by sight and leaves to spandrel."""
WRAPPERS = ("", "params_ema.", "params.", "module.")
"""What stands before every name in files that were saved with the trainer's wrapping."""


@dataclass(frozen=True)
class Rrdb:
    """Residual-in-residual dense blocks. Wang et al. 2018, arXiv:1809.00219; pixel-unshuffle: 2021, arXiv:2107.10833.

    `ups` doublings at the end; `shuffle` is how many pixels a side go into the channels of one at the beginning; `plus` adds
    ESRGAN+'s 1x1 convolutions (arXiv:2001.08073).
    """

    blocks: int
    width: int
    growth: int
    ups: int
    shuffle: int = 1
    plus: bool = False

    @property
    def scale(self) -> int:
        return 2**self.ups // self.shuffle

    @property
    def reach(self) -> int:
        """How many pixels of the input to each side decide about a pixel: fifteen convolutions a block, and those around them."""
        return self.shuffle * (15 * self.blocks + 4)

    @property
    def title(self) -> str:
        kind = "ESRGAN+" if self.plus else "ESRGAN"
        return f"{kind} of {self.blocks} blocks"

    def shapes(self) -> dict[str, Shape]:
        """Every tensor of the network by name."""
        found = _convolution("conv_first", 3 * self.shuffle**2, self.width)
        for block in range(self.blocks):
            for dense in range(1, 4):
                stem = f"body.{block}.rdb{dense}"
                for place in range(1, 6):
                    out = self.growth if place < 5 else self.width
                    found |= _convolution(f"{stem}.conv{place}", self.width + (place - 1) * self.growth, out)
                if self.plus:
                    found[f"{stem}.conv1x1.weight"] = (self.growth, self.width, 1, 1)
        for stem in ("conv_body", *(f"conv_up{i + 1}" for i in range(self.ups)), "conv_hr"):
            found |= _convolution(stem, self.width, self.width)
        return found | _convolution("conv_last", self.width, 3)


@dataclass(frozen=True)
class Compact:
    """Plain convolutions with PReLUs, then pixels spread out: Real-ESRGAN's SRVGGNetCompact. `layers` are the inner convolutions."""

    layers: int
    width: int
    scale: int

    @property
    def reach(self) -> int:
        """How many pixels of the input to each side decide about a pixel."""
        return self.layers + 2

    @property
    def title(self) -> str:
        return f"Real-ESRGAN compact of {self.layers} layers"

    def shapes(self) -> dict[str, Shape]:
        """Every tensor of the network by name."""
        found: dict[str, Shape] = {}
        for layer in range(self.layers + 1):
            found |= _convolution(f"body.{2 * layer}", self.width if layer else 3, self.width)
            found[f"body.{2 * layer + 1}.weight"] = (self.width,)
        return found | _convolution(f"body.{2 * self.layers + 2}", self.width, 3 * self.scale**2)


Build = Rrdb | Compact


@dataclass(frozen=True)
class Recognised:
    """A network that danqing builds itself. `names` says for each of its tensors what the file calls it."""

    build: Build
    names: Mapping[str, str]


def recognise(header: Header) -> Recognised | None:
    """The network in a file of the ESRGAN family, None when it is another or not built as published."""
    for wrapper in WRAPPERS:
        inner = header.below(wrapper) if wrapper else header
        for look in (_compact, _real_esrgan, _bsrgan, _esrgan):
            found = look(inner)
            if found is None:
                continue
            build, rename = found
            shapes = build.shapes()
            if all(inner.shape(rename(name)) == shape for name, shape in shapes.items()):
                return Recognised(build, {name: wrapper + rename(name) for name in shapes})
    return None


def describe(header: Header) -> str:
    """What an upscaler's file is, in words; "" when it is none that is known."""
    found = recognise(header)
    if found is not None:
        return f"upscaler, {found.build.scale}x ({found.build.title})"
    for title, marks in OTHERS.items():
        if all(mark in header for mark in marks):
            return f"upscaler ({title}; needs spandrel)"
    return ""


def _convolution(stem: str, channels: int, out: int) -> dict[str, Shape]:
    return {f"{stem}.weight": (out, channels, 3, 3), f"{stem}.bias": (out,)}


def _compact(header: Header) -> tuple[Build, Rename] | None:
    last = max(_numbers(header, r"body\.(\d+)\.weight"), default=0)
    width, out = (header.shape(f"body.{place}.weight")[:1] for place in (0, last))
    scale = math.isqrt(out[0] // 3) if out else 0
    if last < 2 or last % 2 or not width or scale == 0:
        return None
    return Compact((last - 2) // 2, width[0], scale), lambda name: name


def _real_esrgan(header: Header) -> tuple[Build, Rename] | None:
    return _rrdb(header, r"body\.(\d+)\.rdb1\.conv1\.weight", lambda name: name)


def _bsrgan(header: Header) -> tuple[Build, Rename] | None:
    """The layout of 2019, which BSRGAN and RealSR kept."""
    words = {"conv_body": "trunk_conv", "conv_hr": "HRconv"}

    def rename(name: str) -> str:
        if inner := re.fullmatch(r"body\.(\d+)\.rdb(\d)\.(.+)", name):
            return f"RRDB_trunk.{inner[1]}.RDB{inner[2]}.{inner[3]}"
        stem, _, end = name.partition(".")
        return f"{words.get(stem, stem.replace('conv_up', 'upconv'))}.{end}"

    return _rrdb(header, r"RRDB_trunk\.(\d+)\.RDB1\.conv1\.weight", rename)


def _esrgan(header: Header) -> tuple[Build, Rename] | None:
    """The layout of 2018: a numbered sequence, in which layers without weights count too."""
    after_body = sorted({number for number in _numbers(header, r"model\.(\d+)\.weight") if number > 1})
    blocks = len(set(_numbers(header, r"model\.1\.sub\.(\d+)\.RDB1\.conv1\.0\.weight")))
    if len(after_body) < 2:
        return None
    tail = [*(f"conv_up{i + 1}" for i in range(len(after_body) - 2)), "conv_hr", "conv_last"]
    stems = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    stems |= {stem: f"model.{number}" for stem, number in zip(tail, after_body, strict=True)}

    def rename(name: str) -> str:
        if inner := re.fullmatch(r"body\.(\d+)\.rdb(\d)\.(\w+)\.(\w+)", name):
            block, dense, layer, end = inner.groups()
            return f"model.1.sub.{block}.RDB{dense}.{layer}{'' if layer == 'conv1x1' else '.0'}.{end}"
        stem, _, end = name.partition(".")
        return f"{stems.get(stem, stem)}.{end}"

    return _rrdb(header, r"model\.1\.sub\.(\d+)\.RDB1\.conv1\.0\.weight", rename)


def _rrdb(header: Header, block: str, rename: Rename) -> tuple[Build, Rename] | None:
    blocks = len(set(_numbers(header, block)))
    first = header.shape(rename("conv_first.weight"))
    growth = header.shape(rename("body.0.rdb1.conv1.weight"))
    if blocks == 0 or len(first) != 4 or len(growth) != 4:
        return None
    ups = 0
    while rename(f"conv_up{ups + 1}.weight") in header:
        ups += 1
    shuffle = math.isqrt(first[1] // 3)
    if shuffle == 0 or 2**ups % shuffle:
        return None
    plus = rename("body.0.rdb1.conv1x1.weight") in header
    return Rrdb(blocks, first[0], growth[0], ups, shuffle, plus), rename


def _numbers(header: Header, pattern: str) -> list[int]:
    matches = (re.fullmatch(pattern, name) for name in header.tensors)
    return [int(match[1]) for match in matches if match]
