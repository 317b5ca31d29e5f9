"""The networks of the ESRGAN family as torch modules, their tensors named as in Real-ESRGAN's release. Pictures in [0, 1]."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danqing.weights.upscalers.recognition import Build, Compact, Rrdb

SLOPE = 0.2
"""Of the leaky ReLUs, and what every residual is multiplied with; equal by the authors' choice."""


def build_network(build: Build) -> nn.Module:
    """The network of that build on torch's current device, its weights left to chance."""
    return CompactNetwork(build) if isinstance(build, Compact) else RrdbNetwork(build)


class CompactNetwork(nn.Module):
    """Learns only what is to be added to the repeated pixels."""

    def __init__(self, build: Compact) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, build.width), nn.PReLU(build.width)]
        for _ in range(build.layers):
            layers += [_convolution(build.width, build.width), nn.PReLU(build.width)]
        self.body = nn.Sequential(*layers, _convolution(build.width, 3 * build.scale**2))
        self.scale = build.scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, 3, scale H, scale W)."""
        return F.pixel_shuffle(self.body(x), self.scale) + F.interpolate(x, scale_factor=float(self.scale))


class RrdbNetwork(nn.Module):
    """A deep trunk at the small size, then doublings by nearest neighbour, each with a convolution."""

    def __init__(self, build: Rrdb) -> None:
        super().__init__()
        width = build.width
        self.shuffle = build.shuffle
        self.conv_first = _convolution(3 * build.shuffle**2, width)
        self.body = nn.Sequential(*(Block(width, build.growth, build.plus) for _ in range(build.blocks)))
        self.conv_body = _convolution(width, width)
        for place in range(build.ups):
            self.add_module(f"conv_up{place + 1}", _convolution(width, width))
        self.ups = build.ups
        self.conv_hr = _convolution(width, width)
        self.conv_last = _convolution(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W), sides multiples of the shuffle, to (B, 3, scale H, scale W)."""
        x = self.conv_first(F.pixel_unshuffle(x, self.shuffle))
        x = x + self.conv_body(self.body(x))
        for place in range(self.ups):
            x = _active(self.get_submodule(f"conv_up{place + 1}")(F.interpolate(x, scale_factor=2.0)))
        return self.conv_last(_active(self.conv_hr(x)))


class Block(nn.Module):
    """Three dense blocks in a row, and the way past them."""

    def __init__(self, width: int, growth: int, plus: bool) -> None:
        super().__init__()
        self.rdb1 = Dense(width, growth, plus)
        self.rdb2 = Dense(width, growth, plus)
        self.rdb3 = Dense(width, growth, plus)

    def forward(self, x: Tensor) -> Tensor:
        return x + SLOPE * self.rdb3(self.rdb2(self.rdb1(x)))


class Dense(nn.Module):
    """Five convolutions, each of which sees what all before it made."""

    def __init__(self, width: int, growth: int, plus: bool) -> None:
        super().__init__()
        self.conv1 = _convolution(width, growth)
        self.conv2 = _convolution(width + growth, growth)
        self.conv3 = _convolution(width + 2 * growth, growth)
        self.conv4 = _convolution(width + 3 * growth, growth)
        self.conv5 = _convolution(width + 4 * growth, width)
        self.conv1x1 = nn.Conv2d(width, growth, 1, bias=False) if plus else None

    def forward(self, x: Tensor) -> Tensor:
        first = _active(self.conv1(x))
        second = _active(self.conv2(torch.cat((x, first), 1)))
        if self.conv1x1 is not None:
            second = second + self.conv1x1(x)
        third = _active(self.conv3(torch.cat((x, first, second), 1)))
        fourth = _active(self.conv4(torch.cat((x, first, second, third), 1)))
        if self.conv1x1 is not None:
            fourth = fourth + second
        return x + SLOPE * self.conv5(torch.cat((x, first, second, third, fourth), 1))


def _convolution(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1)


def _active(x: Any) -> Tensor:
    return F.leaky_relu(x, SLOPE, inplace=True)
