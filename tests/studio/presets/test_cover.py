"""Covers and advertisements: words are set, readable and in their places; where they aren't, it is said."""

from dataclasses import replace

import numpy as np
import pytest

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.pixels.files import read_picture
from danqing.pixels.layout import page_named
from danqing.studio.presets.cover import (
    AdvertisementSettings,
    CoverSettings,
    check_advertisement,
    check_cover,
    make_advertisement,
    make_cover,
)
from danqing.studio.presets.desk import Desk
from danqing.studio.presets.files import find_preset, settings_of
from danqing.studio.presets.page import Paged, page_of, ratio_of
from tests.pixels.pictures import noise, ramp
from tests.studio.presets.conftest import Presets, verdicts

WORDS = {"title": "Ink", "headline": "A colour", "issue": "No. 7", "price": "4.80"}


def covered(presets: Presets, picture: Pixels, **said: object) -> tuple[Paged, CoverSettings]:
    file = find_preset("cover", presets.studio.home)
    settings = settings_of(file, {**WORDS, "seed": 1, "pictures": [presets.put(picture)], **said})
    assert isinstance(settings, CoverSettings)
    return make_cover(Desk(presets.studio, file, settings, presets.folder), settings), settings


def wrong(made: Paged, settings: CoverSettings) -> set[str]:
    return {finding.what for finding in check_cover(made, settings) if not finding.good}


def test_a_cover_of_a_quiet_picture_is_good(presets: Presets) -> None:
    done = presets("cover", ramp(640, 860), **WORDS)
    assert done.good, [finding.sentence for finding in done.findings if not finding.good]
    assert read_picture(presets.folder / "magazine-cover.png").shape == (1654, 1240, 3)


def test_words_are_set_and_never_painted(presets: Presets) -> None:
    presets("cover", prompt="a mountain", seed=5, **WORDS)
    painted = next((presets.folder / "painted").iterdir())
    told = presets.studio.images.told(presets.studio.images.put(painted))
    assert all(word not in (told.infotext or "") for word in WORDS.values())


def test_another_title_changes_only_what_it_stands_on(presets: Presets) -> None:
    one, _ = covered(presets, ramp(300, 400))
    other, _ = covered(presets, ramp(300, 400), title="Oil")
    changed = np.argwhere((one.pieces[0].pixels != other.pieces[0].pixels).any(axis=2))
    left, top, right, bottom = one.page.box(one.page.texts[0].place)
    assert (changed.min(axis=0) >= (top, left)).all()
    assert (changed.max(axis=0) <= (bottom, right)).all()


def test_a_title_that_can_not_be_read_is_said(presets: Presets) -> None:
    made, settings = covered(presets, ramp(640, 860))
    assert "contrast" not in wrong(made, settings)
    faint = tuple(replace(words, color=(128, 128, 128), contrast=1.2) for words in made.words)
    grey = np.full_like(made.ground, 128)
    assert "contrast" in wrong(replace(made, words=faint, ground=grey), settings)


def test_words_beyond_their_place_are_said(presets: Presets) -> None:
    made, settings = covered(presets, ramp(640, 860))
    assert "place" not in wrong(made, settings)
    left, top, right, bottom = made.words[0].box
    outside = (replace(made.words[0], box=(left - 500, top, right, bottom)), *made.words[1:])
    assert "place" in wrong(replace(made, words=outside), settings)


def test_a_restless_ground_under_the_title_is_said(presets: Presets) -> None:
    made, settings = covered(presets, ramp(640, 860))
    restless = replace(made, ground=noise(made.page.width, made.page.height))
    assert "quiet ground" in wrong(restless, settings)
    assert "quiet ground" not in wrong(made, settings)


def test_a_cover_without_a_title_is_said(presets: Presets) -> None:
    made, settings = covered(presets, ramp(640, 860), title="")
    assert "title" in wrong(made, settings)


def test_a_picture_that_is_too_small_is_said(presets: Presets) -> None:
    made, settings = covered(presets, ramp(120, 160))
    assert wrong(made, settings) == {"resolution"}
    assert made.enlarged["picture"] == pytest.approx(1654 / 160, rel=0.01)


def test_the_brands_colours_come_first_and_the_pages_fill_up() -> None:
    page = page_of(AdvertisementSettings(palette="#ffffff, navy"), "advertisement")
    assert page.palette == ("#ffffff", "navy", page_named("advertisement").palette[2])
    assert page_of(AdvertisementSettings(layout="magazine-cover"), "advertisement").name == "magazine-cover"
    with pytest.raises(RecipeError, match="no colour 'nvy'"):
        page_of(AdvertisementSettings(palette="nvy"), "advertisement")


def test_an_advertisement_wears_its_palette_and_its_logo(presets: Presets) -> None:
    logo = np.zeros((40, 80, 4), np.uint8)
    logo[:] = (0, 200, 0, 255)
    said = {"headline": "Buy ink", "palette": "#ffeedd, #112233, #000000", "logo": presets.put(logo)}
    done = presets("advertisement", ramp(700, 450), text="It is black.", call="Today", **said)
    pixels = read_picture(presets.folder / "advertisement.png")
    page = page_named("advertisement")
    assert tuple(pixels[-5, 5]) == (0xFF, 0xEE, 0xDD)
    left, top, right, bottom = page.box(page.pictures[1].place)
    assert tuple(pixels[(top + bottom) // 2, (left + right) // 2]) == (0, 200, 0)
    assert verdicts(done)["contrast"]


def test_the_audience_goes_into_the_prompt(presets: Presets) -> None:
    file = find_preset("advertisement", presets.studio.home)
    settings = settings_of(file, {"prompt": "a pen", "audience": "schoolchildren", "seed": 1})
    assert isinstance(settings, AdvertisementSettings)
    made = make_advertisement(Desk(presets.studio, file, settings, presets.folder), settings)
    source = made.pieces[0].sources[0]
    assert source.provenance
    assert source.provenance.recipe.prompt == "a pen, schoolchildren, simple background"
    assert check_advertisement(made, settings)


def test_a_place_has_its_ratio() -> None:
    assert ratio_of(page_named("advertisement"), "picture") == pytest.approx(1200 / 768)


def test_two_pictures_are_too_many(presets: Presets) -> None:
    with pytest.raises(RecipeError, match="one picture"):
        presets("cover", ramp(16, 16), ramp(16, 16))
