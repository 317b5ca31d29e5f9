from pathlib import Path

import numpy as np
import pytest
import torch

from danqing.base.errors import TrainingError
from danqing.training.mini.export import export, opened_networks, trained_networks, used_tokens
from danqing.training.mini.figures import (
    frechet_distance,
    judge_figures,
    model_figures,
    nearest_distance,
    open_bench,
    sizes,
)
from danqing.training.mini.plans import read_plan
from danqing.training.mini.prepared import read_prepared
from danqing.training.samples import Manner

CPU = torch.device("cpu")
TOY = read_plan("toy")


def cloud(shift: float, scale: float = 1.0, count: int = 4000) -> torch.Tensor:
    return torch.randn((count, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64) * scale + shift


def test_the_frechet_distance_of_a_cloud_to_itself_is_zero() -> None:
    assert abs(frechet_distance(cloud(0), cloud(0))) < 1e-6


def test_the_frechet_distance_is_that_of_the_formula() -> None:
    assert frechet_distance(cloud(0), cloud(2)) == pytest.approx(3 * 4, rel=1e-6)
    spread = torch.cov(cloud(0).T).trace().item()
    assert frechet_distance(cloud(0), cloud(0, 3.0)) == pytest.approx(4 * spread, rel=0.01)


def test_copies_have_no_distance_to_what_they_copy() -> None:
    among = cloud(0)
    assert nearest_distance(among[:10], among) == pytest.approx(0, abs=1e-3)
    assert nearest_distance(among[:10] + 9, among) > 1


def test_a_bench_without_a_judge_is_told_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="judge of plan 'toy' has no state yet"):
        open_bench(TOY, tmp_path, CPU)


def test_all_figures_come_out_at_toy_length(trained: Path) -> None:
    bench = open_bench(TOY, trained, CPU)
    own = judge_figures(bench, trained, read_prepared(TOY, trained).vae)
    assert set(own) == {"renders", "reconstructions"}
    assert 0 <= own["renders"]["mean"] <= 1
    figures = model_figures(bench, trained_networks(TOY, trained, CPU), trained, count=4, manner=Manner(steps=1))
    assert set(figures) == {"seen", "unseen", "whole", "size"}
    assert all(np.isfinite(value) for group in figures.values() for value in group.values())


def test_words_that_no_caption_used_do_not_count_for_the_size(trained: Path, tmp_path: Path) -> None:
    networks = trained_networks(TOY, trained, CPU)
    shipped = opened_networks(export(TOY, trained, tmp_path / "model"), CPU)
    before, after = sizes(networks), sizes(shipped)
    width = TOY["clip"].settings["text_width"]
    unused = 49408 - len(used_tokens(trained))
    assert before["text"] - after["text"] == pytest.approx(unused * width * 2 / 1e6, rel=1e-6)
    assert before["unet"] == after["unet"]
