"""The ESRGAN family once more, as plain functions over a file's own tensors, written from the papers and the published layouts.

It shares nothing with danqing's modules: names are those of the file, the order of operations is that of the authors' figures.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Layout:
    """How a file names its tensors; `{b}` is the block, `{d}` the dense block from 1, `{c}` the convolution from 1."""

    first: str
    dense: str
    body: str
    tail: Callable[[int], list[str]]
    """The stems after the body for so many doublings: doublings, then two more."""
    one: str = ""


OLD = Layout(
    first="model.0",
    dense="model.1.sub.{b}.RDB{d}.conv{c}.0",
    body="model.1.sub.{blocks}",
    # upsample, convolution, activation for each doubling; then convolution, activation, convolution
    tail=lambda ups: [*(f"model.{3 * i + 3}" for i in range(ups)), f"model.{3 * ups + 2}", f"model.{3 * ups + 4}"],
    one="model.1.sub.{b}.RDB{d}.conv1x1",
)
BSRGAN = Layout(
    first="conv_first",
    dense="RRDB_trunk.{b}.RDB{d}.conv{c}",
    body="trunk_conv",
    tail=lambda ups: [*(f"upconv{i + 1}" for i in range(ups)), "HRconv", "conv_last"],
)
NEW = Layout(
    first="conv_first",
    dense="body.{b}.rdb{d}.conv{c}",
    body="conv_body",
    tail=lambda ups: [*(f"conv_up{i + 1}" for i in range(ups)), "conv_hr", "conv_last"],
)


@dataclass(frozen=True)
class Rrdb:
    """A network to be drawn and run."""

    layout: Layout
    blocks: int
    ups: int
    shuffle: int = 1
    plus: bool = False
    width: int = 8
    growth: int = 4

    def drawn(self, seed: int = 0) -> Tensors:
        """Random tensors under the file's names."""
        generator = torch.Generator().manual_seed(seed)
        found: Tensors = {}

        def add(stem: str, out: int, channels: int, side: int = 3, bias: bool = True) -> None:
            scale = 1 / math.sqrt(channels * side * side)
            found[f"{stem}.weight"] = torch.randn(out, channels, side, side, generator=generator) * scale
            if bias:
                found[f"{stem}.bias"] = torch.randn(out, generator=generator) * 0.1

        add(self.layout.first, self.width, 3 * self.shuffle**2)
        for b in range(self.blocks):
            for d in (1, 2, 3):
                for c in range(1, 6):
                    stem = self.layout.dense.format(b=b, d=d, c=c)
                    add(stem, self.growth if c < 5 else self.width, self.width + (c - 1) * self.growth)
                if self.plus:
                    add(self.layout.one.format(b=b, d=d), self.growth, self.width, side=1, bias=False)
        add(self.layout.body.format(blocks=self.blocks), self.width, self.width)
        *doublings, high, last = self.layout.tail(self.ups)
        for stem in (*doublings, high):
            add(stem, self.width, self.width)
        add(last, 3, self.width)
        return found

    def run(self, tensors: Tensors, x: Tensor) -> Tensor:
        """(B, 3, H, W) through the network."""

        def conv(stem: str, x: Tensor) -> Tensor:
            return F.conv2d(x, tensors[f"{stem}.weight"], tensors[f"{stem}.bias"], padding=1)

        def lrelu(x: Tensor) -> Tensor:
            return torch.where(x > 0, x, 0.2 * x)

        def dense(b: int, d: int, x: Tensor) -> Tensor:
            seen, made = x, x
            second = x
            for c in range(1, 6):
                made = conv(self.layout.dense.format(b=b, d=d, c=c), seen)
                if c == 5:
                    break
                made = lrelu(made)
                if self.plus and c == 2:
                    one = tensors[f"{self.layout.one.format(b=b, d=d)}.weight"]
                    made = second = made + F.conv2d(x, one)
                if self.plus and c == 4:
                    made = made + second
                seen = torch.cat([seen, made], dim=1)
            return made * 0.2 + x

        batch, _, height, width = x.shape
        s = self.shuffle
        x = x.reshape(batch, 3, height // s, s, width // s, s).permute(0, 1, 3, 5, 2, 4)
        shallow = conv(self.layout.first, x.reshape(batch, 3 * s * s, height // s, width // s))
        deep = shallow
        for b in range(self.blocks):
            inner = deep
            for d in (1, 2, 3):
                inner = dense(b, d, inner)
            deep = inner * 0.2 + deep
        features = shallow + conv(self.layout.body.format(blocks=self.blocks), deep)
        *doublings, high, last = self.layout.tail(self.ups)
        for stem in doublings:
            features = lrelu(conv(stem, features.repeat_interleave(2, 2).repeat_interleave(2, 3)))
        return conv(last, lrelu(conv(high, features)))


@dataclass(frozen=True)
class Compact:
    """SRVGGNetCompact with PReLUs."""

    layers: int
    scale: int
    width: int = 8

    def drawn(self, seed: int = 0) -> Tensors:
        """Random tensors under the file's names."""
        generator = torch.Generator().manual_seed(seed)
        found: Tensors = {}
        for number in range(self.layers + 2):
            channels = 3 if number == 0 else self.width
            out = 3 * self.scale**2 if number == self.layers + 1 else self.width
            draw = torch.randn(out, channels, 3, 3, generator=generator) / math.sqrt(9 * channels)
            found[f"body.{2 * number}.weight"] = draw
            found[f"body.{2 * number}.bias"] = torch.randn(out, generator=generator) * 0.1
            if number <= self.layers:
                found[f"body.{2 * number + 1}.weight"] = torch.rand(self.width, generator=generator)
        return found

    def run(self, tensors: Tensors, x: Tensor) -> Tensor:
        """(B, 3, H, W) through the network."""
        out = x
        for number in range(self.layers + 2):
            stem = f"body.{2 * number}"
            out = F.conv2d(out, tensors[f"{stem}.weight"], tensors[f"{stem}.bias"], padding=1)
            if number <= self.layers:
                slope = tensors[f"body.{2 * number + 1}.weight"].view(1, -1, 1, 1)
                out = out.clamp(min=0) + slope * out.clamp(max=0)
        batch, _, height, width = out.shape
        s = self.scale
        spread = out.reshape(batch, 3, s, s, height, width).permute(0, 1, 4, 2, 5, 3)
        repeated = x.repeat_interleave(s, 2).repeat_interleave(s, 3)
        return spread.reshape(batch, 3, height * s, width * s) + repeated
