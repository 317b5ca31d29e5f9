"""Styles and wildcards of a home folder reach the pictures."""

from pathlib import Path

import pytest

from danqing.base.errors import PromptError
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.painting.expand import expand
from danqing.studio.home import Home
from danqing.studio.phrases import read_phrases
from danqing.studio.studio import Studio


def test_an_empty_home_has_no_phrases(tmp_path: Path) -> None:
    phrases = read_phrases(Home(tmp_path))
    assert phrases.styles == {}
    assert phrases.wildcards.lists == {}


def test_styles_and_wildcards_reach_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "styles.csv").write_text(
        "\ufeffname,prompt,negative_prompt\nink,ink of {prompt},photo\n", encoding="utf-8"
    )
    (tmp_path / "wildcards" / "beasts").mkdir(parents=True)
    (tmp_path / "wildcards" / "beasts" / "grey.txt").write_text("# grey ones\nwolf\n", encoding="utf-8")
    studio = Studio(tmp_path, environment={})
    order = Order(recipe=Recipe(prompt="a __beasts/grey__"), styles=("ink",))
    (one,) = expand(order, studio.catalog, read_phrases(studio.home))
    assert (one.prompt, one.negative_prompt) == ("ink of a wolf", "photo")


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards" / "x.txt").write_bytes("größe".encode("latin-1"))
    with pytest.raises(PromptError, match=r"x\.txt is not UTF-8"):
        read_phrases(Home(tmp_path))
