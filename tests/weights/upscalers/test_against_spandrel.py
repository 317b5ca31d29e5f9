"""Held against spandrel: `make test-extras` runs this in an environment of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from danqing.weights.detect import detect
from danqing.weights.place import Place
from danqing.weights.save import write_tensors
from danqing.weights.upscalers.loading import load_upscaler
from danqing.weights.upscalers.others import import_spandrel
from tests.weights.upscalers.published import BSRGAN, NEW, OLD, Compact, Rrdb


@pytest.fixture(scope="module")
def spandrel() -> Any:
    found = import_spandrel()
    if found is None:
        pytest.skip("spandrel isn't installed here; `make test-extras` has it")
    return found


# spandrel takes the growth of dense blocks for 32 whatever the file says
NETWORKS = [
    Rrdb(OLD, blocks=2, ups=2, growth=32),
    Rrdb(OLD, blocks=1, ups=2, plus=True, growth=32),
    Rrdb(OLD, blocks=1, ups=3, growth=32),
    Rrdb(BSRGAN, blocks=2, ups=1, growth=32),
    Rrdb(NEW, blocks=2, ups=2, growth=32),
    Rrdb(NEW, blocks=1, ups=2, shuffle=2, growth=32),
    Rrdb(NEW, blocks=1, ups=2, shuffle=4, growth=32),
    Compact(layers=3, scale=4),
    Compact(layers=2, scale=2, width=6),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
def test_the_esrgan_family_computes_what_spandrel_computes(spandrel: Any, network: Any, tmp_path: Path) -> None:
    tensors = network.drawn()
    write_tensors(tmp_path / "a.safetensors", tensors)
    ours = load_upscaler(tmp_path / "a.safetensors", Place())
    theirs = spandrel.ModelLoader().load_from_state_dict(dict(tensors))
    x = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = (ours.network(x) - theirs.model(x)).abs().max()
    assert ours.scale == theirs.scale
    assert float(difference) < 1e-5


def test_another_family_is_loaded_by_spandrel_and_used_like_our_own(spandrel: Any, tmp_path: Path) -> None:
    build = spandrel.architectures.SwinIR.SwinIR(
        upscale=2, window_size=4, img_size=16, depths=[2], num_heads=[2], embed_dim=8, upsampler="pixelshuffledirect"
    )
    torch.save({"params": build.state_dict()}, tmp_path / "swin.pth")
    found = detect(tmp_path / "swin.pth")
    assert (found.kind, found.note) == ("upscaler", "upscaler (SwinIR; needs spandrel)")
    upscaler = load_upscaler(tmp_path / "swin.pth", Place())
    picture = np.random.default_rng(0).integers(0, 256, (10, 14, 3), dtype=np.uint8)
    made = upscaler.enlarged(picture)
    assert (upscaler.scale, made.shape) == (2, (20, 28, 3))
    x = torch.from_numpy(picture).movedim(-1, 0)[None].float() / 255
    with torch.inference_mode():
        wanted = spandrel.ModelLoader().load_from_state_dict(build.state_dict())(x)[0].movedim(0, -1).numpy() * 255
    assert np.abs(made - wanted).max() < 0.01
