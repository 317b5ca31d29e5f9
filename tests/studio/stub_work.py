"""Handlers for workers in tests: they keep pictures as the real one does, but paint them in no time and die when they are told to."""

import os
import signal
import time
from collections.abc import Iterator, Set
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from danqing.base.errors import ModelError
from danqing.base.job import Job
from danqing.base.order import Order
from danqing.base.picture import Picture, Provenance
from danqing.base.progress import Progress, Verdict, Watch
from danqing.base.recipe import Recipe
from danqing.base.table import Table
from danqing.studio.gallery import Announce
from danqing.studio.jobs import JsonObject
from danqing.studio.kinds import Kind
from danqing.studio.painters import paint_missing
from danqing.studio.service import Service
from danqing.studio.studio import Kept, Studio
from danqing.studio.worker import Bench

STUB_KINDS: Table[Kind] = Table(
    "kind of job",
    MappingProxyType(
        {
            "paint": Kind("tests.studio.stub_work:paint", "paint"),
            "echo": Kind("tests.studio.stub_work:echo"),
            "fail": Kind("tests.studio.stub_work:fail"),
            "fault": Kind("tests.studio.stub_work:fault"),
            "gone": Kind("tests.studio.nowhere:gone"),
        }
    ),
)


def stub_service(home: Path, **settings: object) -> Service:
    """A service whose workers load no networks."""
    return Service(
        home, settings={"device": "cpu", "preview_every": 0.01, **settings}, environment={}, kinds=STUB_KINDS
    )


def stub_order(
    count: int = 1, steps: int = 3, pause_ms: float = 1, prompt: str = "a fox", batch_size: int = 1
) -> Order:
    """Pictures of so many steps of so many milliseconds. "die once" and "die always" in the prompt do so at the last picture."""
    recipe = Recipe(prompt=prompt, seed=7, steps=steps, width=64, height=64, cfg_scale=pause_ms)
    return Order(recipe=recipe, count=count, batch_size=batch_size)


def paint(bench: Bench, payload: JsonObject) -> JsonObject:
    """As the real one, without an engine."""
    return paint_missing(partial(_paint, bench.studio), bench, payload)


def _paint(
    studio: Studio, order: Order, watch: Watch, *, to: Path | None, already: Set[int], announce: Announce
) -> Iterator[Kept]:
    for number in range(order.pictures):
        if number in already:
            continue
        if number == order.pictures - 1:
            _die_if_told(studio, order.recipe.prompt)
        verdict = _steps(order, number, watch)
        if verdict is Verdict.ABANDON:
            return
        if verdict is not Verdict.SKIP_PICTURE:
            picture = stub_picture(order, number, verdict is Verdict.FINISH_NOW)
            yield Kept(picture, studio.gallery.keep(picture, to, announce))
        if verdict is Verdict.FINISH_NOW:
            return


def _steps(order: Order, number: int, watch: Watch) -> Verdict:
    steps = order.recipe.steps
    for step in range(1, steps + 1):
        time.sleep(order.recipe.cfg_scale / 1000)
        said = Progress(number, order.pictures, "stub", step, steps, preview=lambda: np.zeros((8, 8, 3), np.uint8))
        verdict = watch(said)
        if verdict is not Verdict.CONTINUE:
            return verdict
    return Verdict.CONTINUE


def stub_picture(order: Order, number: int, interrupted: bool = False) -> Picture:
    """Pixels that only the order and the number decide."""
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    recipe = order.recipe.but(seed=order.recipe.seed + number)
    return Picture(pixels, Provenance(recipe=recipe, order_digest=order.digest, index=number, interrupted=interrupted))


def _die_if_told(studio: Studio, prompt: str) -> None:
    marker = studio.home.root / "died"
    if prompt == "die always" or (prompt == "die once" and not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def echo(bench: Bench, payload: JsonObject) -> JsonObject:
    """What it was given."""
    return {"echo": payload}


def fail(bench: Bench, payload: JsonObject) -> JsonObject:
    """A sentence for the user."""
    raise ModelError("no checkpoint named 'x'; put one into the folder")


def fault(bench: Bench, payload: JsonObject) -> JsonObject:
    """A fault of danqing's own."""
    raise ZeroDivisionError("division by zero")


def numbers_of(job: Job) -> list[int]:
    """Which pictures of the order its result names."""
    pictures = job.result.get("pictures", [])
    assert isinstance(pictures, list)
    return [int(one["number"]) for one in pictures if isinstance(one, dict)]  # type: ignore[arg-type]
