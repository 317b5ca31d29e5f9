"""The engine on the toy family: the same recipe gives the same pixels, alone and in batches, and a watch is obeyed."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from danqing.base.errors import ModelError
from danqing.base.order import Order
from danqing.base.parts import Noise, Sampling, Speed, Variation
from danqing.base.picture import Picture
from danqing.base.picture_parts import Hires
from danqing.base.progress import Progress, Verdict
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef, Use
from danqing.diffusion.names import SAMPLER_FACTS
from danqing.painting.batch import Easel, Painted, Reporter
from danqing.painting.engine import Engine, Origin
from danqing.painting.expand import expand
from danqing.painting.plan import Plan
from danqing.weights.model import DiffusionModel
from danqing.weights.packing import can_pack
from danqing.weights.place import Place
from tests.toy.fixtures import TOY_REF, FolderCatalog

TOY = Recipe(
    prompt="a red (apple:1.2)", model=TOY_REF, width=64, height=64, steps=4, sampler="Euler a", seed=3, cfg_scale=4
)


@pytest.fixture(scope="module")
def engine(toy_catalog: FolderCatalog) -> Engine:
    return Engine(toy_catalog, Place())


def paint(engine: Engine, *recipes: Recipe, batch_size: int = 1) -> list[Picture]:
    return list(engine.paint(recipes, batch_size=batch_size))


def pixels(pictures: Iterable[Picture]) -> list[np.ndarray]:
    return [picture.pixels.astype(int) for picture in pictures]


def test_the_same_recipe_gives_the_same_pixels(engine: Engine) -> None:
    first, second = paint(engine, TOY, TOY)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.pixels.shape == (64, 64, 3)
    assert first.pixels.std() > 1, "a grey picture proves nothing"


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 4},
        {"prompt": "a blue apple"},
        {"prompt": "a red (apple:0.5)"},
        {"negative_prompt": "leaf"},
        {"cfg_scale": 1.0},
        {"steps": 5},
        {"sampler": "Euler"},
        {"schedule": "Karras"},
        {"clip_skip": 2},
        {"prediction": "epsilon"},
        {"variation": Variation(seed=1, strength=0.5)},
        {"noise": Noise(source="NV")},
        {"noise": Noise(seed_delta=31337)},
        {"sampling": Sampling(eta=0.3)},
        {"hires": Hires(steps=2)},
        {"tiling": True},
        {"speed": Speed(token_merging=0.5)},
        {"speed": Speed(step_cache=2), "steps": 6},
        {"patches": (Use(name="FreeU"),)},
    ],
    ids=str,
)
def test_every_field_that_should_change_the_picture_does(engine: Engine, other: dict[str, object]) -> None:
    before, after = pixels(paint(engine, TOY, TOY.but(**other)))
    assert before.shape != after.shape or not np.array_equal(before, after)


@pytest.mark.parametrize("sampler", [name for name, facts in SAMPLER_FACTS.entries.items() if not facts.one_at_a_time])
def test_a_batch_equals_its_singles(engine: Engine, sampler: str) -> None:
    prompts = ("a", "b AND c:0.5", "d, " * 60, "[e:f:0.5]")
    recipes = [TOY.but(sampler=sampler, schedule="Automatic", prompt=text, seed=n) for n, text in enumerate(prompts)]
    together = pixels(paint(engine, *recipes, batch_size=4))
    alone = pixels(paint(engine, *recipes))
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= 1, "more than rounding at the edge of a grey level"


def test_hires_enlarges_by_latents_and_by_pictures(engine: Engine) -> None:
    sizes = [
        paint(engine, TOY.but(hires=Hires(steps=2, upscaler=name)))[0].size
        for name in ("Latent", "Lanczos", "Latent (nearest-exact)")
    ]
    assert sizes == [(128, 128)] * 3


def test_hires_strength_nought_only_enlarges(engine: Engine) -> None:
    hires = Hires(upscaler="Nearest", denoising_strength=0.0)
    one, other = paint(engine, TOY.but(hires=hires), TOY.but(hires=hires.but(prompt="something else", steps=9)))
    assert one.size == (128, 128)
    assert np.array_equal(one.pixels, other.pixels)


def test_a_size_that_is_no_multiple_of_eight_is_cut_down(engine: Engine) -> None:
    assert paint(engine, TOY.but(width=70, height=90))[0].size == (64, 88)


def test_a_picture_carries_its_story(engine: Engine) -> None:
    picture = list(engine.paint([TOY, TOY.but(seed=9)], origin=Origin("abc", 5)))[1]
    story = picture.provenance
    assert story.recipe == TOY.but(seed=9)
    assert (story.order_digest, story.index) == ("abc", 6)
    assert story.facts.dtype == "float32"
    assert story.facts.batch_size == 1
    assert story.facts.packed is can_pack("cpu", torch.float32)
    assert {"danqing", "torch"} <= set(story.versions)
    assert not story.interrupted


def test_picture_three_of_four_is_replayed_at_its_place(engine: Engine) -> None:
    recipes = [TOY.but(seed=n, prompt=f"picture {n}") for n in range(4)]
    third = paint(engine, *recipes, batch_size=4)[2]
    assert (third.provenance.facts.batch_size, third.provenance.facts.batch_index) == (4, 2)
    assert np.array_equal(engine.replay(third.provenance).pixels, third.pixels)


def test_an_embedding_paints_its_own_vectors(toy_folder: Path, toy_model: DiffusionModel, tmp_path: Path) -> None:
    """Vectors that are those of a known word give that word's picture; others give another."""
    (word,) = toy_model.vocabulary.encode("apple")
    table = toy_model.text_encoders[0].get_input_embeddings().weight.detach()
    (tmp_path / "toy").symlink_to(toy_folder)
    save_file({"emb_params": table[word : word + 1].float().clone()}, tmp_path / "as-apple.safetensors")
    save_file({"emb_params": torch.ones(2, 8)}, tmp_path / "odd.safetensors")
    catalog = FolderCatalog(tmp_path)
    engine = Engine(catalog, Place())
    asked = [Order(recipe=TOY.but(prompt=f"a red {name}"), left_to_model=()) for name in ("apple", "as-apple", "odd")]
    apple, same, other = (paint(engine, *expand(order, catalog))[0].pixels for order in asked)
    assert np.array_equal(apple, same)
    assert not np.array_equal(apple, other)


