from danqing.training.pace import Pace

PACE = Pace(steps=100, batch=1, rate=1.0, warmup=10, cooldown=20, final=0.1)


def test_the_rate_rises_stays_and_falls() -> None:
    assert PACE.rate_at(0) == 0.1
    assert PACE.rate_at(9) == PACE.rate_at(50) == PACE.rate_at(80) == 1.0
    assert abs(PACE.rate_at(90) - 0.55) < 1e-9
    assert PACE.rate_at(100) == 0.1


def test_without_a_cooldown_the_rate_stays() -> None:
    assert Pace(steps=100, batch=1, rate=2.0, warmup=0).rate_at(99) == 2.0


def test_the_average_forgets_the_start_quickly() -> None:
    assert PACE.ema_at(0) < 0.2
    assert PACE.ema_at(100_000) == PACE.ema
