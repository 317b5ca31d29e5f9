"""Weighted spans to chunks of 75 tokens between start and end, as the text encoder takes them. What the weights do to
its output is not said here."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from danqing.base.errors import PromptError
from danqing.prompt.attention import Span

ROOM = 75
LARGE_WORD = 8
EMBEDDING_WORD = re.compile(r"(?:^|(?<=[ \n]))embedding:(\S+)")


EMBEDDING_ENDING = re.compile(r"\.(?:pt|bin|safetensors|sft)$", re.IGNORECASE)


class Words(Protocol):
    """What chunking needs of a vocabulary."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def comma(self) -> int: ...
    def encode_all(self, texts: Sequence[str]) -> list[list[int]]: ...


@dataclass(frozen=True)
class EmbeddingPlace:
    """`vectors` places of a chunk, from `offset` (counted with the start token), that a textual inversion fills."""

    offset: int
    name: str
    vectors: int


@dataclass(frozen=True)
class Chunk:
    """77 token ids and their weights. Padding is the end token with weight 1; places of embeddings hold id 0. Equal
    chunks are equal values."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    embeddings: tuple[EmbeddingPlace, ...] = ()

    def padded_with(self, pad: int) -> tuple[int, ...]:
        """The ids for an encoder that pads with another id behind the first end token (SD2, the second of SDXL)."""
        end = self.tokens.index(self.tokens[-1]) + 1
        return self.tokens[:end] + (pad,) * (len(self.tokens) - end)

    @property
    def weighted(self) -> bool:
        """Whether any weight differs from 1."""
        return any(weight != 1.0 for weight in self.weights)


@dataclass(frozen=True)
class Chunked:
    """At least one chunk. `count` is what A1111's counter shows: the padding of filled chunks counts, that of the last
    doesn't."""

    chunks: tuple[Chunk, ...]
    count: int


@dataclass
class _Filling:
    """The chunk being filled and those already closed."""

    words: Words
    tokens: list[int] = field(default_factory=list[int])
    weights: list[float] = field(default_factory=list[float])
    places: list[EmbeddingPlace] = field(default_factory=list[EmbeddingPlace])
    comma: int = -1
    count: int = 0
    done: list[Chunk] = field(default_factory=list[Chunk])

    def put(self, token: int, weight: float) -> None:
        if len(self.tokens) == ROOM:
            self.close()
        self.tokens.append(token)
        self.weights.append(weight)

    def put_embedding(self, name: str, vectors: int, weight: float) -> None:
        if vectors > ROOM:
            raise PromptError(f"embedding {name!r} has {vectors} vectors; a chunk of the prompt holds {ROOM}")
        if len(self.tokens) + vectors > ROOM:
            self.close()
        self.places.append(EmbeddingPlace(len(self.tokens) + 1, name, vectors))
        self.tokens += [0] * vectors
        self.weights += [weight] * vectors

    def step_back(self) -> None:
        """Close the chunk behind its last comma; what followed opens the next one."""
        keep = self.comma + 1
        tokens, weights = self.tokens[keep:], self.weights[keep:]
        moved = [place for place in self.places if place.offset > keep]
        del self.tokens[keep:], self.weights[keep:], self.places[len(self.places) - len(moved) :]
        self.close()
        self.tokens, self.weights = tokens, weights
        self.places = [EmbeddingPlace(place.offset - keep, place.name, place.vectors) for place in moved]

    def close(self, last: bool = False) -> None:
        self.count += len(self.tokens) if last else ROOM
        empty = ROOM - len(self.tokens)
        tokens = (self.words.start, *self.tokens, *[self.words.end] * (empty + 1))
        weights = (1.0, *self.weights, *[1.0] * (empty + 1))
        self.done.append(Chunk(tokens, weights, tuple(self.places)))
        self.tokens, self.weights, self.places, self.comma = [], [], [], -1

    def finish(self) -> Chunked:
        if self.tokens or not self.done:
            self.close(last=True)
        return Chunked(tuple(self.done), self.count)


def chunks_of(
    spans: Sequence[Span], words: Words, embeddings: Mapping[str, int] | None = None, backtrack: int = 20
) -> Chunked:
    """Chunks as A1111 fills them: a break closes one, and a full one is cut behind a comma at most `backtrack` tokens
    back (0: never).

    `embeddings` maps names to their numbers of vectors; a name is found by its tokens, so case doesn't matter, and the
    longest wins.
    """
    filling = _Filling(words)
    names = _by_first_token(embeddings or {}, words)
    for span, tokens in zip(spans, words.encode_all([span.text for span in spans]), strict=True):
        if span.kind == "break":
            filling.close()
            continue
        position = 0
        while position < len(tokens):
            token = tokens[position]
            full = len(filling.tokens) == ROOM
            if token == words.comma:
                filling.comma = len(filling.tokens)
            elif full and filling.comma >= 0 and len(filling.tokens) - filling.comma <= backtrack:
                filling.step_back()
            name, length = _name_at(tokens, position, names)
            if name:
                filling.put_embedding(name, (embeddings or {})[name], span.weight)
            else:
                filling.put(token, span.weight)
            position += length
    return filling.finish()


def comfy_chunks(spans: Sequence[Span], words: Words, embeddings: Mapping[str, int] | None = None) -> Chunked:
    """Chunks as ComfyUI fills them: a short span (under 8 tokens) is never cut in two, `embedding:name` stands for the
    name's vectors.

    An unknown name is left out, as there.
    """
    filling = _Filling(words)
    known = embeddings or {}
    for span in spans:
        for text, name in _comfy_words(span.text, known):
            if name:
                filling.put_embedding(name, known[name], span.weight)
                continue
            tokens = words.encode_all([text])[0]
            if len(tokens) < LARGE_WORD and len(filling.tokens) + len(tokens) > ROOM:
                filling.close()
            for token in tokens:
                filling.put(token, span.weight)
    return filling.finish()


def _comfy_words(text: str, known: Mapping[str, int]) -> list[tuple[str, str]]:
    """(text, "") and ("", name of an embedding) in order."""
    result: list[tuple[str, str]] = []
    rest = 0
    for found in EMBEDDING_WORD.finditer(text):
        written = found.group(1) if found.group(1) in known else found.group(1).rstrip(",")
        name = embedding_name(written, known)
        result.append((text[rest : found.start()], ""))
        if name:
            result.append(("", name))
        rest = found.start(1) + len(written)
    result.append((text[rest:], ""))
    return [(piece, name) for piece, name in result if name or piece.strip()]


def embedding_name(written: str, known: Container[str]) -> str:
    """Which known textual inversion ComfyUI's `embedding:folder/name.pt` means; "" for none."""
    bare = written.rpartition("/")[2]
    return next((name for name in (written, bare, EMBEDDING_ENDING.sub("", bare)) if name in known), "")


_Names = Mapping[int, list[tuple[list[int], str]]]


def _by_first_token(embeddings: Mapping[str, int], words: Words) -> _Names:
    names: dict[int, list[tuple[list[int], str]]] = {}
    for name, tokens in zip(embeddings, words.encode_all(list(embeddings)), strict=True):
        if tokens:
            names.setdefault(tokens[0], []).append((tokens, name))
    for found in names.values():
        found.sort(key=lambda entry: len(entry[0]), reverse=True)
    return names


def _name_at(tokens: list[int], position: int, names: _Names) -> tuple[str, int]:
    """The embedding whose name stands at this place and its length in tokens; ("", 1) for a plain token."""
    for name_tokens, name in names.get(tokens[position], ()):
        if tokens[position : position + len(name_tokens)] == name_tokens:
            return name, len(name_tokens)
    return "", 1
