import pytest
import torch

from danqing.weights.header import Header, TensorInfo
from danqing.weights.upscalers import recognition
from danqing.weights.upscalers.networks import build_network
from danqing.weights.upscalers.recognition import Compact, Rrdb, describe, recognise
from tests.weights.upscalers import published


def header(shapes: dict[str, tuple[int, ...]]) -> Header:
    return Header({name: TensorInfo("F32", shape) for name, shape in shapes.items()})


def shapes_of(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    ("network", "build"),
    [
        (published.Rrdb(published.OLD, 2, 2), Rrdb(2, 8, 4, 2)),
        (published.Rrdb(published.BSRGAN, 3, 1, width=6), Rrdb(3, 6, 4, 1)),
        (published.Rrdb(published.NEW, 1, 2, shuffle=2, growth=5), Rrdb(1, 8, 5, 2, 2)),
        (published.Rrdb(published.OLD, 1, 2, plus=True), Rrdb(1, 8, 4, 2, plus=True)),
        (published.Compact(16, 4), Compact(16, 8, 4)),
    ],
)
def test_a_build_is_read_off_names_and_shapes(
    network: published.Rrdb | published.Compact, build: recognition.Build
) -> None:
    found = recognise(header(shapes_of(network.drawn())))
    assert found is not None
    assert found.build == build
    assert set(found.names.values()) == set(network.drawn())


@pytest.mark.parametrize("build", [Rrdb(2, 8, 4, 2, 2, plus=True), Compact(3, 8, 2)])
def test_a_network_has_the_tensors_that_its_build_says(build: recognition.Build) -> None:
    assert shapes_of(build_network(build).state_dict()) == build.shapes()


@pytest.mark.parametrize("missing", ["conv_hr.bias", "body.1.rdb3.conv5.weight", "conv_last.weight"])
def test_a_file_that_lacks_a_tensor_is_not_taken_for_whole(missing: str) -> None:
    shapes = shapes_of(published.Rrdb(published.NEW, 2, 2).drawn())
    del shapes[missing]
    assert recognise(header(shapes)) is None
    assert "of an unusual build; needs spandrel" in describe(header(shapes))


def test_a_network_for_grey_pictures_is_left_to_others() -> None:
    shapes = shapes_of(published.Rrdb(published.NEW, 1, 2).drawn())
    shapes |= {"conv_last.weight": (1, 8, 3, 3), "conv_last.bias": (1,)}
    assert recognise(header(shapes)) is None


def test_what_a_file_is_stands_in_its_description() -> None:
    compact = header(shapes_of(published.Compact(16, 4).drawn()))
    assert describe(compact) == "upscaler, 4x (Real-ESRGAN compact of 16 layers)"
    assert describe(header({"m_head.0.weight": (1,), "m_tail.0.weight": (1,)})) == "upscaler (ScuNET; needs spandrel)"
    assert describe(header({"a": (1,)})) == ""


@pytest.mark.parametrize(
    ("build", "reach"),
    [(Compact(3, 4, 2), 5), (Rrdb(1, 4, 4, 2), 19), (Rrdb(2, 4, 4, 2, shuffle=2), 68)],
)
def test_a_pixel_is_decided_by_those_within_reach_and_no_others(build: recognition.Build, reach: int) -> None:
    assert build.reach == reach
    torch.manual_seed(0)
    network = build_network(build).double()
    side = 2 * (reach + 8)
    x = torch.rand(1, 3, 8, side, dtype=torch.float64)
    with torch.no_grad():
        before, x[..., side // 2] = network(x), 0.5
        changed = (network(x) - before).abs().amax(dim=(0, 1, 2)).view(side, -1).amax(1).nonzero()[:, 0]
    assert side // 2 - reach <= int(changed.min())
    assert int(changed.max()) <= side // 2 + reach
