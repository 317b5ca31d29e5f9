import re

import pytest

from danqing.base.errors import PromptError
from danqing.prompt.builder import LANGUAGES, Named, build_prompt, read_taxonomy
from tests.prompt.golden import ROOT

TAXONOMY = read_taxonomy((ROOT / "src/danqing/assets/wordlists/taxonomy.json").read_text(encoding="utf-8"))


def test_the_taxonomy_has_the_groups_of_a_prompt() -> None:
    assert [group.name for group in TAXONOMY.groups] == ["subject", "scene", "light", "framing", "quality", "style"]
    assert list(TAXONOMY.slots)[:6] == ["who", "clothes", "hair", "face", "expression", "pose"]


def labels() -> list[Named]:
    slots = [slot for group in TAXONOMY.groups for slot in group.slots]
    return [
        *(group.label for group in TAXONOMY.groups),
        *(slot.label for slot in slots),
        *(tag for slot in slots for tag in slot.tags),
    ]


def test_everything_has_a_name_in_every_language() -> None:
    assert [name for name in labels() if not all(name.label(language).strip() for language in LANGUAGES)] == []


def test_names_are_written_in_their_own_letters() -> None:
    assert [name.en for name in labels() if not re.fullmatch(r"[\w -]+", name.en, re.ASCII)] == []
    assert [name.zh for name in labels() if not re.search("[\u4e00-\u9fff]", name.zh)] == []
    assert [name.ko for name in labels() if not re.search("[\uac00-\ud7a3]", name.ko)] == []


def test_no_slot_offers_a_tag_twice() -> None:
    for slot in TAXONOMY.slots.values():
        assert len({tag.en for tag in slot.tags}) == len(slot.tags)


def test_words_stand_in_the_order_of_the_taxonomy() -> None:
    chosen = {"style": ["anime"], "hair": ["long hair", "green hair"], "who": ["1girl"]}
    assert build_prompt(TAXONOMY, chosen) == "1girl, long hair, green hair, anime"


def test_a_tag_may_be_chosen_in_any_language() -> None:
    assert build_prompt(TAXONOMY, {"who": ["고양이"], "style": ["油画"]}) == "cat, oil painting"


def test_words_of_ones_own_go_in_as_they_are() -> None:
    assert build_prompt(TAXONOMY, {"hair": [" rainbow hair "], "face": [""]}) == "rainbow hair"


def test_an_unknown_slot_names_its_neighbour() -> None:
    with pytest.raises(PromptError, match="no slot named 'hairs'; did you mean hair"):
        build_prompt(TAXONOMY, {"hairs": ["long hair"]})
