"""What a picture's file tells: the infotext for everyone's readers, and its whole provenance as JSON for our own."""

import json
from dataclasses import dataclass
from typing import Any, cast

from danqing.base.errors import DanqingError
from danqing.base.infotext import write_infotext
from danqing.base.picture import ExecutionFacts, Picture, Provenance
from danqing.base.recipe import Recipe, recipe_of_json
from danqing.base.value import canonical_json


def infotext_of(picture: Picture) -> str:
    """A1111's "parameters" text."""
    provenance = picture.provenance
    return write_infotext(provenance.recipe, hashes=provenance.hashes, version=provenance.versions.get("danqing", ""))


def story_of(picture: Picture) -> str:
    """The provenance of a picture as canonical JSON."""
    return text_of(picture.provenance)


def text_of(provenance: Provenance) -> str:
    """A provenance as canonical JSON; its "recipe" is the recipe's own JSON, with its version."""
    # Defaults are written too: a later version may have others.
    rest = provenance.model_dump(mode="json", exclude={"recipe"})
    return canonical_json({**rest, "recipe": json.loads(provenance.recipe.to_json())})


@dataclass(frozen=True)
class Story:
    """What was read back: the recipe, and what else is known of its painting."""

    recipe: Recipe
    provenance: Provenance


def story_in(text: str) -> Story:
    """A picture's own JSON: a provenance, or a bare recipe. Raises RecipeError when the recipe in it can't be read."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not isinstance(cast("dict[str, object]", data).get("recipe"), dict):
        recipe = recipe_of_json(text)
        return Story(recipe, Provenance(recipe=recipe))
    fields = dict(cast("dict[str, Any]", data))
    recipe = recipe_of_json(json.dumps(fields.pop("recipe")))
    try:
        provenance = Provenance.model_validate({**fields, "recipe": recipe})
    except DanqingError:
        # Written by a later version, perhaps: the recipe alone decides what is painted.
        provenance = Provenance(recipe=recipe, facts=ExecutionFacts())
    return Story(recipe, provenance)
