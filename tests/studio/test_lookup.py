from dataclasses import dataclass

import pytest

from danqing.studio.lookup import exactly, partly, split_hash


@dataclass(frozen=True)
class Named:
    label: str

    @property
    def name(self) -> str:
        return self.label.rpartition("/")[2].removesuffix(".safetensors")


ENTRIES = [
    Named(label)
    for label in ("anything-v3.safetensors", "anime/Ink.safetensors", "old/ink.safetensors", "inkpunk.safetensors")
]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("anything [89D59C3DDE]", ("anything", "89d59c3dde")),
        ("anything", ("anything", "")),
        ("[89d59c3dde]", ("", "89d59c3dde")),
        ("style [v2] x", ("style [v2] x", "")),
        ("style [final]", ("style [final]", "")),
    ],
)
def test_a_trailing_hash_is_taken_off(text: str, parts: tuple[str, str]) -> None:
    assert split_hash(text) == parts


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("anything-v3", "anything-v3.safetensors"),
        ("ANYTHING-V3.safetensors", "anything-v3.safetensors"),
        ("old/ink", "old/ink.safetensors"),
        ("old\\ink.safetensors", "old/ink.safetensors"),
        ("ink", "anime/Ink.safetensors"),
    ],
)
def test_an_exact_name_finds_its_file(word: str, label: str) -> None:
    assert exactly(ENTRIES, word)[0].label == label


def test_a_part_is_no_exact_name() -> None:
    assert exactly(ENTRIES, "anything") == []


def test_of_titles_with_the_part_the_shortest_comes_first() -> None:
    assert [entry.label for entry in partly(ENTRIES, "ink")] == [
        "old/ink.safetensors",
        "inkpunk.safetensors",
        "anime/Ink.safetensors",
    ]
