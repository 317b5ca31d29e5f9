import pytest

from danqing.base.errors import ModelError
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.studio.catalog import FolderCatalog
from danqing.studio.studio import Studio
from danqing.studio.substitutes import with_what_is_here
from danqing.weights.hashes import HashCache
from tests.studio.files import LORA, write_safetensors


@pytest.fixture
def studio(toy_home: object) -> Studio:
    return Studio(str(toy_home), environment={})


def orders(**fields: object) -> Order:
    return Order(recipe=Recipe.model_validate(fields))


def test_what_is_here_stays_as_it_is(studio: Studio) -> None:
    order = orders(prompt="a", model={"name": "toy"}, steps=3)
    assert with_what_is_here(order, studio.catalog) == (order, ())
    assert with_what_is_here(orders(prompt="a"), studio.catalog) == (orders(prompt="a"), ())


def test_another_model_paints_and_is_named(studio: Studio) -> None:
    order, notes = with_what_is_here(orders(model={"name": "gone", "sha256": "89d59c3dde"}, steps=3), studio.catalog)
    assert not order.recipe.model
    assert order.recipe.steps == 3
    assert order.left_to_model == ("width", "height", "sampler", "schedule", "cfg_scale", "clip_skip")
    assert [note.partition(" [")[0] for note in notes] == ["the model 'gone'"]
    assert "'toy' [" in notes[0]
    assert "paints instead, so the picture is another one" in notes[0]


def test_another_file_of_that_name_comes_before_the_default(studio: Studio) -> None:
    order, notes = with_what_is_here(orders(model={"name": "toy", "sha256": "0" * 10}), studio.catalog)
    assert (order.recipe.model.name, order.recipe.model.sha256) == ("toy", "")
    assert "the model 'toy' [0000000000] isn't here: 'toy' [" in notes[0]


def test_what_was_typed_is_left_alone(studio: Studio) -> None:
    order = orders(model={"name": "gone"}, vae={"name": "gone"})
    assert with_what_is_here(order, studio.catalog, said=("model", "vae")) == (order, ())


def test_a_vae_a_refiner_and_a_hires_checkpoint_are_left_out(studio: Studio) -> None:
    order, notes = with_what_is_here(
        orders(vae={"name": "v"}, refiner={"model": {"name": "r"}}, hires={"model": {"name": "h"}, "steps": 4}),
        studio.catalog,
    )
    assert (order.recipe.vae.name, order.recipe.refiner) == ("", None)
    assert order.recipe.hires is not None
    assert (order.recipe.hires.model.name, order.recipe.hires.steps) == ("", 4)
    assert notes == (
        "the VAE 'v' isn't here: the checkpoint's own decodes instead",
        "the hires checkpoint 'h' isn't here: the first one goes on",
        "the refiner 'r' isn't here: it is left out",
    )


def test_networks_are_left_out_one_by_one(studio: Studio) -> None:
    write_safetensors(studio.home.root / "models/Lora/ink.safetensors", LORA)
    studio = Studio(studio.home.root, environment={})  # folders are looked for once
    order, notes = with_what_is_here(
        orders(prompt="a <lora:ink:te=1:0.5> <lora:gone:1> <foo:x>", loras=({"model": {"name": "lost"}},)),
        studio.catalog,
    )
    assert order.recipe.prompt == "a <lora:ink:te=1:0.5>  <foo:x>"
    assert order.recipe.loras == ()
    assert sorted(notes) == [
        "the LoRA 'gone' isn't here: it is left out",
        "the LoRA 'lost' isn't here: it is left out",
    ]


def test_without_any_checkpoint_that_is_said(studio: Studio) -> None:
    empty = FolderCatalog([], HashCache(studio.home.cache / "hashes.json"))
    with pytest.raises(ModelError, match="no checkpoint that danqing can paint with"):
        with_what_is_here(orders(model={"name": "gone"}), empty)
