import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.prompt.glossary import English, glossary_of, to_english
from tests.prompt.golden import ROOT
from tests.prompt.test_builder import TAXONOMY

EMOJI = (ROOT / "src/danqing/assets/wordlists/emoji.json").read_text(encoding="utf-8")
GLOSSARY = glossary_of(TAXONOMY, EMOJI)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("一个女孩，长发，绿色头发，微笑，橙色背景", "1girl, long hair, green hair, smile, orange background"),
        ("(红色连衣裙:1.2)的女孩", "(red dress:1.2)girl"),
        ("星空，城堡、masterpiece", "starry sky, castle, masterpiece"),
        ("[猫:狗:0.5] AND 鱼 :0.5", "[cat:dog:0.5] AND fish :0.5"),
        ("긴 머리 소녀, 안경, 미소, 주황 배경", "long hair girl, glasses, smile, orange background"),
        ("고양이와 강아지가 있는".replace(" 있는", ""), "cat dog"),
        ("（猫：1.2）", "(cat:1.2)"),
        ("a cat, blue eyes", "a cat, blue eyes"),
        ("", ""),
    ],
)
def test_known_words_become_english(text: str, english: str) -> None:
    assert to_english(text, GLOSSARY) == English(english)


def test_the_longest_word_wins() -> None:
    assert to_english("蓝眼睛 太阳镜", GLOSSARY).text.startswith("blue eyes")


def test_unknown_words_stay_and_are_named() -> None:
    assert to_english("魑魅, 猫", GLOSSARY) == English("魑魅, cat", ("魑魅",))
    assert to_english("뷁뷁 고양이", GLOSSARY) == English("뷁뷁 cat", ("뷁뷁",))


def test_a_korean_word_within_another_is_not_touched() -> None:
    assert to_english("검은눈물이", GLOSSARY).unknown == ("검은눈물이",)


def test_tags_stay_as_they_are() -> None:
    assert to_english("猫 <lora:水墨:0.8> 狗", GLOSSARY).text == "cat <lora:水墨:0.8> dog"


def test_the_names_of_things_are_known() -> None:
    assert to_english("企鹅, 우산", GLOSSARY).unknown == ()


@given(st.text(st.one_of(st.sampled_from("猫的狗在女孩고양이와 소녀가(),:1.2<>"), st.characters()), max_size=60))
def test_what_is_called_known_has_no_foreign_letter_left(text: str) -> None:
    made = to_english(text, GLOSSARY)
    if not made.unknown and "<" not in text:
        assert not re.search("[\u3400-\u9fff\uac00-\ud7a3]", made.text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    ["猫的狗" * 30000, "가나다라" * 25000, "소녀" * 50000, "女" * 100000, "<" * 100000 + "猫", "<a:" * 30000 + "猫"],
)
def test_long_texts_are_read(text: str) -> None:
    assert to_english(text, GLOSSARY).text
