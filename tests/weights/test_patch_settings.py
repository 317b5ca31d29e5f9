"""Patches by name, without torch: what a recipe asks for, and what is wrong with it."""

import subprocess
import sys

import pytest

from danqing.base.errors import RecipeError
from danqing.base.parts import Speed
from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.weights.patches.settings import FreeU, Tiling, TokenMerging, network_patches, patch_of


def test_a_plain_recipe_asks_for_nothing() -> None:
    assert network_patches(Recipe()) == ()
    assert network_patches(Recipe(), hires=True) == ()


def test_tiling_and_token_merging_have_fields_of_their_own() -> None:
    recipe = Recipe(tiling=True, speed=Speed(token_merging=0.3))
    assert network_patches(recipe) == (TokenMerging(ratio=0.3), Tiling())


def test_the_hires_pass_may_merge_more() -> None:
    recipe = Recipe(speed=Speed(token_merging=0.3, token_merging_hires=0.6))
    assert network_patches(recipe, hires=True) == (TokenMerging(ratio=0.6),)
    assert network_patches(recipe) == (TokenMerging(ratio=0.3),)


def test_without_a_ratio_of_its_own_the_hires_pass_merges_as_the_first() -> None:
    assert network_patches(Recipe(speed=Speed(token_merging=0.3)), hires=True) == (TokenMerging(ratio=0.3),)


def test_a_ratio_for_hires_alone_leaves_the_first_pass_exact() -> None:
    assert network_patches(Recipe(speed=Speed(token_merging_hires=0.3))) == ()


def test_other_patches_are_found_by_name_in_any_case() -> None:
    recipe = Recipe(patches=(Use(name="freeu", settings={"b1": 1.2}), Use(name="Seamless", settings={"y": False})))
    assert network_patches(recipe) == (FreeU(b1=1.2), Tiling(y=False))


def test_equal_settings_are_equal_and_can_be_looked_up() -> None:
    assert len({patch_of(Use(name="FreeU")), FreeU(), FreeU(b1=1.2)}) == 2


def test_a_ratio_of_nothing_is_no_patch() -> None:
    assert network_patches(Recipe(patches=(Use(name="Token merging", settings={"ratio": 0}),))) == ()


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (Use(name="fre"), "no patch named 'fre'; did you mean FreeU?"),
        (Use(name="freeu", settings={"b3": 1}), r"patch FreeU: FreeU has no field 'b3'; possible: b1, b2, s1, s2"),
        (Use(name="freeu", settings={"s1": -1}), "patch FreeU: s1 must be at least 0.01, found -1"),
    ],
)
def test_what_is_wrong_with_a_patch_is_said_in_words(use: Use, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        patch_of(use)


def test_looking_at_patches_loads_no_torch() -> None:
    words = "import sys, danqing.weights.patches.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words]).returncode == 0
