"""The lesson of the 4x upscaler: a picture of the embedded model's world, 128 pixels wide, to a crisp one of 512."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor, nn

from danqing.training.loop import Figures, autocast
from danqing.training.losses import frequency_loss, picture_loss, psnr
from danqing.training.luck import luck_of
from danqing.training.mini.degrading import SCALE, degraded, shrunk
from danqing.training.pace import Pace
from danqing.weights.upscalers.networks import build_network
from danqing.weights.upscalers.recognition import Compact


def build_upscaler(settings: dict[str, Any], seed: int = 1) -> nn.Module:
    """Real-ESRGAN's compact network, fresh: it repeats pixels, for its last layer starts at nearly nothing."""
    network = build_network(Compact(settings["depth"], settings["width"], SCALE))
    luck = luck_of(seed, 0)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for convolution in convolutions:
        nn.init.kaiming_normal_(convolution.weight, a=0.25, generator=luck)
        _silence(convolution)
    with torch.no_grad():
        convolutions[-1].weight.mul_(0.01)
    return network


@dataclass(frozen=True)
class Pairs:
    """Pictures and, where a VAE was at hand, the same at a quarter of the side as it gives them back.

    large (N, H, W, 3), through (N, H / SCALE, W / SCALE, 3), uint8 both."""

    large: NDArray[np.uint8]
    through: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class UpscalerLesson:
    """Crops of large pictures, made bad or taken from what the VAE made of them, are to become what they were.

    crop: side of a crop of the small picture. sheet: where the look lays input, Lanczos, upscaler and truth side by
    side."""

    upscaler: nn.Module
    training: Pairs
    validation: Pairs
    device: torch.device
    crop: int = 32
    sheet: Path | None = None

    def __post_init__(self) -> None:
        network: Any = self.upscaler
        network.to(self.device, memory_format=torch.channels_last)

    @property
    def network(self) -> nn.Module:
        """The upscaler."""
        return self.upscaler

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, Figures]:
        """Pixels, edges and frequencies of one batch; half of it went through the VAE where there is one."""
        large, through = self._crops(pace.batch, luck)
        small = degraded(large, luck)
        if through is not None:
            ours = torch.rand((len(large), 1, 1, 1), generator=luck) < 0.5
            small = torch.where(ours, through, small)
        turns, mirrored = (int(torch.randint(n, (), generator=luck)) for n in (4, 2))
        large, small = (_turned(x, turns, mirrored).to(self.device) for x in (large, small))
        with autocast(self.device, pace.precision):
            made = self.upscaler(small.contiguous(memory_format=torch.channels_last))
        made = made.float()
        picture, waves = picture_loss(made, large, edge=1.0, coarse=0.0), frequency_loss(made, large)
        return picture + 0.1 * waves, {"picture": picture.item(), "waves": waves.item()}

    def look(self, network: nn.Module) -> Figures:
        """PSNR on validation pictures that were only shrunk, and on those that went through the VAE, with Lanczos's
        beside them."""
        figures: Figures = {}
        for name, small in self._looked_at.items():
            made = enlarge(network, small, self.device)
            figures[name] = psnr(made * 2 - 1, self._wanted * 2 - 1).mean().item()
            usual = torch.stack([_lanczos(x) for x in small])
            figures[f"{name}_lanczos"] = psnr(usual * 2 - 1, self._wanted * 2 - 1).mean().item()
            if self.sheet is not None:
                write_rows(self.sheet.with_stem(f"{self.sheet.stem}_{name}"), [usual, made, self._wanted])
        return figures

    @cached_property
    def _wanted(self) -> Tensor:
        return _unit(self.validation.large[:24])

    @cached_property
    def _looked_at(self) -> dict[str, Tensor]:
        small = {"shrunk": shrunk(self._wanted).clamp(0, 1)}
        if self.validation.through is not None:
            small["through"] = _unit(self.validation.through[:24])
        return small

    def _crops(self, count: int, luck: Generator) -> tuple[Tensor, Tensor | None]:
        """Crops of the large pictures and of their small counterparts, at places where something is to be seen."""
        places = self.training.large.shape[1] // SCALE - self.crop + 1
        rows = torch.randint(len(self.training.large), (count, 2), generator=luck).tolist()
        corners = torch.randint(places, (count, 2, 2), generator=luck).tolist()
        large, through = [], []
        for pair, spots in zip(rows, corners, strict=True):
            cuts = [_cut(self.training.large[r], y, x, self.crop, SCALE) for r, (y, x) in zip(pair, spots, strict=True)]
            # Half of a drawing is plain: of two places the livelier one teaches more.
            best = int(cuts[1][::8, ::8].std() > cuts[0][::8, ::8].std())
            large.append(cuts[best])
            if self.training.through is not None:
                y, x = spots[best]
                through.append(_cut(self.training.through[pair[best]], y, x, self.crop, 1))
        return _unit(np.stack(large)), _unit(np.stack(through)) if through else None


@torch.no_grad()
def enlarge(network: nn.Module, small: Tensor, device: torch.device, batch: int = 4) -> Tensor:
    """Pictures (N, 3, H, W) in [0, 1] through the upscaler, on the CPU. (N, 3, SCALE H, SCALE W)."""
    made = []
    for start in range(0, len(small), batch):
        some = small[start : start + batch].to(device).contiguous(memory_format=torch.channels_last)
        with autocast(device, "bfloat16"):
            made.append(network(some).float().clamp(0, 1).cpu())
    return torch.cat(made)


def write_rows(path: Path, columns: list[Tensor], count: int = 8) -> None:
    """The first pictures, a row each, their versions side by side, as one PNG."""
    rows = [torch.cat([column[i] for column in columns], 2) for i in range(min(count, len(columns[0])))]
    pixels = (torch.cat(rows, 1).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.png")
    Image.fromarray(pixels).save(part)
    part.replace(path)


def _silence(convolution: Any) -> None:
    nn.init.zeros_(convolution.bias)


def _unit(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (B, H, W, 3) to (B, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2).contiguous() / 255


def _cut(picture: NDArray[np.uint8], y: int, x: int, crop: int, scale: int) -> NDArray[np.uint8]:
    return picture[y * scale : (y + crop) * scale, x * scale : (x + crop) * scale]


def _turned(x: Tensor, turns: int, mirrored: int) -> Tensor:
    return torch.rot90(x.flip(3) if mirrored else x, turns, (2, 3))


def _lanczos(picture: Tensor) -> Tensor:
    """One picture (3, H, W) enlarged as any painting program does it."""
    pixels = Image.fromarray((picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    large = pixels.resize((pixels.width * SCALE, pixels.height * SCALE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(large)).permute(2, 0, 1).float() / 255
