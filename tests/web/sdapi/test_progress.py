"""A1111's progress by its formula."""

import pytest

from danqing.base.job import Job
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.studio.jobs import JobProgress
from danqing.web.sdapi.progress import Standing, progress_of

PLAIN = Order(recipe=Recipe(steps=10), count=4, batch_size=2)
HIRES = Order(recipe=Recipe.model_validate({"steps": 10, "hires": {"steps": 5}}), count=2)


def standing(order: Order, **said: int) -> Standing:
    job = Job(id="1", payload={"order": order.sparse()}, state="running", started=1000.0)
    progress = JobProgress(pictures=order.pictures, batch=order.batch_size, preview=b"jpeg", **said)
    return Standing(job, progress, task="task(txt2img-ABC)")


def test_idle_is_nought_with_nothing_to_do() -> None:
    told = progress_of(None, True, 0)
    assert (told["progress"], told["eta_relative"], told["state"]["job_count"]) == (0, 0, 0)
    assert (told["current_image"], told["textinfo"], told["current_task"]) == (None, None, None)
    assert set(told["state"]) == {
        "skipped", "interrupted", "stopping_generation", "job", "job_count", "job_timestamp", "job_no",
        "sampling_step", "sampling_steps",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("order", "said", "place", "fraction"),
    [
        (PLAIN, {"picture": 0, "step": 0, "steps": 10}, (4, 0, 0, 10), 0.01),
        (PLAIN, {"picture": 4, "step": 5, "steps": 10}, (4, 2, 5, 10), 0.01 + 2 / 4 + 5 / 10 / 4),
        (PLAIN, {"picture": 6, "step": 10, "steps": 10}, (4, 3, 10, 10), 1.0),
        (HIRES, {"picture": 0, "step": 4, "steps": 15}, (4, 0, 4, 10), 0.01 + 4 / 10 / 4),
        (HIRES, {"picture": 1, "step": 12, "steps": 15}, (4, 3, 2, 5), 0.01 + 3 / 4 + 2 / 5 / 4),
    ],
)
def test_a_batch_is_a_job_and_hires_makes_two_of_it(
    order: Order, said: dict[str, int], place: tuple[int, ...], fraction: float
) -> None:
    told = progress_of(standing(order, **said), True, 1010.0)
    state = told["state"]
    assert (state["job_count"], state["job_no"], state["sampling_step"], state["sampling_steps"]) == place
    assert told["progress"] == pytest.approx(fraction)
    assert told["eta_relative"] == pytest.approx(10 / fraction - 10)


def test_the_preview_is_left_out_where_it_is_not_wanted() -> None:
    running = standing(PLAIN, picture=0, step=1, steps=10)
    assert progress_of(running, True, 1000)["current_image"] == "anBlZw=="
    assert progress_of(running, False, 1000)["current_image"] is None


def test_before_anything_is_known_the_count_is_minus_one() -> None:
    job = Job(id="1", payload={"order": PLAIN.sparse()}, state="running", started=1000.0)
    assert progress_of(Standing(job, None), True, 1000)["state"]["job_count"] == -1
