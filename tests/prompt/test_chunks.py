import re
from collections.abc import Sequence
from typing import Any

import pytest

from danqing.base.errors import PromptError
from danqing.prompt.attention import Span, attention
from danqing.prompt.chunks import Chunk, EmbeddingPlace, chunks_of, comfy_chunks
from tests.prompt.golden import golden


class Toy:
    """The tokenizer of the golden file: a word is a token, numbered from 1000 by first sight; a comma is 267."""

    start, end, comma = 49406, 49407, 267

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return [[self.encode(word) for word in re.findall(r"[^\s,]+|,", text)] for text in texts]

    def encode(self, word: str) -> int:
        return 267 if word == "," else self.seen.setdefault(word, 1000 + len(self.seen))


CASES = golden("a1111_chunks")["cases"]


def renumbered(chunks: list[list[int]]) -> list[list[int]]:
    """Word ids by first sight: A1111 spends a number on the word BREAK too, which is no token of any chunk."""
    seen: dict[int, int] = {}
    return [[seen.setdefault(token, len(seen)) if 1000 <= token < 40000 else token for token in row] for row in chunks]


def words(count: int, first: int = 0) -> str:
    return " ".join(f"w{number}" for number in range(first, first + count))


@pytest.mark.parametrize("backtrack", [20, 0])
@pytest.mark.parametrize("name", CASES)
def test_golden_a1111_chunks(name: str, backtrack: int) -> None:
    case: dict[str, Any] = CASES[name]
    made = chunks_of(attention(case["prompt"]), Toy(), backtrack=backtrack)
    expected = case[f"backtrack{backtrack}"]
    assert renumbered([list(chunk.tokens) for chunk in made.chunks]) == renumbered(
        [chunk["tokens"] for chunk in expected["chunks"]]
    )
    assert [list(chunk.weights) for chunk in made.chunks] == [chunk["mult"] for chunk in expected["chunks"]]
    assert made.count == expected["token_count"]


def test_an_embedding_takes_the_places_of_its_vectors() -> None:
    made = chunks_of(attention("a (Bad Hands:1.5) b"), Toy(), {"Bad Hands": 3})
    (chunk,) = made.chunks
    assert chunk.embeddings == (EmbeddingPlace(2, "Bad Hands", 3),)
    assert chunk.tokens[:7] == (49406, 1002, 0, 0, 0, 1003, 49407)
    assert chunk.weights[:6] == (1.0, 1.0, 1.5, 1.5, 1.5, 1.0)
    assert made.count == 5


def test_the_longest_name_wins() -> None:
    made = chunks_of(attention("bad hands"), Toy(), {"bad": 1, "bad hands": 2})
    assert [place.name for place in made.chunks[0].embeddings] == ["bad hands"]


def test_an_embedding_never_straddles_two_chunks() -> None:
    first, second = chunks_of(attention(words(74) + " x"), Toy(), {"x": 2}).chunks
    assert first.embeddings == ()
    assert second.embeddings == (EmbeddingPlace(1, "x", 2),)


def test_an_embedding_behind_the_comma_moves_with_its_words() -> None:
    # A1111 leaves the embedding behind in the closed chunk, where it overwrites padding.
    first, second = chunks_of(attention(words(70) + ", x " + words(8, 100)), Toy(), {"x": 2}).chunks
    assert first.embeddings == ()
    assert second.embeddings == (EmbeddingPlace(1, "x", 2),)
    assert second.tokens[1:3] == (0, 0)


def test_an_embedding_larger_than_a_chunk_is_refused() -> None:
    with pytest.raises(PromptError, match="'x' has 76 vectors; a chunk of the prompt holds 75"):
        chunks_of(attention("x"), Toy(), {"x": 76})


def test_another_padding_begins_behind_the_first_end() -> None:
    (chunk,) = chunks_of(attention("a"), Toy()).chunks
    assert chunk.padded_with(0) == (49406, 1000, 49407, *[0] * 74)


def test_a_full_chunk_has_no_padding_to_replace() -> None:
    (chunk,) = chunks_of(attention(words(75)), Toy()).chunks
    assert chunk.padded_with(0) == chunk.tokens


def test_equal_chunks_are_one_value() -> None:
    first, second = chunks_of(attention("a b BREAK a b"), Toy()).chunks
    assert {first, second} == {first}


def test_a_chunk_knows_whether_it_is_weighted() -> None:
    assert [chunk.weighted for chunk in chunks_of(attention("a BREAK (b)"), Toy()).chunks] == [False, True]


def comfy(text: str, known: dict[str, int] | None = None, weight: float = 1.0) -> tuple[Chunk, ...]:
    return comfy_chunks([Span(words(70)), Span(text, weight)], Toy(), known).chunks


def test_comfy_moves_a_short_span_whole() -> None:
    assert [chunk.tokens.index(49407) for chunk in comfy(words(7, 100))] == [71, 8]


def test_comfy_cuts_a_long_span_where_the_chunk_ends() -> None:
    assert [chunk.tokens.index(49407) for chunk in comfy(words(8, 100))] == [76, 4]


def test_comfy_asks_for_embeddings_by_prefix() -> None:
    (chunk,) = comfy_chunks([Span("a embedding:ink, b", 1.2)], Toy(), {"ink": 2}).chunks
    assert chunk.embeddings == (EmbeddingPlace(2, "ink", 2),)
    assert chunk.tokens[1:6] == (1000, 0, 0, 267, 1001)


@pytest.mark.parametrize("written", ["ink", "ink.pt", "styles/ink.safetensors", "ink,"])
def test_comfy_names_embeddings_with_folder_and_ending_too(written: str) -> None:
    (chunk,) = comfy_chunks([Span(f"embedding:{written} b")], Toy(), {"ink": 2}).chunks
    assert chunk.embeddings == (EmbeddingPlace(1, "ink", 2),)


def test_comfy_leaves_an_unknown_embedding_out() -> None:
    (chunk,) = comfy_chunks([Span("a embedding:ink b")], Toy(), {}).chunks
    assert chunk.tokens[1:4] == (1000, 1001, 49407)
