"""Pages as data: those that come with danqing are sound, and unsound ones are told."""

import pytest

from danqing.base.errors import RecipeError
from danqing.pixels.layout import Page, PicturePlace, TextPlace, faults, page_named, page_names


@pytest.mark.parametrize("name", page_names())
def test_the_pages_that_come_along_are_sound(name: str) -> None:
    page = page_named(name)
    assert page.name == name
    assert faults(page) == []
    assert Page.model_validate_json(page.model_dump_json()) == page


def test_the_pages_are_those_that_people_come_for() -> None:
    assert page_names() == ["advertisement", "character-poster", "magazine-cover"]


def test_an_unknown_page_is_named() -> None:
    with pytest.raises(RecipeError, match="did you mean magazine-cover"):
        page_named("magazine-covers")


def test_words_beyond_the_safe_area_are_told() -> None:
    page = Page(
        name="p", width=1000, height=500, safe=0.1, texts=(TextPlace(name="title", place=(0.02, 0.2, 0.5, 0.5)),)
    )
    assert faults(page) == ["title leaves the safe area, which ends 10% of the shorter side from the edge"]
    inside = TextPlace(name="title", place=(0.05, 0.1, 0.95, 0.9))  # 50 pixels on every side
    assert faults(page.but(texts=(inside,))) == []


def test_words_over_each_other_are_told() -> None:
    one, two = TextPlace(name="a", place=(0.1, 0.1, 0.5, 0.5)), TextPlace(name="b", place=(0.4, 0.4, 0.9, 0.9))
    assert faults(Page(name="p", width=100, height=100, texts=(one, two))) == ["a and b lie over each other"]


@pytest.mark.parametrize("place", [(0.5, 0, 0.4, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.2)])
def test_a_place_that_is_none_is_refused(place: tuple[float, float, float, float]) -> None:
    with pytest.raises(RecipeError, match="place"):
        PicturePlace(place=place)


def test_colours_come_from_the_palette_or_by_name() -> None:
    page = Page(name="p", width=100, height=100, palette=("#010203", "orange"))
    assert page.color("palette 2") == (255, 165, 0)
    assert page.color("#0a0b0c") == (10, 11, 12)
    for wrong in ("palette 3", "palette x", "palette"):
        with pytest.raises(RecipeError, match="has 2, from 'palette 1'"):
            page.color(wrong)
