from tests.cli.conftest import Danqing


def test_words_stand_in_the_order_of_the_lists(danqing: Danqing) -> None:
    ran = danqing("build", "style=anime", "who=고양이", "hair=long hair, 绿发")
    assert (ran.code, ran.out) == (0, "cat, long hair, green hair, anime\n")
    assert danqing("build", "who=1girl", "--json").json == {"prompt": "1girl"}


def test_without_words_the_lists_are_shown(danqing: Danqing) -> None:
    lines = danqing("build").out.splitlines()
    assert lines[0].startswith("who (Who): 1girl, 1boy, ")
    assert [line.split(" ")[0] for line in lines[:6]] == ["who", "clothes", "hair", "face", "expression", "pose"]


def test_a_slot_alone_shows_what_it_offers(danqing: Danqing) -> None:
    assert danqing("build", "hair", "--language", "zh").out.startswith("hair (发型): 长发, ")
    told = danqing("build", "hair", "--language", "ko", "--json").json
    assert told["hair"]["tags"]["long hair"] == "긴 머리"


def test_what_is_not_there_names_its_neighbour(danqing: Danqing) -> None:
    for words, sentence in (
        (("hairs=long",), "no slot named 'hairs'; did you mean hair?"),
        (("hairs",), "no slot named 'hairs'; did you mean hair?"),
        (("--language", "fr"), "no language named 'fr'; possible: en, zh, ko"),
    ):
        ran = danqing("build", *words)
        assert ran.code == 2
        assert sentence in ran.err
