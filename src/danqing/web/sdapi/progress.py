"""Where painting stands, in A1111's words and by its formula. Pure."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from danqing.base.job import Job
from danqing.base.order import Order
from danqing.studio.jobs import JobProgress


@dataclass(frozen=True)
class Standing:
    """The running job with how far it is, and the task it belongs to; `wishes` are those that were said of it."""

    job: Job
    progress: JobProgress | None
    task: str = ""
    interrupted: bool = False
    skipped: bool = False


def state_of(standing: Standing | None) -> dict[str, Any]:
    """A1111's `state`. A batch is a job of its own there, and hires makes two of it."""
    if standing is None:
        return _state("", 0, 0, (0, 0))
    count, number, step = _place(standing)
    began = datetime.fromtimestamp(standing.job.started).astimezone().strftime("%Y%m%d%H%M%S")
    state = _state(standing.task or standing.job.kind, count, number, step)
    return state | {"skipped": standing.skipped, "interrupted": standing.interrupted, "job_timestamp": began}


def _state(job: str, count: int, number: int, step: tuple[int, int]) -> dict[str, Any]:
    return {
        "skipped": False,
        "interrupted": False,
        "stopping_generation": False,
        "job": job,
        "job_count": count,
        "job_timestamp": "0",
        "job_no": number,
        "sampling_step": step[0],
        "sampling_steps": step[1],
    }


def progress_of(standing: Standing | None, with_image: bool, now: float) -> dict[str, Any]:
    """The answer to GET /progress."""
    told: dict[str, Any] = {
        "progress": 0.0,
        "eta_relative": 0.0,
        "state": state_of(standing),
        "current_image": None,
        "textinfo": None,
        "current_task": None,
    }
    if standing is None:
        return told
    fraction = fraction_of(told["state"])
    elapsed = max(0.0, now - standing.job.started)
    told |= {
        "progress": fraction,
        "eta_relative": elapsed / fraction - elapsed if fraction else 0.0,
        "current_task": standing.task or None,
    }
    if with_image and standing.progress is not None and standing.progress.preview:
        told["current_image"] = base64.b64encode(standing.progress.preview).decode()
    return told


def fraction_of(state: dict[str, Any]) -> float:
    """Share of the work that is done: a hundredth for having begun, then batch by batch."""
    count, steps = state["job_count"], state["sampling_steps"]
    fraction = 0.01
    if count > 0:
        fraction += state["job_no"] / count
        fraction += state["sampling_step"] / steps / count if steps > 0 else 0.0
    return min(fraction, 1.0)


def _place(standing: Standing) -> tuple[int, int, tuple[int, int]]:
    """(batches in all, batches done, (step, steps) of the pass at hand); -1 batches until that is known, as in A1111."""
    said = standing.progress
    if standing.job.kind != "paint" or said is None:
        return -1, 0, (0, 0)
    order = Order.model_validate(standing.job.payload["order"])
    batches = max(1, order.pictures // order.batch_size)
    done = said.picture // order.batch_size
    hires = order.recipe.hires
    if hires is None:
        return batches, done, (said.step, said.steps)
    first, second = order.recipe.steps, hires.steps or order.recipe.steps
    if said.step < first:
        return 2 * batches, 2 * done, (said.step, first)
    return 2 * batches, 2 * done + 1, (min(said.step - first, second), second)
