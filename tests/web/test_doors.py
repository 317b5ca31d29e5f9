"""One order through every door: equal pixels."""

import base64
import os
from pathlib import Path

import httpx2
import numpy as np
import pytest

from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.cli import main
from danqing.pixels.files import read_metadata, read_picture
from danqing.studio.story import story_in
from danqing.studio.studio import Studio
from danqing.web.client import Client
from tests.web.conftest import Running

PROMPT = "robot, (red:1.2), blue background"
FIELDS = {
    "prompt": PROMPT,
    "negative_prompt": "ugly",
    "dialect": "a1111",
    "steps": 3,
    "width": 64,
    "height": 64,
    "seed": 11,
    "cfg_scale": 5.0,
    "sampler": "Euler a",
    "schedule": "Karras",
    "clip_skip": 1,
}
SENT = {
    "prompt": PROMPT,
    "negative_prompt": "ugly",
    "steps": 3,
    "width": 64,
    "height": 64,
    "seed": 11,
    "subseed": 0,
    "cfg_scale": 5.0,
    "sampler_name": "Euler a",
    "scheduler": "Karras",
    "n_iter": 2,
}


def order() -> Order:
    return Order(recipe=Recipe.model_validate(FIELDS), count=2, left_to_model=())


@pytest.fixture
def expected(server: Running) -> list[np.ndarray]:
    """What Python paints."""
    studio = Studio(server.home, settings={"device": "cpu", "dtype": "float32"}, environment={})
    return [kept.picture.pixels for kept in studio.paint(order(), to=server.home / "python")]


def test_a1111s_api_and_our_own_give_pythons_pixels(
    server: Running, http: httpx2.Client, expected: list[np.ndarray]
) -> None:
    answer = http.post("/sdapi/v1/txt2img", json=SENT).json()
    with Client(server.url) as client:
        native = [read_picture(data) for data in client.pictures(client.paint(order()))]
    theirs = [read_picture(base64.b64decode(text)) for text in answer["images"]]
    assert len(expected) == len(theirs) == len(native) == 2
    for one, two, three in zip(expected, theirs, native, strict=True):
        assert np.array_equal(one, two)
        assert np.array_equal(one, three)


def test_the_command_line_gives_them_too(
    server: Running, expected: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    words = [
        f"--set={name}={value}"
        for name, value in FIELDS.items()
        if name not in ("prompt", "sampler", "negative_prompt")
    ]
    try:
        code = main(
            [
                "paint", PROMPT, "-n", "ugly", "--sampler", "Euler a", "--count", "2", "--home", str(server.home),
                "--device", "cpu", "--dtype", "float32", "--out", str(tmp_path / "out"), "--quiet", *words,
            ]
        )  # fmt: skip
    finally:
        for name in set(os.environ) - set(before):
            monkeypatch.delenv(name)
    painted = sorted(
        (tmp_path / "out").glob("*.png"), key=lambda path: story_in(read_metadata(path).recipe_json or "").recipe.seed
    )
    assert code == 0
    assert all(np.array_equal(one, read_picture(path)) for one, path in zip(expected, painted, strict=True))


def test_the_recipe_in_an_answer_paints_it_again(server: Running, http: httpx2.Client, tmp_path: Path) -> None:
    data = base64.b64decode(http.post("/sdapi/v1/txt2img", json=SENT | {"seed": -1, "n_iter": 1}).json()["images"][0])
    path = tmp_path / "answer.png"
    path.write_bytes(data)
    recipe = story_in(read_metadata(path).recipe_json or "").recipe
    with Client(server.url) as client:
        again = client.paint(Order(recipe=recipe, left_to_model=()))
        assert np.array_equal(read_picture(next(client.pictures(again))), read_picture(data))
