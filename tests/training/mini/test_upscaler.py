"""The upscaler: what it learns from, that it starts as repeated pixels, and that any reader of such files reads it."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from danqing.base.errors import TrainingError
from danqing.training.losses import frequency_loss
from danqing.training.luck import luck_of
from danqing.training.mini.degrading import SCALE, blur, compressed, degraded, shrunk
from danqing.training.mini.export import export_upscaler
from danqing.training.mini.plans import read_plan
from danqing.training.mini.train import run_of, upscaler_lesson
from danqing.training.mini.upscaler import Pairs, UpscalerLesson, build_upscaler, enlarge
from danqing.training.pace import Pace
from danqing.weights.place import choose_place
from danqing.weights.upscalers.loading import load_upscaler

CPU = torch.device("cpu")
TOY = read_plan("toy")
SETTINGS = {"width": 8, "depth": 1}


def picture(side: int, count: int = 1) -> torch.Tensor:
    """Soft waves: what shrinking hardly changes."""
    along = torch.linspace(0, 6, side)
    wave = 0.5 + 0.4 * torch.sin(along)[:, None] * torch.cos(along)
    return wave.expand(count, 3, side, side).clone()


@pytest.mark.parametrize("method", ["area", "bilinear", "bicubic"])
def test_shrinking_keeps_what_is_soft(method: str) -> None:
    small = shrunk(picture(64), method)
    assert small.shape == (1, 3, 16, 16)
    assert (small - F.avg_pool2d(picture(64), SCALE)).abs().max() < 0.02


def test_a_blur_of_no_width_changes_nothing_and_a_wide_one_is_gaussian() -> None:
    dot = torch.zeros(2, 3, 33, 33)
    dot[:, :, 16, 16] = 1
    sharp, soft = blur(dot, torch.tensor([0.0, 2.0]))
    assert torch.equal(sharp, dot[0])
    assert soft.sum(dim=(1, 2)).sub(1).abs().max() < 1e-5
    assert float(soft[0, 16, 18] / soft[0, 16, 16]) == pytest.approx(np.exp(-0.5), rel=1e-4)


def test_compression_is_jpegs_own() -> None:
    pixels = (picture(32)[0] * 255).round() / 255
    loss = (compressed(pixels, 60) - pixels).abs().mean()
    assert 0 < (compressed(pixels, 95) - pixels).abs().mean() < loss < 0.05


def test_degraded_pictures_are_small_differ_and_repeat_with_the_luck() -> None:
    one = degraded(picture(64, 8), luck_of(1, 1))
    assert one.shape == (8, 3, 16, 16)
    assert 0 <= float(one.min()) <= float(one.max()) <= 1
    assert torch.equal(one, degraded(picture(64, 8), luck_of(1, 1)))
    assert len({round(float(x.sum()), 6) for x in one}) > 4


def test_a_fresh_upscaler_nearly_repeats_pixels() -> None:
    small = picture(16)
    made = build_upscaler(SETTINGS)(small)
    assert (made - small.repeat_interleave(SCALE, 2).repeat_interleave(SCALE, 3)).abs().mean() < 0.05


def test_the_shipped_plan_stays_within_two_megabytes() -> None:
    network = build_upscaler(read_plan("mini")["upscaler"].settings)
    assert sum(p.numel() for p in network.parameters()) * 2 < 2_000_000


def test_frequencies_are_those_of_numpy() -> None:
    one, other = picture(16), picture(16).roll(3, 2)
    expected = np.abs(np.fft.rfft2((one - other).numpy(), norm="ortho")).mean()
    assert frequency_loss(one, other).item() == pytest.approx(float(expected), rel=1e-4)


def test_teaching_makes_the_loss_smaller() -> None:
    large = (picture(128, 4) * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    lesson = UpscalerLesson(build_upscaler(SETTINGS), Pairs(large, None), Pairs(large, None), CPU, crop=16)
    pace = Pace(steps=1, batch=4, rate=1e-3, precision="float32")
    optimizer = torch.optim.Adam(lesson.network.parameters(), 1e-3)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss, _ = lesson.loss(pace, luck_of(1, 1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_half_of_the_pictures_went_through_the_vae_once_there_is_one(built: Path, trained: Path) -> None:
    assert upscaler_lesson(TOY, built, CPU).training.through is None
    through = upscaler_lesson(TOY, trained, CPU).training.through
    assert through is not None
    assert through.shape == (4, 32, 32, 3)
    assert (run_of(trained, TOY, "upscaler").folder / "large_through.npy").exists()


def test_a_look_compares_with_lanczos_and_leaves_sheets(trained: Path, tmp_path: Path) -> None:
    lesson = upscaler_lesson(TOY, trained, CPU)
    figures = lesson.look(lesson.network)
    assert set(figures) == {"shrunk", "shrunk_lanczos", "through", "through_lanczos"}
    wanted = lesson.validation.large[0].astype(float) / 255
    small = shrunk(torch.from_numpy(wanted).permute(2, 0, 1)[None].float()).clamp(0, 1)
    assert enlarge(lesson.network, small, CPU).shape == (1, 3, 128, 128)
    with Image.open(run_of(trained, TOY, "upscaler").folder / "enlarged_shrunk.png") as sheet:
        assert sheet.size == (3 * 128, 2 * 128)


def test_the_exported_file_is_read_as_any_users_upscaler(trained: Path) -> None:
    path = export_upscaler(TOY, trained)
    upscaler = load_upscaler(path, choose_place("cpu"))
    assert upscaler.scale == SCALE
    made = upscaler.enlarged(np.full((8, 12, 3), 128, np.uint8))
    assert made.shape == (32, 48, 3)


def test_an_upscaler_that_was_never_taught_can_not_be_exported(built: Path) -> None:
    with pytest.raises(TrainingError, match="upscaler of plan 'toy' has no state yet"):
        export_upscaler(TOY, built)
