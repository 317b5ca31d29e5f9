from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import DanqingError, PromptError
from danqing.prompt.composition import WeightedText, shares
from danqing.prompt.imagine import cfg_of, imagined, size_of
from danqing.prompt.midjourney import Imagine, parts_of, permutations, read_imagine
from danqing.prompt.reading import ReadingOptions, read_prompt
from tests.prompt.golden import golden, vocabulary

CASES = golden("midjourney")


def read_all(command: str) -> list[Imagine]:
    return [read_imagine(text) for text in permutations(command)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_golden_midjourney(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(PromptError):
            read_all(case["command"])
        return
    expected = case["expected"]
    if "permutations" in expected:
        assert list(permutations(case["command"])) == expected["permutations"]
        return
    (read,) = read_all(case["command"])
    params = {name: list(value) if isinstance(value, tuple) else value for name, value in read.params.items()}
    assert params == expected["params"]
    assert read.text == expected.get("text", read.text)
    assert list(read.image_prompts) == expected.get("image_prompts", [])
    assert [list(part) for part in read.parts] == expected.get("parts", [[read.text, 1]])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a cat --ar 16", "--ar is '16'; it must be width:height"),
        ("a cat --s 1001", "--s is '1001'; it must be a whole number from 0 to 1000"),
        ("a cat --q 3", "--q is '3'; possible: 0.25, 0.5, 1, 2, 4"),
        ("a cat --stylise 3", "no parameter named --stylise; did you mean stylize"),
        ("a cat --tile now", "there is text behind --tile"),
        ("a cat --no ,", "--no has no value"),
        ("a cat --ar 0:1", "must be width:height"),
        ("a cat --ar 17:1", "within 16:1"),
        (":: ::", "the prompt is empty"),
        ("{a", "never closed"),
        ("a}", "closes no brace"),
        ("{a,b,c,d,e,f,g,h,i,j}" * 4, "more than 1,000 prompts"),
    ],
)
def test_a_wrong_command_is_answered_with_what_is_possible(command: str, words: str) -> None:
    with pytest.raises(PromptError, match=words.replace(".", r"\.")):
        read_all(command)


def test_a_dash_that_a_phone_made_long_is_a_parameter() -> None:
    assert read_imagine("a cat —ar 3:2").params == {"aspect": "3:2"}
    assert read_imagine("a man —tall and thin").text == "a man —tall and thin"


def test_escaped_commas_and_braces_are_text() -> None:
    assert permutations(r"{red\, blue, \{green\}} bird") == ("red, blue bird", "{green} bird")


def test_shares_sum_to_one() -> None:
    assert shares(parts_of("hot::50 dog::100")) == (WeightedText("hot", 50 / 150), WeightedText("dog", 100 / 150))


def test_parts_are_painted_together_by_their_shares() -> None:
    made = read_prompt("hot::3 dog (x:2)", vocabulary(), ReadingOptions(dialect="midjourney"))
    assert [(part.weight, part.spans[0].text) for part in made.parts] == [(0.75, "hot"), (0.25, "dog (x:2)")]
    assert not any(chunk.weighted for chunk in made.chunks)


@pytest.mark.parametrize(
    ("aspect", "side", "size"),
    [
        ("1:1", 512, (512, 512)),
        ("3:2", 512, (640, 448)),
        ("16:9", 1024, (1344, 768)),
        ("1:1", 128, (128, 128)),
        ("3:2", 128, (160, 104)),
        ("1:16", 512, (128, 2048)),
    ],
)
def test_an_aspect_keeps_the_area(aspect: str, side: int, size: tuple[int, int]) -> None:
    assert size_of(aspect, side) == size


@pytest.mark.parametrize(("stylize", "cfg"), [(0, 9.0), (100, 7.0), (1000, 3.0)])
def test_stylize_loosens_the_prompt(stylize: int, cfg: float) -> None:
    assert cfg_of(stylize) == cfg


def test_a_command_becomes_an_order() -> None:
    made = imagined("/imagine prompt: a {red, blue} cat --ar 3:2 --no dogs, rain --seed 7 --q 2 --tile --r 2 --chaos 5")
    recipes = [order.recipe for order in made.orders]
    assert [recipe.prompt for recipe in recipes] == ["a red cat", "a blue cat"]
    recipe = recipes[0]
    assert (recipe.dialect, recipe.negative_prompt, recipe.seed) == ("midjourney", "dogs, rain", 7)
    assert (recipe.width, recipe.height, recipe.steps, recipe.tiling) == (640, 448, 30, True)
    assert made.orders[0].count == 8
    assert made.orders[0].seeds == "increasing"
    assert made.orders[0].left_to_model == ("sampler", "schedule", "cfg_scale", "clip_skip")
    assert made.notes == (
        "chaos has no effect: every picture has a seed of its own already",
        "--no became the negative prompt",
    )


def test_a_command_without_seed_leaves_it_to_chance() -> None:
    assert imagined("a cat").orders[0].seeds == "random"
    assert imagined("a cat --sameseed 3").orders[0].seeds == "same"


@given(st.text(st.sampled_from("ab {},:\\-2.\n—ar"), max_size=60))
def test_any_command_is_read_or_refused(command: str) -> None:
    try:
        made = read_all(command)
    except PromptError:
        return
    assert all(one.text or len(one.image_prompts) > 1 for one in made)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "command",
    ["{" * 100000, "a" * 2000000, "{a,b}" * 100000, "--no " * 50000, "::" * 200000, "{" + "a," * 100000 + "}"],
)
def test_hostile_commands_are_refused(command: str) -> None:
    with pytest.raises(DanqingError):
        read_all(command)
