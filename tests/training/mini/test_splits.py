from itertools import product
from pathlib import Path

from danqing.training.mini.dataset import Split, plan_split, read_split
from danqing.training.mini.splits import combinations, is_held_out, is_unseen
from danqing.training.mini.world import World


def test_no_held_out_combination_leaks_into_training(world: World) -> None:
    for name in ("train", "validation"):
        for content, _ in plan_split(world, Split(name, 400), seed=1):
            assert not any(map(is_held_out, combinations(content)))


def test_no_held_out_combination_stands_in_the_built_training_pictures(built: Path) -> None:
    assert not any(map(is_unseen, read_split(built, "train").contents))
    assert not any(map(is_unseen, read_split(built, "validation").contents))


def test_every_unseen_picture_holds_a_held_out_combination(world: World, built: Path) -> None:
    planned = [content for content, _ in plan_split(world, Split("unseen", 100, unseen=True), seed=1)]
    assert all(map(is_unseen, planned))
    assert all(map(is_unseen, read_split(built, "unseen").contents))


def test_about_eight_in_a_hundred_combinations_are_held_out(world: World) -> None:
    pairs = [("thing on", noun, key) for noun, key in product(world.labels, world.backgrounds)]
    assert 0.07 < sum(map(is_held_out, pairs)) / len(pairs) < 0.09


def test_the_rule_is_the_one_that_the_weights_were_trained_by() -> None:
    held = [("hair on", "black", "orange"), ("thing on", "cat", "orange"), ("hair with", "red", "purple")]
    kept = [("hair on", "red", "blue"), ("thing on", "cat", "beach"), ("hair with", "blue", "red")]
    assert all(map(is_held_out, held))
    assert not any(map(is_held_out, kept))


def test_every_hair_colour_and_background_is_still_trained_on_somewhere(world: World) -> None:
    for hair in world.palette["hair"]:
        assert not all(is_held_out(("hair on", hair, key)) for key in world.backgrounds)


def test_equal_seeds_plan_equal_pictures(world: World) -> None:
    split = Split("train", 30)
    assert plan_split(world, split, 1) == plan_split(world, split, 1)
    assert plan_split(world, split, 1) != plan_split(world, split, 2)
