"""Sizes as A1111 rounds them, against the golden data."""

import json
from pathlib import Path

import pytest

from danqing.base.infotext_a1111 import old_first_pass
from danqing.base.size import hires_crop, hires_size, latent_size, painted_size

GOLDEN = Path(__file__).parents[1] / "golden"
TARGETS = json.loads((GOLDEN / "a1111_hires_target.json").read_text(encoding="utf-8"))
ROUNDING = json.loads((GOLDEN / "size_rounding.json").read_text(encoding="utf-8"))["cases"]


def of_kind(kind: str) -> list[dict[str, object]]:
    return [case for case in ROUNDING if case["kind"] == kind]


def name_of(case: dict[str, object]) -> str:
    return str(case.get("id", ""))


@pytest.mark.parametrize("case", TARGETS)
def test_hires_goes_where_a1111_goes(case: dict[str, list[int]]) -> None:
    (width, height), resize = case["size"], case["resize"]
    upscaled = hires_size(width, height, float(case["scale"]), *resize)  # pyright: ignore[reportArgumentType]
    assert list(upscaled) == case["upscale_to"]
    assert list(latent_size(*upscaled)) == case["latent"]
    cut = hires_crop(upscaled, resize[0], resize[1])
    assert list(cut) == case["truncate_latent"]
    columns, rows = latent_size(*upscaled)
    assert [8 * (columns - cut[0]), 8 * (rows - cut[1])] == case["final_px"]


@pytest.mark.parametrize("case", of_kind("hires_target"), ids=name_of)
def test_hires_targets_of_the_second_list(case: dict[str, dict[str, float]]) -> None:
    asked, expected = case["in"], case["expected"]
    to = int(asked["hr_resize_x"]), int(asked["hr_resize_y"])
    upscaled = hires_size(int(asked["width"]), int(asked["height"]), asked["hr_scale"], *to)
    assert {"upscale_to": list(upscaled), "truncate_latent_xy": list(hires_crop(upscaled, *to))} == expected


@pytest.mark.parametrize("case", of_kind("old_hires_first_pass"), ids=name_of)
def test_old_hires_computed_its_first_pass(case: dict[str, list[int]]) -> None:
    assert list(old_first_pass(case["in"][0], case["in"][1])) == case["expected"]


def test_hello_new_world_paints_296_by_400() -> None:
    assert latent_size(300, 400) == (37, 50)
    assert painted_size(300, 400) == (296, 400)
    assert latent_size(*hires_size(300, 400, 2, 0, 0)) == (75, 100)
