from collections import Counter
from random import Random

import pytest

from danqing.training.mini.content import Content, content_of, json_of
from danqing.training.mini.grammar import EVERYTHING, JUDGING, TRAINING, Mix, draw_content
from danqing.training.mini.prompts import judging_prompts
from danqing.training.mini.splits import is_unseen
from danqing.training.mini.world import World


def drawn(world: World, mix: Mix, count: int = 400) -> list[Content]:
    rng = Random(3)
    return [draw_content(rng, world, mix)[0] for _ in range(count)]


@pytest.mark.parametrize("mix", [TRAINING, JUDGING])
def test_training_and_judging_never_draw_what_is_kept_out_altogether(world: World, mix: Mix) -> None:
    for content in drawn(world, mix):
        assert not {thing.noun for thing in content.things} & world.held_out_nouns
        assert not {person.style for person in content.people} & set(world.held_out_styles)


def test_everything_draws_also_what_is_kept_out(world: World) -> None:
    contents = drawn(world, EVERYTHING, 600)
    assert {thing.noun for content in contents for thing in content.things} & world.held_out_nouns
    assert {person.style for content in contents for person in content.people} & set(world.held_out_styles)


def test_judging_draws_nouns_evenly(world: World) -> None:
    nouns = Counter(c.things[0].noun for c in drawn(world, JUDGING, 6000) if c.arrangement == "single" and c.things)
    assert len(nouns) > 0.95 * len(world.known_nouns)
    assert max(nouns.values()) < 30


def test_every_person_has_an_avatar_order(world: World) -> None:
    rng = Random(5)
    for _ in range(300):
        content, orders = draw_content(rng, world)
        assert len(content.people) == len(orders)
        for person, order in zip(content.people, orders, strict=True):
            style = world.styles[person.style]
            assert order.collection == style["collection"]
            option = style["colors"]["hair_color"]
            if person.hair_color:
                assert order.options[option][0] in world.palette["hair"][person.hair_color]


def test_sunglasses_hide_the_eyes(world: World) -> None:
    people = [p for content in drawn(world, TRAINING, 3000) for p in content.people]
    assert all(p.eyes == "" for p in people if p.glasses == "sunglasses")
    assert any(p.glasses == "sunglasses" for p in people)


def test_only_boys_have_beards(world: World) -> None:
    bearded = [p for content in drawn(world, TRAINING, 3000) for p in content.people if p.facial_hair != "none"]
    assert bearded
    assert {p.who for p in bearded} == {"boy"}


def test_a_hat_on_the_head_is_known_to_the_content(world: World) -> None:
    rng = Random(7)
    hats = 0
    for _ in range(3000):
        content, orders = draw_content(rng, world)
        for person, order in zip(content.people, orders, strict=True):
            worn = order.options.get("hatProbability", 0) == 100
            assert bool(person.hat) == worn == bool(person.hat_color)
            hats += worn
    assert hats


def test_a_content_survives_json(world: World) -> None:
    for content in drawn(world, EVERYTHING, 200):
        assert content_of(json_of(content)) == content


def test_half_of_the_judging_prompts_are_of_combinations_never_trained_on(world: World) -> None:
    asked = judging_prompts(world, 60)
    assert sum(one.unseen for one in asked) == 30
    assert all(is_unseen(one.content) == one.unseen for one in asked)
    assert [one.prompt for one in asked] == [one.prompt for one in judging_prompts(world, 60)]


def test_thirty_nouns_and_one_style_are_kept_out(world: World) -> None:
    assert len(world.held_out_nouns) == 30
    assert world.held_out_nouns <= set(world.labels)
    assert len(world.held_out_styles) == 1
