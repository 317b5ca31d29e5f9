"""Where a model computes, and in which format: what is asked for, or the best there is."""

from pathlib import Path

import pytest
import torch
from torch import nn

from danqing.base.errors import HardwareError
from danqing.weights import place as place_module
from danqing.weights.loading import load_model
from danqing.weights.place import Place, best_dtype, choose_place
from danqing.weights.shelf import packed
from tests.toy.model import TOY_FAMILIES

EMBEDDED, SD1 = 40_000_000, 1_000_000_000


def processor(monkeypatch: pytest.MonkeyPatch, *, bf16: bool, tiles: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)


@pytest.mark.parametrize(
    ("bf16", "tiles", "small", "large"),
    [
        (False, False, torch.float32, torch.float32),
        (True, False, torch.bfloat16, torch.bfloat16),
        (True, True, torch.float32, torch.bfloat16),
    ],
)
def test_the_processors_skills_and_the_models_size_choose_the_format(
    monkeypatch: pytest.MonkeyPatch, bf16: bool, tiles: bool, small: torch.dtype, large: torch.dtype
) -> None:
    processor(monkeypatch, bf16=bf16, tiles=tiles)
    place = choose_place("cpu", "auto")
    assert (place.for_size(EMBEDDED).dtype, place.for_size(SD1).dtype) == (small, large)
    assert place.for_size(SD1).channels_last == (large == torch.bfloat16)
    assert (place.dtype_name, place.for_size(SD1).dtype_name) == ("auto", str(large).removeprefix("torch."))


def test_what_is_asked_for_is_kept_at_every_size() -> None:
    for word, dtype in (("fp32", torch.float32), ("BF16", torch.bfloat16), ("bfloat16", torch.bfloat16)):
        place = choose_place("cpu", word)
        assert place.for_size(EMBEDDED) == place.for_size(SD1) == place
        assert (place.dtype, place.vae_dtype) == (dtype, dtype)


def test_a_decoder_is_not_run_in_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert best_dtype("cuda", SD1) == torch.float16
    assert place_module._vae_dtype("cuda", torch.float16) == torch.bfloat16
    assert place_module._vae_dtype("mps", torch.float16) == torch.float32


@pytest.mark.parametrize(
    ("device", "dtype", "words"),
    [
        ("gpu", "auto", "no device named 'gpu'; possible: auto, cpu, cuda, cuda:0, mps"),
        ("cuda:x", "auto", "no device named 'cuda:x'"),
        ("cpu", "float23", "no number format named 'float23'; did you mean float32?"),
        ("cpu", "fp16", "float16 can't be used on the processor"),
    ],
)
def test_what_is_not_there_is_a_clear_error(device: str, dtype: str, words: str) -> None:
    with pytest.raises(HardwareError) as refusal:
        choose_place(device, dtype)
    assert words in str(refusal.value)


def test_a_card_that_is_missing_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(HardwareError, match="torch sees no CUDA device here; use --device auto or cpu"):
        choose_place("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_place("auto").device == "cuda"
    with pytest.raises(HardwareError, match=r"torch sees 1 CUDA device\(s\) here"):
        choose_place("cuda:1")


def test_an_open_place_knows_nothing_yet() -> None:
    assert (Place("cpu", None, None).dtype_name, Place().dtype_name, Place().vae_dtype_name) == (
        "auto",
        "float32",
        "float32",
    )


def test_compiling_is_kept_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not choose_place("cpu", compiled=True).compiled
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert choose_place("cuda", "fp16", "off", compiled=True).for_size(SD1).compiled
    assert not choose_place("cuda", "fp16", "sequential", compiled=True).compiled
    monkeypatch.setattr(place_module, "free_on", lambda device: 0)
    assert not choose_place("cuda", "fp16", "auto", compiled=True).for_size(SD1).compiled
    assert not choose_place("cuda", "fp16", "off").compiled


def test_a_compiled_model_says_so(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(toy_folder, Place(compiled=True), TOY_FAMILIES)
    asked: list[nn.Module] = []

    def compiled(network: nn.Module) -> None:
        asked.append(network)

    monkeypatch.setattr(nn.Module, "compile", compiled)
    found = packed(model)
    assert (found.compiled, found.packed, asked) == (True, False, [model.unet])
    assert not packed(load_model(toy_folder, Place(), TOY_FAMILIES)).compiled
