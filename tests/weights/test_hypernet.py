"""Hypernetworks: keys and values of cross-attention are made of the bent context; taken off, nothing remains."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danqing.base.errors import ModelError
from danqing.base.refs import HypernetUse, ModelRef
from danqing.weights.bundle import Bundle
from danqing.weights.detect import detect
from danqing.weights.patches.hypernet import open_hypernet
from danqing.weights.place import Place
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES, WIDTH


def small(width: int, *, activation: type[nn.Module] | None = None, norm: bool = False, seed: int = 0) -> nn.Sequential:
    """A network of the shape 1, 2, 1, as A1111 makes them by default."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [nn.Linear(width, 2 * width)]
    if activation:
        layers.append(activation())
    if norm:
        layers.append(nn.LayerNorm(2 * width))
    return nn.Sequential(*layers, nn.Linear(2 * width, width))


def write(path: Path, pairs: dict[int, tuple[nn.Sequential, nn.Sequential]], **facts: Any) -> Path:
    def state(network: nn.Sequential) -> dict[str, Tensor]:
        return {f"linear.{name}": tensor for name, tensor in network.state_dict().items()}

    torch.save(
        {width: (state(keys), state(values)) for width, (keys, values) in pairs.items()} | {"name": path.stem, **facts},
        path,
    )
    return path


@pytest.fixture
def shelf(toy_folder: Path, tmp_path: Path) -> Shelf:
    (tmp_path / "base").symlink_to(toy_folder, target_is_directory=True)
    return Shelf(FolderCatalog(tmp_path), Place(), families=TOY_FAMILIES)


def output(shelf: Shelf, *uses: HypernetUse) -> Tensor:
    model = shelf.materialise(Bundle(ModelRef(name="base"), patches=uses))
    generator = torch.Generator().manual_seed(3)
    x, context = torch.randn(1, 4, 8, 8, generator=generator), torch.randn(1, 77, WIDTH, generator=generator)
    with torch.inference_mode():
        return model.unet(x, 300, context).sample


def use(weight: float, name: str = "bend") -> HypernetUse:
    return HypernetUse(model=ModelRef(name=name), weight=weight)


def test_keys_and_values_are_made_of_the_bent_context(shelf: Shelf, tmp_path: Path) -> None:
    keys, values = small(WIDTH, seed=1), small(WIDTH, seed=2)
    write(tmp_path / "bend.pt", {WIDTH: (keys, values)})
    model = shelf.materialise(Bundle(ModelRef(name="base"), patches=(use(0.6),)))
    attention = model.unet.mid_block.attentions[0].transformer_blocks[0].attn2
    context = torch.randn(1, 77, WIDTH)
    with torch.inference_mode():
        bent = torch.nn.functional.linear(context + 0.6 * keys(context), attention.to_k.weight)
        assert torch.allclose(attention.to_k(context), bent, atol=1e-6)
        bent = torch.nn.functional.linear(context + 0.6 * values(context), attention.to_v.weight)
        assert torch.allclose(attention.to_v(context), bent, atol=1e-6)


def test_taken_off_or_at_weight_0_it_leaves_no_trace(shelf: Shelf, tmp_path: Path) -> None:
    write(tmp_path / "bend.pt", {WIDTH: (small(WIDTH), small(WIDTH))})
    before = output(shelf)
    assert not torch.equal(output(shelf, use(1.0)), before)
    assert torch.equal(output(shelf, use(0.0)), before)
    assert not torch.equal(output(shelf, use(0.5)), output(shelf, use(1.0)))
    assert torch.equal(output(shelf), before)


@pytest.mark.parametrize(
    ("word", "kind"), [("relu", nn.ReLU), ("mish", nn.Mish), ("swish", nn.Hardswish), ("linear", None)]
)
@pytest.mark.parametrize("norm", [False, True])
def test_its_make_is_read_from_the_file(word: str, kind: type[nn.Module] | None, norm: bool, tmp_path: Path) -> None:
    numbered = nn.Sequential(*small(6, activation=kind, norm=norm))
    path = write(tmp_path / "bend.pt", {6: (numbered, numbered)}, activation_func=word)
    network = open_hypernet(path, 1.0).pairs[6][0]
    x = torch.randn(2, 6)
    assert torch.allclose(network(x), numbered(x), atol=1e-6)


def test_the_names_of_the_first_files_are_understood(tmp_path: Path) -> None:
    network = small(6)
    state = {
        f"linear{1 + index}.{kind}": getattr(network[index], kind) for index in (0, 1) for kind in ("weight", "bias")
    }
    torch.save({6: (state, state)}, tmp_path / "first.pt")
    x = torch.randn(2, 6)
    assert torch.allclose(open_hypernet(tmp_path / "first.pt", 1.0).pairs[6][1](x), network(x), atol=1e-6)


def test_one_for_other_widths_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    write(tmp_path / "bend.pt", {768: (small(768), small(768))})
    assert detect(tmp_path / "bend.pt").family == "sd1"
    with pytest.raises(ModelError, match="hypernetwork for widths 768, but 'base' reads text 8 wide"):
        output(shelf, use(1.0))


def test_an_unknown_activation_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "bend.pt", {6: (small(6), small(6))}, activation_func="wobble")
    with pytest.raises(ModelError, match="its activation 'wobble' isn't known"):
        open_hypernet(path, 1.0)
