import copy
import pickle
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from danqing.weights import packing
from danqing.weights.packing import FloatGroupNorm, PackedConv2d, PackedLinear, can_pack, pack, unpack

TYPES = (torch.float32, torch.bfloat16)
needs_packing = pytest.mark.skipif(
    not can_pack("cpu", torch.float32),
    reason="this torch can't pack weights: it has no oneDNN, or none of the operations",
)
pytestmark = needs_packing


class Block(nn.Module):
    """A little of everything that a UNet is made of. (B, 8, h, w) to (B, 8, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, 8)
        self.wide = nn.Conv2d(8, 24, 3, padding=1)
        self.narrow = nn.Conv2d(24, 8, 1, bias=False)
        self.mix = nn.Linear(8, 8, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow(torch.nn.functional.silu(self.wide(self.norm(x))))
        return self.mix(x.movedim(1, -1)).movedim(-1, 1)


def picture(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3)).to(dtype)


def distance(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).norm() / other.double().norm())


@pytest.fixture
def block() -> Block:
    torch.manual_seed(0)
    block = Block().eval().requires_grad_(False)
    nn.init.normal_(block.norm.weight)
    nn.init.normal_(block.norm.bias)
    return block


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def test_every_layer_of_its_kind_is_packed(block: Block) -> None:
    assert pack(block) == 4
    assert isinstance(block.norm, FloatGroupNorm)
    assert isinstance(block.wide, PackedConv2d)
    assert isinstance(block.narrow, PackedConv2d)
    assert isinstance(block.mix, PackedLinear)


def test_packing_twice_changes_nothing_more(block: Block) -> None:
    pack(block)
    assert pack(block) == 0


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 2e-6), (torch.bfloat16, 2e-2)], ids=str)
def test_a_packed_network_gives_what_the_plain_one_gives(
    block: Block, dtype: torch.dtype, bound: float, memory: torch.memory_format
) -> None:
    plain = block.to(dtype)
    x = picture(2, 8, 6, 5, dtype=dtype).contiguous(memory_format=memory)
    packed = copy.deepcopy(plain)
    pack(packed)
    assert distance(packed(x), plain(x)) < bound


def test_bfloat16_is_no_further_from_the_truth_than_before(block: Block) -> None:
    x = picture(4, 8, 16, 16)
    plain = copy.deepcopy(block).to(torch.bfloat16)
    packed = copy.deepcopy(plain)
    pack(packed)
    truth = block(x)
    assert distance(packed(x.bfloat16()), truth) < 1.1 * distance(plain(x.bfloat16()), truth)


def test_any_size_may_follow_any_other(block: Block) -> None:
    packed = copy.deepcopy(block)
    pack(packed)
    for shape in ((1, 8, 4, 4), (2, 8, 16, 16), (1, 8, 4, 4), (3, 8, 7, 9), (2, 8, 16, 16)):
        x = picture(*shape)
        assert distance(packed(x), block(x)) < 2e-6


def test_many_sizes_are_forgotten_again(block: Block) -> None:
    pack(block)
    for side in range(1, 40):
        block(picture(1, 8, side, 3))
    assert len(block.wide.packed.by_shape) <= 16  # pyright: ignore


def test_the_same_call_gives_the_same_bits(block: Block) -> None:
    pack(block)
    x = picture(2, 8, 6, 6)
    first = block(x)
    block(picture(1, 8, 12, 12))
    assert torch.equal(block(x), first)


def test_names_and_tensors_stay_as_they_were(block: Block) -> None:
    before = {name: tensor.clone() for name, tensor in block.state_dict().items()}
    pack(block)
    block(picture(1, 8, 4, 4))
    after = block.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_weight_that_is_replaced_counts_at_the_next_call(block: Block) -> None:
    packed = copy.deepcopy(block)
    pack(packed)
    x = picture(2, 8, 6, 6)
    for number in range(6):  # several times, so that new memory may lie where old memory lay
        packed(x)
        for name in ("wide.weight", "mix.weight", "norm.weight", "narrow.weight"):
            new = picture(*block.get_parameter(name).shape) * (number + 1)
            block.get_parameter(name).data = new
            packed.get_parameter(name).data = new.clone()
        assert distance(packed(x), block(x)) < 2e-6


def test_a_weight_that_is_changed_in_place_counts_at_the_next_call(block: Block) -> None:
    packed = copy.deepcopy(block)
    pack(packed)
    x = picture(2, 8, 6, 6)
    packed(x)
    for network in (block, packed):
        network.wide.weight.mul_(2)
        network.mix.weight.add_(1)
    assert distance(packed(x), block(x)) < 2e-6


def test_a_weight_that_comes_back_gives_the_same_bits_again(block: Block) -> None:
    pack(block)
    x = picture(2, 8, 6, 6)
    first, own = block(x), block.wide.weight.data
    block.wide.weight.data = own * 2
    assert not torch.equal(block(x), first)
    block.wide.weight.data = own
    assert torch.equal(block(x), first)


def test_another_type_counts_at_the_next_call(block: Block) -> None:
    pack(block)
    x = picture(2, 8, 6, 6)
    truth = block(x)
    assert distance(block.to(torch.bfloat16)(x.bfloat16()), truth) < 2e-2
    assert distance(block.to(torch.float64)(x.double()), truth) < 2e-2  # a type that isn't packed at all


def test_inference_mode_is_understood(block: Block) -> None:
    packed = copy.deepcopy(block)
    with torch.inference_mode():
        packed.wide.weight.data = packed.wide.weight.data.clone()
        pack(packed)
        x = picture(2, 8, 6, 6)
        assert distance(packed(x), block(x)) < 2e-6


def test_gradients_flow_as_if_nothing_were_packed(block: Block) -> None:
    pack(block)
    x = picture(2, 8, 6, 6)
    block(x)
    block.requires_grad_(True)
    with torch.enable_grad():
        block(x).sum().backward()
    assert all(parameter.grad is not None for parameter in block.parameters())


def test_a_seamless_convolution_goes_around_the_edges(block: Block) -> None:
    pack(block)
    plain = unpacked(block)
    for network in (block, plain):
        network.wide.padding_mode = "circular"
        network.wide._reversed_padding_repeated_twice = [1, 1, 1, 1]
    x = picture(1, 8, 6, 6)
    assert distance(block(x), plain(x)) < 2e-6


def test_unpacking_leaves_the_plain_layers(block: Block) -> None:
    plain = copy.deepcopy(block)
    pack(block)
    x = picture(2, 8, 6, 6)
    block(x)
    unpack(block)
    assert [type(layer) for layer in block.modules()] == [type(layer) for layer in plain.modules()]
    assert torch.equal(block(x), plain(x))


def test_a_copy_packs_for_itself(block: Block) -> None:
    pack(block)
    x = picture(2, 8, 6, 6)
    first = block(x)
    other = copy.deepcopy(block)
    assert other.wide.packed is not block.wide.packed  # pyright: ignore
    other.wide.weight.mul_(2)
    assert torch.equal(block(x), first)
    assert torch.equal(pickle.loads(pickle.dumps(block))(x), first)


def test_shapes_that_want_the_same_order_share_one_packed_weight() -> None:
    kept = packing._Packed()
    weight = picture(16, 8)
    first = kept.keep((1, 8), torch.ops.mkldnn._reorder_linear_weight(weight, 4))
    assert kept.keep((2, 8), torch.ops.mkldnn._reorder_linear_weight(weight, 4)) is first
    assert kept.keep((3, 8), torch.ops.mkldnn._reorder_linear_weight(weight * 2, 4)) is not first


def test_nothing_is_packed_for_a_card_or_in_float16() -> None:
    assert not can_pack("cuda", torch.bfloat16)
    assert not can_pack("cpu", torch.float16)


def test_nothing_is_packed_where_torch_lacks_the_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_OPS", object())
    assert not can_pack("cpu", torch.float32)


def unpacked(block: Block) -> Block:
    plain = copy.deepcopy(block)
    unpack(plain)
    return plain
