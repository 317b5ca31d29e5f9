"""How much work an order is, and how quickly such work went lately: what an ETA is made of."""

import time
from typing import Any, cast

from sqlalchemy import Connection, select

from danqing.studio.jobs import JsonObject
from danqing.studio.tables import jobs

LATELY = 20
"""Jobs that the speed is taken from."""
USUAL_SIDE, USUAL_STEPS = 512, 20


class Pace:
    """How quickly one job goes. Measured from its first report on: what went before was the loading of models."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: tuple[float, float] | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self._began

    def left(self, fraction: float) -> float | None:
        """Seconds that are left once `fraction` of the work is done; None until there is something to measure by."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, fraction)
        since, at_first = self._first
        return (now - since) / (fraction - at_first) * (1 - fraction) if fraction > at_first else None


def work_of(kind: str, payload: JsonObject) -> float:
    """Steps times megapixels over all pictures of a paint job; 0 for other kinds. What is left to the model counts as usual."""
    if kind != "paint":
        return 0.0
    order = cast("dict[str, Any]", payload.get("order", {}))
    recipe = cast("dict[str, Any]", order.get("recipe", {}))
    pixels = recipe.get("width", USUAL_SIDE) * recipe.get("height", USUAL_SIDE)
    work = recipe.get("steps", USUAL_STEPS) * pixels
    hires = cast("dict[str, Any] | None", recipe.get("hires"))
    if hires:
        upscale = hires.get("upscale", 2.0)
        work += (hires.get("steps") or recipe.get("steps", USUAL_STEPS)) * pixels * upscale * upscale
    cells = 1
    for axis in order.get("axes", ()):
        cells *= len(axis["values"])
    return work / 1e6 * order.get("count", 1) * order.get("batch_size", 1) * cells


def measured_pace(connection: Connection) -> float | None:
    """Work a second over the paint jobs that were done lately; None when there were none."""
    done = (
        select(jobs.c.work, jobs.c.ended - jobs.c.started)
        .where(jobs.c.state == "done", jobs.c.lane == "paint", jobs.c.work > 0, jobs.c.attempts == 1)
        .order_by(jobs.c.ended.desc())
        .limit(LATELY)
    )
    rows = connection.execute(done).all()
    seconds = sum(row[1] for row in rows)
    return sum(row[0] for row in rows) / seconds if seconds > 0 else None
