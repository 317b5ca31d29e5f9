"""Pages put together: pictures in their places, panels over them, words that can be read."""

import numpy as np
import pytest

from danqing.base.errors import RecipeError
from danqing.pixels.compose import READABLE_LARGE, busyness, composed
from danqing.pixels.layout import Page, Panel, PicturePlace, TextPlace, page_named, page_names
from tests.pixels.pictures import noise, ramp

PAGE = Page(name="test", width=200, height=100, background="#102030")


def test_a_picture_lies_in_its_place_and_nowhere_else() -> None:
    picture = noise(50, 50)
    page = PAGE.but(pictures=(PicturePlace(place=(0.25, 0.25, 0.5, 0.75)),))
    pixels = composed(page, {"picture": picture}, {}).pixels
    assert np.array_equal(pixels[25:75, 50:100], picture)
    pixels[25:75, 50:100] = (16, 32, 48)
    assert (pixels == (16, 32, 48)).all()


def test_contain_shows_all_of_a_picture() -> None:
    page = PAGE.but(pictures=(PicturePlace(fit="contain"),))
    pixels = composed(page, {"picture": np.full((40, 40, 3), 200, np.uint8)}, {}).pixels
    assert (pixels[:, 50:150] == 200).all()
    assert (pixels[:, :50] == (16, 32, 48)).all()


def test_cover_fills_the_place() -> None:
    pixels = composed(PAGE, {"picture": np.full((40, 40, 3), 200, np.uint8)}, {}).pixels
    assert (pixels == 200).all()


def test_what_is_transparent_shows_the_background() -> None:
    picture = np.zeros((100, 200, 4), np.uint8)
    picture[:50] = (9, 9, 9, 255)
    pixels = composed(PAGE, {"picture": picture}, {}).pixels
    assert (pixels[:50] == 9).all()
    assert (pixels[50:] == (16, 32, 48)).all()


def test_a_panel_fades_in() -> None:
    page = PAGE.but(pictures=(), panels=(Panel(place=(0, 0, 1, 1), color="white", opacity=0.5, fade="down"),))
    column = composed(page, {}, {}).pixels[:, 0, 0].astype(int)
    assert column[0] == 16
    assert column[-1] == pytest.approx((255 + 16) / 2, abs=1)
    assert (np.diff(column) >= 0).all()


@pytest.mark.parametrize("name", page_names())
@pytest.mark.parametrize("seed", range(3))
def test_words_can_be_read_on_any_picture(name: str, seed: int) -> None:
    page = page_named(name)
    page = page.but(width=page.width // 3, height=page.height // 3)
    picture = ramp(64, 64, grain=60, seed=seed)[:: 1 - 2 * (seed % 2)]
    pictures = {place.name: picture for place in page.pictures}
    made = composed(page, pictures, {text.name: "The colour of ink" for text in page.texts})
    assert made.pixels.shape == (page.height, page.width, 3)
    assert [words.name for words in made.words] == [text.name for text in page.texts]
    for words, place in zip(made.words, page.texts, strict=True):
        left, top, right, bottom = page.box(place.place)
        assert words.contrast >= READABLE_LARGE
        assert left - 2 <= words.box[0] <= words.box[2] <= right + 2
        assert top - 2 <= words.box[1] <= words.box[3] <= bottom + 2


def test_words_are_in_the_colour_that_was_said() -> None:
    text = TextPlace(name="title", place=(0.05, 0.1, 0.95, 0.9), size=0.5, color="#00ff00")
    pixels = composed(PAGE.but(pictures=(), texts=(text,)), {}, {"title": "III"}).pixels
    assert ((pixels == (0, 255, 0)).all(axis=2)).sum() > 100


def test_unreadable_words_get_a_rim() -> None:
    text = TextPlace(name="title", place=(0.05, 0.1, 0.95, 0.9), size=0.5, color="#182838")
    made = composed(PAGE.but(pictures=(), texts=(text,), palette=("#ffffff",)), {}, {"title": "III"})
    assert ((made.pixels == 255).all(axis=2)).sum() > 50
    assert made.words[0].contrast > 10


def test_capitals_and_the_pages_own_words() -> None:
    text = TextPlace(name="title", place=(0.05, 0.1, 0.95, 0.9), text="Fox", size=0.3)
    page = PAGE.but(pictures=(), texts=(text,))
    own, said, large = (composed(p, {}, w).pixels for p, w in (
        (page, {}), (page, {"title": "FOX"}), (page.but(texts=(text.but(capitals=True),)), {}),
    ))  # fmt: skip
    assert np.array_equal(large, said)
    assert not np.array_equal(own, said)


def test_a_text_left_empty_is_left_out() -> None:
    page = page_named("magazine-cover")
    assert composed(page, {"picture": noise(20, 20)}, {"title": " "}).words == ()


def test_names_that_the_page_does_not_have_are_told() -> None:
    with pytest.raises(RecipeError, match="did you mean picture"):
        composed(PAGE, {"pictrue": noise(4, 4)}, {})
    with pytest.raises(RecipeError, match="no place for a text named 'slogan'"):
        composed(PAGE, {"picture": noise(4, 4)}, {"slogan": "x"})
    with pytest.raises(RecipeError, match="needs a picture named 'picture'"):
        composed(PAGE, {}, {})


def test_busyness_tells_calm_from_restless() -> None:
    assert busyness(np.full((50, 50, 3), 9, np.uint8), (0, 0, 50, 50)) == 0
    assert busyness(ramp(128, 128), (0, 0, 128, 128)) < 0.05
    assert busyness(noise(50, 50), (0, 0, 50, 50)) > 0.95
