import json

import pytest

from danqing.base.errors import RecipeError
from danqing.base.picture import ExecutionFacts
from danqing.studio.story import infotext_of, story_in, story_of
from tests.studio.pictures import picture_of


def test_a_provenance_comes_back_as_it_was() -> None:
    picture = picture_of(ExecutionFacts(dtype="bfloat16", batch_size=4, batch_index=2), index=6, seed=7, prompt="丹青")
    story = story_in(story_of(picture))
    assert story.provenance == picture.provenance
    assert story.recipe.digest == picture.recipe.digest


def test_a_bare_recipe_is_a_story_too() -> None:
    picture = picture_of(seed=7)
    assert story_in(picture.recipe.to_json()).recipe == picture.recipe


def test_a_fact_of_a_later_version_does_not_cost_the_recipe() -> None:
    picture = picture_of(seed=7)
    data = json.loads(story_of(picture))
    story = story_in(json.dumps({**data, "of_the_future": 1}))
    assert story.recipe == picture.recipe


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"recipe": {}}', '{"recipe": {"recipe": 99}}'])
def test_what_is_no_story_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        story_in(text)


def test_the_infotext_names_program_and_version() -> None:
    assert infotext_of(picture_of()).endswith("Version: danqing 0.1.0")