def told(verdict: Verdict, at_step: int, picture: int = 0) -> tuple[list[Progress], "object"]:
    seen: list[Progress] = []

    def watch(progress: Progress) -> Verdict:
        seen.append(progress)
        return verdict if (progress.step, progress.picture) == (at_step, picture) else Verdict.CONTINUE

    return seen, watch


def test_progress_counts_up_to_the_end(engine: Engine) -> None:
    seen, watch = told(Verdict.CONTINUE, -1)
    list(engine.paint([TOY, TOY], watch))  # type: ignore[arg-type]
    assert [(one.picture, one.step, one.steps) for one in seen] == [(p, s, 4) for p in (0, 1) for s in (1, 2, 3, 4)]
    fractions = [one.fraction for one in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_preview_is_a_picture_of_the_state(engine: Engine) -> None:
    shown: list[np.ndarray] = []

    def watch(progress: Progress) -> Verdict:
        assert progress.preview is not None
        shown.append(progress.preview())
        return Verdict.CONTINUE

    list(engine.paint([TOY], watch))
    assert [one.shape for one in shown] == [(64, 64, 3)] * 4
    assert not np.array_equal(shown[0], shown[-1])


def test_finish_now_keeps_what_is_there_and_says_so(engine: Engine) -> None:
    _, watch = told(Verdict.FINISH_NOW, 2)
    pictures = list(engine.paint([TOY, TOY], watch))  # type: ignore[arg-type]
    assert len(pictures) == 1
    assert pictures[0].provenance.interrupted
    assert not np.array_equal(pictures[0].pixels, paint(engine, TOY)[0].pixels)


def test_skip_throws_one_picture_away(engine: Engine) -> None:
    _, watch = told(Verdict.SKIP_PICTURE, 2)
    pictures = list(engine.paint([TOY, TOY.but(seed=9)], watch))  # type: ignore[arg-type]
    assert [picture.recipe.seed for picture in pictures] == [9]


def test_abandon_keeps_only_what_is_finished(engine: Engine) -> None:
    _, watch = told(Verdict.ABANDON, 2, picture=1)
    pictures = list(engine.paint([TOY, TOY.but(seed=9), TOY], watch))  # type: ignore[arg-type]
    assert [picture.recipe.seed for picture in pictures] == [3]


def test_a_missing_model_is_named(engine: Engine) -> None:
    with pytest.raises(ModelError, match="toyy"):
        paint(engine, TOY.but(model=ModelRef(name="toyy")))


def test_a_batch_that_memory_is_short_for_is_painted_in_parts(
    toy_catalog: FolderCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Engine(toy_catalog, Place())
    whole = Easel.paint

    def cramped(self: Easel, plans: Sequence[Plan], reporter: Reporter) -> Painted:
        if len(plans) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, plans, reporter)

    monkeypatch.setattr(Easel, "paint", cramped)
    recipes = [TOY.but(seed=seed) for seed in range(4)]
    pictures = paint(short, *recipes, batch_size=4)
    assert [picture.provenance.index for picture in pictures] == [0, 1, 2, 3]
    assert [picture.provenance.facts.batch_size for picture in pictures] == [2, 2, 2, 2]
    assert all("memory was short" in picture.provenance.facts.notes[0] for picture in pictures)
    monkeypatch.undo()
    for alone, part in zip(pixels(paint(short, *recipes, batch_size=2)), pixels(pictures), strict=True):
        assert np.array_equal(alone, part)
