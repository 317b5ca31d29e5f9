import unicodedata

import pytest

from danqing.base.recipe import Recipe
from danqing.studio.terms import Asked, asked_words, found_by, full_name, shown, term_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Fox, (red:1.2)", {"a", "fox", "red", "1", "2"}),
        ("long_hair", {"long", "hair"}),
        ("红发", {"红", "发", "红发"}),
        ("一个红发女孩", {"一", "个", "红", "发", "女", "孩", "一个", "个红", "红发", "发女", "女孩"}),
        ("빨간 사과", {"빨", "간", "빨간", "사", "과", "사과"}),
        ("りんご", {"り", "ん", "ご", "りん", "んご"}),
        ("SD红发girl", {"sd", "红", "发", "红发", "girl"}),
        ("ＦＯＸ ﬁ", {"fox", "fi"}),
        ("", set()),
        ("\U0001f98a ()", set()),
    ],
)  # fmt: skip
def test_words_and_pairs_of_signs(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_letters_that_were_taken_apart_are_the_same_letters() -> None:
    assert words_of(unicodedata.normalize("NFD", "사과 é")) == words_of("사과 é")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("Red fox", Asked(("red", "fox"))),
        ("红发", Asked(("红发",))),
        ("红", Asked(("红",))),
        ("红发女", Asked(("红发", "发女"))),
        ("빨간사과", Asked(("빨간", "간사", "사과"))),
        ("red* fox", Asked(("fox",), ("red",))),
        ("fox fox", Asked(("fox",))),
        ("红*", Asked(("红",))),
    ],
)  # fmt: skip
def test_a_query_asks_for_words_pairs_and_beginnings(query: str, asked: Asked) -> None:
    assert asked_words(query) == asked


def test_core_parameters_are_always_found_and_others_where_they_differ() -> None:
    found = found_by("", Recipe(steps=20, tiling=False))
    assert {"steps=20", "sampler=dpm++ 2m", "cfg_scale=7", "width=512"} <= found.terms
    assert not any(term.startswith(("tiling", "guidance", "noise", "prompt")) for term in found.terms)
    assert {"tiling=true", "tiling=", "guidance.rescale=0.7"} <= found_by(
        "", Recipe(tiling=True, guidance={"rescale": 0.7})
    ).terms


def test_models_and_networks_are_found_by_name() -> None:
    recipe = Recipe(
        model={"name": "Anything", "sha256": "ab" * 32},
        loras=[{"model": {"name": "ink"}, "unet": 0.8}, {"model": {"name": "Line Art"}}],
        embeddings=[{"name": "bad-hands"}],
        finishers=[{"name": "detailer", "settings": {"confidence": 0.3}}],
    )
    found = found_by("", recipe)
    assert {
        "model=anything",
        "model_hash=ababababab",
        "loras.model=ink",
        "loras.model=line art",
        "embeddings=bad-hands",
        "finishers=detailer",
        "finishers.settings.confidence=0.3",
    } <= found.terms
    assert {("loras.unet", 0.8), ("steps", 20.0)} <= found.numbers


def test_a_part_that_is_there_is_found_with_all_it_says() -> None:
    found = found_by("", Recipe(hires={"upscale": 2}))
    assert {"hires.upscale=2", "hires.upscale=", "hires.denoising_strength=0.7"} <= found.terms
    assert ("hires.upscale", 2.0) in found.numbers


@pytest.mark.parametrize(
    ("value", "text"), [(7.0, "7"), (7, "7"), (0.25, "0.25"), (True, "true"), ("Euler a ", "euler a")]
)
def test_a_value_has_one_spelling(value: object, text: str) -> None:
    assert shown(value) == text
    assert term_of("x", value) == f"x={text}"


@pytest.mark.parametrize(("typed", "path"), [("lora", "loras.model"), ("CFG", "cfg_scale"), ("steps", "steps")])
def test_short_names_are_understood(typed: str, path: str) -> None:
    assert full_name(typed) == path


def test_terms_stay_within_the_column() -> None:
    found = found_by("x" * 1000, Recipe(model={"name": "m" * 500}))
    assert max(len(term) for term in found.terms) <= 150
