"""Text to conditioning: emphasis by its modes, timelines by A1111's count, chunks encoded once."""

from dataclasses import replace

import pytest
import torch

from danqing.painting.conditioning import Conditioning, TextReader, Timeline, empty_like, weighted
from danqing.prompt.reading import ReadingOptions, read_prompt
from danqing.weights.model import DiffusionModel


def hidden() -> torch.Tensor:
    return torch.randn(77, 8, generator=torch.Generator().manual_seed(0)) + 0.5


WEIGHTS = (1.0, *[1.3] * 5, *[0.7] * 4, *[1.0] * 67)


def test_original_emphasis_keeps_the_mean() -> None:
    before, after = hidden(), weighted(hidden(), WEIGHTS, "Original")
    assert after.mean() == pytest.approx(before.mean().item(), rel=1e-5)
    ratio = (after[3] / before[3]) / (after[20] / before[20])
    assert torch.allclose(ratio, torch.full_like(ratio, 1.3))


def test_no_norm_only_multiplies() -> None:
    assert torch.equal(weighted(hidden(), WEIGHTS, "No norm")[3], hidden()[3] * 1.3)
    assert torch.equal(weighted(hidden(), WEIGHTS, "No norm")[20], hidden()[20])


@pytest.mark.parametrize("mode", ["Ignore", "None"])
def test_ignored_emphasis_leaves_everything(mode: str) -> None:
    assert torch.equal(weighted(hidden(), WEIGHTS, mode), hidden())  # type: ignore[arg-type]


def test_weight_one_everywhere_is_bit_identical() -> None:
    assert torch.equal(weighted(hidden(), (1.0,) * 77, "Original"), hidden())


def test_a_switch_at_half_of_twenty_steps_holds_for_eleven_calls() -> None:
    first, second = Conditioning(torch.zeros(77, 8)), Conditioning(torch.ones(77, 8))
    line = Timeline(((10, first), (20, second)))
    assert [line.at(call) is first for call in range(20)] == [True] * 11 + [False] * 9
    assert line.at(25) is second


@pytest.fixture
def counted(toy_model: DiffusionModel, monkeypatch: pytest.MonkeyPatch) -> tuple[TextReader, list[int]]:
    calls: list[int] = []
    encoder = toy_model.text_encoders[0]
    original = encoder.forward

    def counting(*args: object, **kwargs: object) -> object:
        calls.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(encoder, "forward", counting)
    return TextReader(toy_model, 1, "Original"), calls


def test_equal_chunks_are_encoded_once(counted: tuple[TextReader, list[int]], toy_model: DiffusionModel) -> None:
    reader, calls = counted
    with torch.inference_mode():
        reader.timelines("a cat AND a cat :0.5")
        reader.timelines("a (cat:1.2)")
    assert len(calls) == 1, "weights act after the encoder, so another weight needs no other run"


def test_a_long_prompt_is_read_in_chunks_of_77(toy_model: DiffusionModel) -> None:
    with torch.inference_mode():
        context = TextReader(toy_model, 1, "Original").timelines("word, " * 100)[0].at(0).context
    assert context.shape == (3 * 77, toy_model.context_width)


def test_clip_skip_one_is_the_encoders_own_last_state(toy_model: DiffusionModel) -> None:
    plan = read_prompt("a cat", toy_model.vocabulary)
    ids = torch.tensor([plan.chunks[0].tokens])
    with torch.inference_mode():
        whole = toy_model.text_encoders[0](input_ids=ids, output_hidden_states=True)
        first = TextReader(toy_model, 1, "Original").timelines("a cat")[0].at(0).context
        second = TextReader(toy_model, 2, "Original").timelines("a cat")[0].at(0).context
        norm = toy_model.text_encoders[0].final_layer_norm
        penultimate = norm(whole.hidden_states[-2])[0]
    assert torch.equal(first, whole.last_hidden_state[0])
    assert torch.equal(second, penultimate)
    assert torch.allclose(norm(whole.hidden_states[-1])[0], first, atol=1e-6), "hidden_states end before the last norm"


def test_comfys_weights_pull_away_from_the_empty_prompt(toy_model: DiffusionModel) -> None:
    options = ReadingOptions(dialect="comfy")
    plan = read_prompt("a (cat:1.5)", toy_model.vocabulary, options)
    reader = TextReader(toy_model, 1, "Original")
    with torch.inference_mode():
        context = reader.timelines("a (cat:1.5)", options)[0].at(0).context
        plain = reader.timelines("a cat", options)[0].at(0).context
        none = reader.timelines("", options)[0].at(0).context
    place = plan.chunks[0].weights.index(1.5)
    assert torch.allclose(context[place], (plain[place] - none[place]) * 1.5 + none[place], atol=1e-6)
    assert torch.allclose(context[1], plain[1], atol=1e-6)


def test_the_empty_chunk_has_the_frame_of_the_other(toy_model: DiffusionModel) -> None:
    chunk = read_prompt("a (cat:1.5)", toy_model.vocabulary).chunks[0]
    assert empty_like(chunk) == replace(read_prompt("", toy_model.vocabulary).chunks[0])
