"""The lesson of the embedded VAE: pictures through four latent channels an eighth their size, and back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor, nn

from danqing.training.loop import Figures, autocast
from danqing.training.losses import kl_to_normal, picture_loss, psnr
from danqing.training.luck import choose, luck_of
from danqing.training.mini.linear_start import start_linear
from danqing.training.pace import Pace

_STAGES = 4
"""Channel widths: a latent is an eighth of the picture's side."""


def build_vae(channels: tuple[int, ...], latents: int = 4, seed: int = 1) -> Any:
    """A fresh VAE, set to the linear start."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        # Any: the hints of diffusers take every tuple for one of length 1, and half of the parts for None.
        build: Any = AutoencoderKL
        vae = build(
            in_channels=3,
            out_channels=3,
            latent_channels=latents,
            block_out_channels=channels,
            layers_per_block=1,
            down_block_types=("DownEncoderBlock2D",) * _STAGES,
            up_block_types=("UpDecoderBlock2D",) * _STAGES,
            norm_num_groups=2,
            sample_size=128,
        )
    start_linear(vae, luck_of(seed, 0))
    return vae


def tensor_of(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """uint8 (B, H, W, 3) to (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2).to(device) / 127.5 - 1


def pixels_of(pictures: Tensor) -> NDArray[np.uint8]:
    """The inverse of `tensor_of`."""
    return ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


@dataclass(frozen=True, eq=False)
class VaeLesson:
    """Crops of training pictures, mirrored half of the time (mirrored pictures don't matter to an auto-encoder).

    frozen_encoder: only the decoder goes on learning, so latents that a UNet was trained on stay what they are.
    """

    vae: Any
    pictures: NDArray[np.uint8]
    validation: NDArray[np.uint8]
    device: torch.device
    crop: int = 64
    kl: float = 5e-4
    frozen_encoder: bool = False
    sheet: Path | None = None

    def __post_init__(self) -> None:
        self.vae.to(self.device, memory_format=torch.channels_last)
        if self.frozen_encoder:
            self.vae.encoder.requires_grad_(False)
            self.vae.quant_conv.requires_grad_(False)

    @property
    def network(self) -> nn.Module:
        """The VAE."""
        return self.vae

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, Figures]:
        """Reconstruction of one batch of crops plus a little KL."""
        wanted = self._crops(pace.batch, luck).contiguous(memory_format=torch.channels_last)
        with autocast(self.device, pace.precision):
            moments = self.vae.quant_conv(self.vae.encoder(wanted))
        mean, log_variance = moments.float().chunk(2, 1)
        log_variance = log_variance.clamp(-20, 10)
        noise = torch.randn(mean.shape, generator=luck).to(self.device)
        latent = mean + (0.5 * log_variance).exp() * noise
        with autocast(self.device, pace.precision):
            made = self.vae.decoder(self.vae.post_quant_conv(latent)).float()
        picture, kl = picture_loss(made, wanted), kl_to_normal(mean, log_variance)
        return picture + self.kl * kl, {"picture": picture.item(), "kl": kl.item()}

    def look(self, network: nn.Module) -> Figures:
        """PSNR on validation pictures, decoded from the mean latent; a sheet of originals and reconstructions beside
        it."""
        made, means = reconstruct(network, self.validation, self.device)
        wanted = tensor_of(self.validation, torch.device("cpu"))
        if self.sheet is not None:
            write_pairs(self.sheet, wanted, made)
        return {"psnr": psnr(made, wanted).mean().item(), "latent_std": means.std().item()}

    def _crops(self, count: int, luck: Generator) -> Tensor:
        side = self.pictures.shape[1] - self.crop + 1
        rows = choose(count, len(self.pictures), luck).tolist()
        places = torch.randint(side, (count, 2), generator=luck).tolist()
        cut = [self.pictures[r, y : y + self.crop, x : x + self.crop] for r, (y, x) in zip(rows, places, strict=True)]
        crops = tensor_of(np.stack(cut), self.device)
        return crops.flip(3) if bool(torch.rand((), generator=luck) < 0.5) else crops


@torch.no_grad()
def reconstruct(vae: Any, pictures: NDArray[np.uint8], device: torch.device, batch: int = 16) -> tuple[Tensor, Tensor]:
    """Pictures through the mean latent and back, (N, 3, H, W) in [-1, 1], and the mean latents, both float32 on the
    CPU."""
    made, means = [], []
    for start in range(0, len(pictures), batch):
        with autocast(device, "bfloat16"):
            mean = vae.encode(tensor_of(pictures[start : start + batch], device)).latent_dist.mean
            made.append(vae.decode(mean).sample.float().clamp(-1, 1).cpu())
        means.append(mean.float().cpu())
    return torch.cat(made), torch.cat(means)


def write_pairs(path: Path, wanted: Tensor, made: Tensor, columns: int = 8) -> None:
    """Originals with their reconstructions below, as one PNG."""
    count = min(len(wanted), 3 * columns) // columns * columns
    if not count:
        return
    pairs = torch.stack([wanted[:count], made[:count]], 1)  # (N, 2, 3, H, W)
    side = pairs.shape[-1]
    rows = count // columns
    grid = pairs.view(rows, columns, 2, 3, side, side).permute(0, 2, 4, 1, 5, 3)
    pixels = ((grid.reshape(rows * 2 * side, columns * side, 3) + 1) * 127.5).round().to(torch.uint8).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.png")
    Image.fromarray(pixels).save(part)
    part.replace(path)
