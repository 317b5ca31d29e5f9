import pytest

from danqing.base.order import Axis, Order
from danqing.base.recipe import Recipe
from danqing.studio import pace as module
from danqing.studio.pace import Pace, work_of
from danqing.studio.service import paint_payload


@pytest.mark.parametrize(
    ("order", "work"),
    [
        (Order(recipe=Recipe(steps=10, width=1000, height=1000)), 10.0),
        (Order(recipe=Recipe(steps=10, width=1000, height=1000), count=3, batch_size=2), 60.0),
        (Order(recipe=Recipe(steps=10, width=500, height=1000, hires={"upscale": 2, "steps": 5})), 5.0 + 10.0),
        (Order(recipe=Recipe(steps=10, width=1000, height=1000), axes=(Axis(knob="seed", values=(1, 2, 3)),)), 30.0),
        (Order(), 20 * 512 * 512 / 1e6),
    ],
)  # fmt: skip
def test_work_is_steps_times_megapixels_over_all_pictures(order: Order, work: float) -> None:
    assert work_of("paint", paint_payload(order)) == pytest.approx(work)


def test_other_kinds_are_not_measured() -> None:
    assert work_of("tokens", {"prompt": "a"}) == 0


def test_what_is_left_is_told_by_the_speed_since_the_first_report(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 100.0, 103.0, 106.0, 106.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    pace = Pace()
    assert pace.left(0.1) is None  # a hundred seconds of loading
    assert pace.left(0.4) == pytest.approx(6.0)
    assert pace.left(0.7) == pytest.approx(3.0)
    assert pace.elapsed == 106.0
