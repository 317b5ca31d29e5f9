"""The whole way with the toy model: an order through the queue and a worker process gives the pixels that the studio gives."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.pixels.files import read_picture
from danqing.studio.service import Service
from danqing.studio.studio import Studio

SETTINGS = {"device": "cpu", "dtype": "float32"}


@pytest.mark.timeout(600)  # two processes load torch, one after the other
def test_a_picture_is_the_same_through_the_queue_also_when_the_worker_is_killed_over_it(toy_home: Path) -> None:
    recipe = Recipe.model_validate({"prompt": "a fox", "seed": 7, "steps": 20, "width": 64, "height": 64})
    order = Order(recipe=recipe, count=3, batch_size=2)
    expected = [kept.picture.pixels for kept in Studio(toy_home, settings=SETTINGS, environment={}).paint(order)]
    with Service(toy_home, settings=SETTINGS, environment={}) as service:
        job = service.paint(order)
        end = time.monotonic() + 250
        while len(service.queue.pictures(job.id)) < 2:
            assert time.monotonic() < end
            time.sleep(0.005)
        os.kill(service.workers[0].process, signal.SIGKILL)
        after = service.queue.wait(job.id, 250)
        kept = service.queue.pictures(job.id)
    assert (after.state, [picture.number for picture in kept]) == ("done", list(range(6)))
    for picture in kept:
        assert np.array_equal(read_picture(picture.path), expected[picture.number]), picture.number
