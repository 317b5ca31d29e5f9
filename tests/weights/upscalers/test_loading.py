import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from danqing.base.errors import HostileFileError, ModelError
from danqing.weights.place import Place
from danqing.weights.save import write_tensors
from danqing.weights.upscalers.loading import computing_dtype, load_upscaler
from danqing.weights.upscalers.others import import_spandrel
from danqing.weights.upscalers.upscaler import Upscaler
from tests.weights.upscalers.published import BSRGAN, NEW, OLD, Compact, Rrdb

NETWORKS = {
    "esrgan of 2018, 4x": (Rrdb(OLD, blocks=2, ups=2), 4),
    "esrgan of 2018, 1x": (Rrdb(OLD, blocks=1, ups=0), 1),
    "esrgan of 2018, 2x": (Rrdb(OLD, blocks=1, ups=1), 2),
    "esrgan of 2018, 8x": (Rrdb(OLD, blocks=1, ups=3), 8),
    "esrgan+": (Rrdb(OLD, blocks=2, ups=2, plus=True), 4),
    "bsrgan, 4x": (Rrdb(BSRGAN, blocks=2, ups=2), 4),
    "bsrgan, 2x": (Rrdb(BSRGAN, blocks=1, ups=1), 2),
    "real-esrgan, 4x": (Rrdb(NEW, blocks=3, ups=2), 4),
    "real-esrgan, 2x by unshuffling": (Rrdb(NEW, blocks=1, ups=2, shuffle=2), 2),
    "real-esrgan, 1x by unshuffling": (Rrdb(NEW, blocks=1, ups=2, shuffle=4), 1),
    "compact, 4x": (Compact(layers=4, scale=4), 4),
    "compact, 3x": (Compact(layers=0, scale=3), 3),
    "compact, 2x": (Compact(layers=2, scale=2, width=6), 2),
    "compact, 1x": (Compact(layers=2, scale=1), 1),
}


def saved(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    write_tensors(path, tensors)
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_what_was_published(name: str, tmp_path: Path) -> None:
    network, scale = NETWORKS[name]
    tensors = network.drawn()
    upscaler = load_upscaler(saved(tmp_path / "a.safetensors", tensors), Place())
    x = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        made, wanted = upscaler.network(x), network.run(tensors, x)
    assert upscaler.scale == scale
    assert made.shape == (1, 3, 12 * scale, 16 * scale)
    assert float((made - wanted).abs().max()) < 1e-5
    assert float(wanted.std()) > 0.01


@pytest.mark.parametrize("wrapper", ["", "params", "params_ema"])
def test_a_pickled_file_is_read_with_and_without_its_trainers_wrapping(wrapper: str, tmp_path: Path) -> None:
    network = Compact(layers=1, scale=2)
    tensors, path = network.drawn(), tmp_path / "a.pth"
    torch.save({wrapper: tensors} if wrapper else tensors, path)
    made = load_upscaler(path, Place()).network(x := torch.rand(1, 3, 5, 7))
    assert float((made - network.run(tensors, x)).abs().max()) < 1e-5


def test_the_average_of_the_weights_is_taken_where_a_file_has_both(tmp_path: Path) -> None:
    network = Compact(layers=1, scale=2)
    last, averaged = network.drawn(1), network.drawn(2)
    torch.save({"params": last, "params_ema": averaged}, tmp_path / "a.pth")
    made = load_upscaler(tmp_path / "a.pth", Place()).network(x := torch.rand(1, 3, 5, 7))
    assert float((made - network.run(averaged, x)).abs().max()) < 1e-5


@pytest.mark.parametrize("prefix", ["module.", "params_ema."])
def test_names_may_have_something_before_them(prefix: str, tmp_path: Path) -> None:
    network = Rrdb(NEW, blocks=1, ups=2)
    path = saved(tmp_path / "a.safetensors", {prefix + name: one for name, one in network.drawn().items()})
    assert load_upscaler(path, Place()).scale == 4


def test_a_file_in_half_precision_is_computed_in_float32(tmp_path: Path) -> None:
    tensors = {name: one.half() for name, one in Compact(layers=1, scale=2).drawn().items()}
    upscaler = load_upscaler(saved(tmp_path / "a.safetensors", tensors), Place())
    assert upscaler.dtype == torch.float32
    assert upscaler.network(torch.rand(1, 3, 4, 4)).dtype == torch.float32


@pytest.mark.parametrize(
    ("asked", "used"),
    [(torch.float16, torch.float16), (torch.bfloat16, torch.float32), (torch.float32, torch.float32)],
)
def test_bfloat16_is_too_coarse_for_pictures(asked: torch.dtype, used: torch.dtype) -> None:
    assert computing_dtype(Place("cuda", asked, asked)) == used


def test_sides_that_a_network_can_not_take_are_filled_up_and_cut_again(tmp_path: Path) -> None:
    network = Rrdb(NEW, blocks=1, ups=2, shuffle=4)
    upscaler = load_upscaler(saved(tmp_path / "a.safetensors", network.drawn()), Place())
    picture = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    assert upscaler.enlarged(picture).shape == (9, 13, 3)
    assert upscaler.enlarged(picture[:1, :1]).shape == (1, 1, 3)


class Overflowing(torch.nn.Module):
    """Gives back what it got, by way of numbers that float16 doesn't reach."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(300.0), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor * self.factor / self.factor / self.factor


def test_what_overflows_in_half_precision_is_computed_again() -> None:
    network = Overflowing().half()
    picture = np.random.default_rng(0).integers(128, 256, (8, 8, 3), dtype=np.uint8)
    made = Upscaler("a", network, scale=1, dtype=torch.float16).enlarged(picture)
    assert np.abs(made - picture).max() < 0.01
    assert network.factor.dtype == torch.float16


def test_enlarged_pictures_stay_within_their_range(tmp_path: Path) -> None:
    upscaler = load_upscaler(saved(tmp_path / "a.safetensors", Compact(layers=1, scale=2).drawn()), Place())
    made = upscaler.enlarged(np.full((6, 6, 3), 250, np.uint8))
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 255


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no upscaler that danqing knows"):
        load_upscaler(saved(tmp_path / "a.safetensors", {"x": torch.zeros(2)}), Place())


class Asking:
    """What it wants to be called on opening."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_a_pickle_that_asks_for_code_is_refused(tmp_path: Path) -> None:
    torch.save({"params": Asking()}, tmp_path / "a.pth")
    with pytest.raises(HostileFileError, match="Nothing of it was executed"):
        load_upscaler(tmp_path / "a.pth", Place())


def test_a_network_of_another_family_asks_for_spandrel(tmp_path: Path) -> None:
    if import_spandrel() is not None:
        pytest.skip("spandrel is installed here")
    path = saved(tmp_path / "swin.safetensors", {"layers.0.residual_group.blocks.0.norm1.weight": torch.zeros(8)})
    with pytest.raises(ModelError, match="SwinIR; needs spandrel"):
        load_upscaler(path, Place())
