from pathlib import Path

import pytest

from danqing.base.errors import PromptError
from danqing.painting.expand import Phrases
from danqing.prompt.glossary import to_english
from danqing.prompt.lint import lint
from danqing.prompt.reading import ReadingOptions
from danqing.prompt.wildcards import wildcards_of
from danqing.studio.catalog import FolderCatalog
from danqing.studio.home import ModelFolder
from danqing.studio.prompts import (
    CatalogNames,
    embedding_sizes,
    explain_prompt,
    glossary,
    lint_options,
    taxonomy,
    vocabulary,
)
from danqing.weights.hashes import HashCache
from tests.studio.files import EMBEDDING, LORA, write_safetensors


@pytest.fixture
def catalog(tmp_path: Path) -> FolderCatalog:
    root = tmp_path
    write_safetensors(root / "lora/styles/ink.safetensors", LORA)
    write_safetensors(root / "embedding/bad-hands.safetensors", EMBEDDING)
    write_safetensors(root / "embedding/sdxl.safetensors", {"clip_l": (4, 768), "clip_g": (4, 1280)})
    (root / "embedding/damaged.pt").write_bytes(b"nothing")
    folders = [ModelFolder(root / "lora", "lora"), ModelFolder(root / "embedding", "embedding")]
    return FolderCatalog(folders, HashCache(root / "hashes.json"))


def test_names_are_asked_for_as_painting_asks(catalog: FolderCatalog) -> None:
    names = CatalogNames(catalog, "lora")
    assert [name in names for name in ("ink", "INK", "styles/ink", "ink.safetensors", "in", 7)] == [True] * 4 + [
        False
    ] * 2
    assert (list(names), len(names)) == (["ink"], 1)


def test_embeddings_are_counted_off_their_headers(catalog: FolderCatalog) -> None:
    assert embedding_sizes(catalog) == {"bad-hands": 2, "sdxl": 4}


def test_the_linter_knows_all_that_is_here(catalog: FolderCatalog) -> None:
    text = "day, night, <lora:ink:1>, embedding:gone" + ", word" * 80
    codes = [finding.code for finding in lint(text, lint_options(catalog, "comfy"))]
    assert sorted(codes) == ["contradictory", "long", "repeated", "unknown-embedding"]


def test_an_explanation_tells_variants_tags_tree_and_steps(catalog: FolderCatalog) -> None:
    wildcards = wildcards_of({"c.txt": "red"})
    made = explain_prompt(
        "a __c__ {cat|dog} <lora:ink:1>", catalog, ReadingOptions(steps=5), Phrases(wildcards=wildcards)
    )
    assert (made.text, made.variants, made.tags) == ("a red cat <lora:ink:1>", 2, ("<lora:ink:1>",))
    assert made.lines[:2] == ["one of 2 variants: a red cat <lora:ink:1>", "lifted out: <lora:ink:1>"]
    assert made.lines[-1] == "    chunk 1: a red cat"


def test_other_dialects_have_no_variants(catalog: FolderCatalog) -> None:
    assert explain_prompt("{a|b}", catalog, ReadingOptions("a1111")).variants == 1


def test_what_can_not_be_read_is_refused(catalog: FolderCatalog) -> None:
    with pytest.raises(PromptError):
        explain_prompt("a" * 200_000, catalog, ReadingOptions("a1111"))


def test_word_lists_ship_with_danqing() -> None:
    assert to_english("猫", glossary()).text == "cat"
    assert "hair" in taxonomy().slots
    assert vocabulary().size == 49408
