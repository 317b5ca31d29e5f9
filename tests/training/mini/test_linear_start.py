from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from danqing.training.losses import psnr
from danqing.training.mini.dataset import read_split
from danqing.training.mini.vae import build_vae, tensor_of


@pytest.mark.parametrize("channels", [(16, 24, 32, 40), (24, 48, 96, 128)])
def test_the_start_gives_back_mean_colours(built: Path, channels: tuple[int, ...]) -> None:
    vae = build_vae(channels).eval()
    wanted = tensor_of(read_split(built, "validation").pictures[:4], torch.device("cpu"))
    with torch.no_grad():
        made = vae.decode(vae.encode(wanted).latent_dist.mean).sample
    blocks = F.interpolate(F.avg_pool2d(wanted, 8), scale_factor=8.0)
    assert psnr(made, blocks).min() > 15
    assert psnr(made, wanted).mean() > psnr(wanted.mean((2, 3), keepdim=True).expand_as(wanted), wanted).mean()


def test_the_start_depends_on_the_seed_alone() -> None:
    before = torch.random.get_rng_state()
    one, two, other = build_vae((16, 24, 32, 40)), build_vae((16, 24, 32, 40)), build_vae((16, 24, 32, 40), seed=2)
    weights = [vae.decoder.mid_block.resnets[0].conv1.weight for vae in (one, two, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.random.get_rng_state(), before)
