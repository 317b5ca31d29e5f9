"""The toy model itself: small, equal for equal seeds, and whole in both of its layouts."""

from pathlib import Path

import torch

from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from tests.toy.model import TOY_FAMILIES, write_toy_file, write_toy_folder


def test_it_is_about_a_megabyte(toy_folder: Path) -> None:
    assert sum(path.stat().st_size for path in toy_folder.rglob("*") if path.is_file()) < 2_000_000


def test_equal_seeds_give_equal_files(tmp_path: Path, toy_folder: Path) -> None:
    for seed, equal in ((0, True), (1, False)):
        again = write_toy_folder(tmp_path / str(seed), seed)
        names = [path.relative_to(again) for path in again.rglob("*.safetensors")]
        assert len(names) == 3
        assert [(again / name).read_bytes() == (toy_folder / name).read_bytes() for name in names] == [equal] * 3


def test_it_loads_as_the_toy_and_without_that_family_as_one_like_the_embedded_model(tmp_path: Path) -> None:
    path = write_toy_file(tmp_path / "toy.safetensors")
    assert [one.name for one in tmp_path.iterdir()] == ["toy.safetensors"]
    toy, mini = load_model(path, Place(), TOY_FAMILIES), load_model(path, Place())
    assert (toy.family.name, mini.family.name) == ("toy", "mini")
    assert (toy.family.width, toy.family.steps, toy.context_width) == (64, 2, 8)
    assert all(torch.equal(tensor, mini.unet.state_dict()[name]) for name, tensor in toy.unet.state_dict().items())


def test_its_networks_give_finite_numbers_of_a_sane_size(toy_model: DiffusionModel) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 8, 8, generator=generator)
    with torch.inference_mode():
        text = toy_model.text_encoders[0](torch.randint(0, 49000, (2, 77), generator=generator)).last_hidden_state
        noise = toy_model.unet(x, 500, text).sample
        picture = toy_model.vae.decode(x).sample
    assert picture.shape == (2, 3, 64, 64)
    assert all(0.05 < float(one.std()) < 5 for one in (text, noise, picture))
    assert not torch.equal(noise[0], noise[1])
