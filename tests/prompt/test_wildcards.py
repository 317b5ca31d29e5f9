import pytest

from danqing.base.errors import PromptError
from danqing.prompt.wildcards import Wildcards, wildcards_of

FILES = {
    "artists/dutch.txt": "Mondrian\n# a comment\n\n3::Rembrandt\n",
    "artists/modern/new.txt": "Ai\n",
    "trees.yaml": "clothing:\n  top: [shirt, 2::coat]\n  shoes:\n    - boots\n",
    "list.json": '["one", "two"]',
    "deep/more.json": '{"a": {"b": ["c", 7]}}',
    "picture.png": "no list",
}


def texts(path: str) -> list[str]:
    return sorted(text for _, text in wildcards_of(FILES).entries(path))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("artists/dutch", ["Mondrian", "Rembrandt"]),
        ("artists/*", ["Mondrian", "Rembrandt"]),
        ("artists/**", ["Ai", "Mondrian", "Rembrandt"]),
        ("**/new", ["Ai"]),
        ("new", ["Ai"]),
        ("clothing/top", ["coat", "shirt"]),
        ("clothing/*", ["boots", "coat", "shirt"]),
        ("list", ["one", "two"]),
        ("deep/a/b", ["7", "c"]),
        ("d?tch", ["Mondrian", "Rembrandt"]),
        ("picture", []),
        ("nothing", []),
        ("[", []),
    ],
)
def test_a_path_finds_its_entries(path: str, expected: list[str]) -> None:
    assert texts(path) == expected


def test_entries_may_have_weights() -> None:
    assert {text: weight for weight, text in wildcards_of(FILES).entries("artists/dutch")} == {
        "Mondrian": 1.0,
        "Rembrandt": 3.0,
    }


def test_an_entry_of_two_lists_comes_once() -> None:
    assert Wildcards({"a/x": ((1.0, "red"),), "a/y": ((1.0, "red"),)}).entries("a/*") == ((1.0, "red"),)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "{"), ("a.yaml", "a: [b"), ("a.json", "[" * 100000), ("a.yaml", "!!python/object:os.system {}")],
)
def test_a_broken_file_is_named(name: str, text: str) -> None:
    with pytest.raises(PromptError, match=name):
        wildcards_of({name: text})


def test_a_file_that_multiplies_itself_is_refused() -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}" for n in range(1, 9)]
    with pytest.raises(PromptError, match="1,000,000 entries"):
        wildcards_of({"bomb.yaml": "\n".join(layers)})
