from pathlib import Path
from random import Random

import pytest

from danqing.training.mini.captions import Speaker, english_captions
from danqing.training.mini.captions_cjk import ForeignSpeaker, foreign_caption
from danqing.training.mini.content import Backdrop, Content, Person, Thing
from danqing.training.mini.dataset import CAPTIONS, clip_vocabulary, encode, read_split
from danqing.training.mini.grammar import EVERYTHING, draw_content
from danqing.training.mini.world import World
from tests.training.mini.drawn import names_of

GIRL = Person(
    who="girl", style="toon", hair="long hair", hair_color="pink", skin="tan", expression="smile", eyes="closed eyes",
    clothes="dress", clothes_color="red",
)  # fmt: skip
PORTRAIT = Content((GIRL,), "single", Backdrop("plain", ("beige",)))
PIXEL = Person(
    "boy",
    "pixel",
    "short hair",
    "gray",
    "dark",
    "frown",
    glasses="glasses",
    clothes="clothes",
    clothes_color="blue",
    hat="hat",
    hat_color="green",
)
APPLE = Thing("red apple", "3d")
PAIR = Content((APPLE, Thing("cat", "3d")), "beside", Backdrop("scene", (), "beach", "night"))


def said(world: World, content: Content, form: str, drop: float = 0.0) -> list[str]:
    return [getattr(Speaker(Random(seed), world, drop), form)(content) for seed in range(40)]


@pytest.mark.parametrize("form", ["tags", "sentence"])
def test_a_full_caption_names_what_is_drawn(world: World, form: str) -> None:
    for text in said(world, PORTRAIT, form):
        for group in (
            ["pink hair"],
            ["beige"],
            ["red dress"],
            ["toon style"],
            ["smil"],
            ["eyes closed", "closed eyes"],
        ):
            assert any(word in text for word in group), (group, text)


def test_hats_and_glasses_are_named(world: World) -> None:
    content = Content((PIXEL,), "single", Backdrop("plain", ("white",)))
    for text in said(world, content, "tags"):
        assert "green hat" in text
        assert "glasses" in text or "spectacles" in text


@pytest.mark.parametrize("form", ["tags", "sentence"])
def test_two_objects_keep_their_sides(world: World, form: str) -> None:
    for text in said(world, PAIR, form):
        assert text.index("red apple") < text.index("cat")
        assert "night" in text


def test_the_side_of_a_small_figure_is_said(world: World) -> None:
    content = Content((APPLE,), "single", Backdrop("plain", ("white",)), "from afar", "left")
    assert all("on the left" in text for text in said(world, content, "tags"))


def test_counts_and_plurals_are_said(world: World) -> None:
    content = Content((Thing("fox", "3d"),) * 3, "row", Backdrop("plain", ("white",)))
    assert all("three foxes" in text for text in said(world, content, "sentence"))


def test_stickers_are_named(world: World) -> None:
    content = Content((APPLE,), "single", Backdrop("plain", ("white",)), sticker=True)
    assert all("sticker" in text or "outline" in text for text in said(world, content, "sentence"))


def test_dropping_makes_short_prompts(world: World) -> None:
    full, short = said(world, PORTRAIT, "tags"), said(world, PORTRAIT, "tags", drop=0.7)
    assert sum(map(len, short)) < 0.5 * sum(map(len, full))
    assert all(text.startswith("1girl") for text in short)


def test_synonyms_change(world: World) -> None:
    blonde = Content((Person("girl", "toon", "long hair", "blonde", "tan", "smile"),), "single", PORTRAIT.backdrop)
    text = " ".join(said(world, blonde, "tags"))
    assert all(word in text for word in ("blonde hair", "blond hair", "yellow hair"))


def test_chinese_and_korean_say_hair_and_background(world: World) -> None:
    for language, words in (("zh", ("粉色头发的女孩", "米色背景")), ("ko", ("분홍색 머리 소녀", "베이지색 배경"))):
        speaker = ForeignSpeaker(Random(1), world.words[language], names_of(world)[language])
        assert all(word in speaker.caption(PORTRAIT) for word in words)


def test_an_emoji_name_loses_its_face(world: World) -> None:
    speaker = ForeignSpeaker(Random(1), world.words["ko"], {"cat": "고양이 얼굴"})
    assert speaker.name("cat") == "고양이"


def test_our_own_word_goes_before_the_emojis_name(world: World) -> None:
    speaker = ForeignSpeaker(Random(1), world.words["zh"], {"tiger": "老虎头"})
    assert speaker.name("tiger") == "老虎"


@pytest.mark.parametrize("language", ["zh", "ko"])
def test_our_own_words_name_nouns_that_there_are_and_no_two_alike(world: World, language: str) -> None:
    own = world.words[language]["names"]
    assert set(own) <= set(world.labels)
    assert len(set(own.values())) == len(own)
    assert not any(name.endswith(tuple(world.words[language]["strip"])) for name in own.values())


def test_a_korean_and_follows_the_sound_before_it(world: World) -> None:
    names = {"cat": "고양이", "bear": "곰"}
    backdrop = PORTRAIT.backdrop

    def said(*nouns: str) -> str:
        content = Content(tuple(Thing(noun, "3d") for noun in nouns), "beside", backdrop)
        return ForeignSpeaker(Random(1), world.words["ko"], names).caption(content)

    assert said("cat", "bear").startswith("고양이와 곰")
    assert said("bear", "cat").startswith("곰과 고양이")


def test_every_content_can_be_said_in_every_language(world: World) -> None:
    rng, names = Random(2), names_of(world)
    for _ in range(1500):
        content, _ = draw_content(rng, world, EVERYTHING)
        for text in (*english_captions(rng, world, content), foreign_caption(rng, world, content, names)):
            assert text.strip()
            assert "{" not in text
            assert ", ," not in text
            assert "  " not in text


def test_captions_are_stored_as_ids_between_start_and_end(built: Path) -> None:
    pictures, vocabulary = read_split(built, "train"), clip_vocabulary()
    assert pictures.ids.shape == (24, CAPTIONS, 77)
    row = pictures.ids[3, 1].tolist()
    expected = vocabulary.encode(pictures.captions[3][1])
    assert row[0] == vocabulary.start
    assert row[1 : len(expected) + 1] == expected
    assert set(row[len(expected) + 1 :]) == {vocabulary.end}


def test_a_caption_that_is_too_long_still_ends_with_the_end() -> None:
    ids = encode(clip_vocabulary(), ["cat " * 200])
    assert ids[0, -1] == clip_vocabulary().end
    assert ids[0, -2] == ids[0, 1]
