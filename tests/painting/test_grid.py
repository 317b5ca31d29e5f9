"""Grids before they are painted: where the cells lie, which seeds they get, in which order they are painted."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from danqing.base.errors import ModelError, RecipeError
from danqing.base.order import Order
from danqing.base.protocols import ModelFile, ModelKind
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.painting.axes import read_axis
from danqing.painting.grid import Grid, GridAsk, first_look, grid_of, lay_out, painting_order
from danqing.painting.grid_layout import along_each_lane, place_of
from danqing.painting.grid_matrix import MatrixOptions
from danqing.painting.grid_prompts import PromptLines


class Names:
    """A catalog of two checkpoints by name."""

    def find(self, ref: ModelRef, kind: ModelKind = "checkpoint") -> ModelFile:
        if ref.name not in ("", "one", "two"):
            raise ModelError(f"no {kind} named {ref.name!r}")
        return ModelFile(ref.name or "one", Path("x"), kind, "mini", "a" * 64)

    def list(self, kind: ModelKind | None = None) -> Iterable[ModelFile]:
        return ()


def ask_of(*axes: str, chance: int = 1, **fields: object) -> GridAsk:
    template = fields.pop("recipe", Recipe(prompt="a fox", seed=7))
    seeds = fields.pop("seeds", "increasing")
    count = fields.pop("count", 1)
    order = Order.model_validate(
        {"recipe": template, "seeds": seeds, "count": count, "axes": [read_axis(one).model_dump() for one in axes]}
    )
    return GridAsk.model_validate({"order": order, "chance": chance, **fields})


def recipes_of(grid: Grid) -> list[Recipe]:
    assert all(cell.recipe for cell in grid.cells)
    return [cell.recipe for cell in grid.cells if cell.recipe]


def grid(*axes: str, **fields: object) -> Grid:
    return grid_of(lay_out(ask_of(*axes, **fields)), Names())  # type: ignore[arg-type]


def test_axes_run_from_pages_to_rows_to_columns() -> None:
    found = grid("CFG Scale: 3, 4", "Sampler: Euler, DDIM, LMS", "Steps: 1, 2")
    assert found.shape == (2, 3, 2)
    assert [lane.title for lane in found.lanes] == ["CFG Scale", "Sampler", "Steps"]
    shown = [(one.cfg_scale, one.sampler, one.steps) for one in recipes_of(found)]
    assert shown[:3] == [(3, "Euler", 1), (3, "Euler", 2), (3, "DDIM", 1)]
    assert shown[-1] == (4, "LMS", 2)


def test_one_axis_goes_across_and_prompts_go_down() -> None:
    assert grid("Steps: 1, 2, 3").shape == (1, 1, 3)
    down = grid(prompts=PromptLines(text="a\nb"))
    assert down.shape == (1, 2, 1)
    assert down.lanes[0].labels == ("1: a", "2: b")


def test_prompts_matrix_and_axes_go_one_inside_the_other() -> None:
    found = grid("Steps: 1, 2", prompts=PromptLines(text="a|x\nb|y"), matrix=MatrixOptions(), recipe=Recipe(seed=1))
    assert [len(lane.labels) for lane in found.lanes] == [2, 1, 2, 2]
    assert [(one.prompt, one.steps) for one in recipes_of(found)][2:6] == [("a, x", 1), ("a, x", 2), ("b", 1), ("b", 2)]


def test_several_pictures_of_a_cell_are_a_lane_of_their_own() -> None:
    found = grid("Steps: 1, 2", count=3)
    assert found.lanes[0].labels == ("Picture 1", "Picture 2", "Picture 3")
    assert [(one.seed, one.steps) for one in recipes_of(found)][:4] == [(7, 1), (7, 2), (8, 1), (8, 2)]


def test_a_line_that_asks_for_fewer_pictures_leaves_cells_empty() -> None:
    found = grid(prompts=PromptLines(text="a\n--prompt b --n_iter 2"))
    assert [bool(cell.recipe) for cell in found.cells] == [True, True, False, True]
    assert {cell.error for cell in found.cells} == {""}


def test_a_drawn_seed_is_one_for_the_whole_grid() -> None:
    seeds = {one.seed for one in recipes_of(grid("Steps: 1, 2", seeds="random"))}
    assert len(seeds) == 1
    assert seeds != {one.seed for one in recipes_of(grid("Steps: 1, 2", seeds="random", chance=2))}
    assert seeds == {one.seed for one in recipes_of(grid("Steps: 1, 2", seeds="random"))}


def test_kept_at_minus_one_every_cell_draws_its_own() -> None:
    kept = [one.seed for one in recipes_of(grid("Steps: 1-4", seeds="random", keep_random=True))]
    assert len(set(kept)) == 4
    across = recipes_of(grid("Seed: -1, 5", "Steps: 1, 2", keep_random=True))
    assert across[0].seed != across[1].seed
    assert [one.seed for one in across[2:]] == [5, 5]


def test_a_minus_one_on_an_axis_is_drawn_once_for_its_row() -> None:
    found = [one.seed for one in recipes_of(grid("Seed: -1, -1", "Steps: 1, 2"))]
    assert found[0] == found[1] != found[2] == found[3]


def test_variation_seeds_are_drawn_as_well() -> None:
    for keep in (False, True):
        one, two = recipes_of(grid("Var. seed: -1, 3", "Var. strength: 0.5", keep_random=keep))
        assert one.variation.seed > 3
        assert two.variation.seed == 3


def test_lines_draw_their_own_seeds_unless_they_share_one() -> None:
    own = recipes_of(grid(prompts=PromptLines(text="a\nb\n--prompt c --seed 9"), seeds="random"))
    assert len({one.seed for one in own}) == 3
    assert own[2].seed == 9
    shared = recipes_of(grid(prompts=PromptLines(text="a\nb", same_seed=True), seeds="random"))
    assert len({one.seed for one in shared}) == 1


def test_a_cell_that_can_not_be_becomes_an_error_and_the_rest_stays() -> None:
    found = grid("Checkpoint name: one, three, two")
    assert [cell.error for cell in found.cells] == ["", "no checkpoint named 'three'", ""]
    assert [bool(cell.recipe) for cell in found.cells] == [True, False, True]


def test_a_first_look_meets_every_value_once() -> None:
    layout = lay_out(ask_of("CFG Scale: 3, 4", "Sampler: Euler, DDIM, LMS", "Steps: 1-4"))
    seen = list(first_look(layout))
    assert len(seen) == 1 + 1 + 2 + 3
    assert {order.recipe.sampler for _, order in seen} == {"Euler", "DDIM", "LMS"}
    assert {order.recipe.steps for _, order in seen} == {1, 2, 3, 4}
    assert seen[1][0] == "CFG Scale: 3, Euler, Steps: 2"


def test_places_count_along_the_row_first() -> None:
    assert [place_of(index, (2, 3)) for index in range(6)] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert along_each_lane((2, 3)) == [0, 1, 2, 3]


def test_the_dearest_change_is_made_least_often() -> None:
    recipes = recipes_of(grid("VAE: None", "Clip skip: 1, 2", "Checkpoint name: one, two"))
    assert [one.model.name for one in recipes] == ["one", "two", "one", "two"]
    ordered = [recipes[index] for index in painting_order(recipes)]
    assert [(one.model.name, one.clip_skip) for one in ordered] == [("one", 1), ("one", 2), ("two", 1), ("two", 2)]


def test_what_can_share_a_batch_is_painted_together() -> None:
    recipes = recipes_of(grid("Seed: 1, 2, 3", "Sampler: LMS, Euler"))
    ordered = [recipes[index] for index in painting_order(recipes)]
    assert [(one.sampler, one.seed) for one in ordered] == [
        ("LMS", 1),
        ("LMS", 2),
        ("LMS", 3),
        ("Euler", 1),
        ("Euler", 2),
        ("Euler", 3),
    ]


def test_nothing_is_painted_in_no_order() -> None:
    assert painting_order([]) == []


def test_what_was_asked_has_a_digest_whatever_was_drawn() -> None:
    one, other = ask_of("Steps: 1, 2", chance=1), ask_of("Steps: 1, 2", chance=2)
    assert one.digest == other.digest != ask_of("Steps: 1, 3").digest


def test_what_was_asked_survives_json() -> None:
    ask = ask_of("Prompt order: a, fox", "Steps: 1", prompts=PromptLines(text="a"), matrix=MatrixOptions(negative=True))
    again = GridAsk.model_validate(ask.sparse())
    assert again == ask
    assert again.order.left_to_model == ask.order.left_to_model
    said = ask_of(recipe=Recipe.model_validate({name: getattr(Recipe(), name) for name in Recipe.model_fields}))
    assert GridAsk.model_validate(said.sparse()).order.left_to_model == ()


def test_a_grid_nobody_could_look_at_is_refused() -> None:
    with pytest.raises(RecipeError, match="a grid of 1,000,000 cells is too large"):
        lay_out(ask_of("Seed: 1-1000", "Steps: 1-1000"))


def test_laying_out_needs_no_torch() -> None:
    code = "import sys, danqing.painting.grid; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
