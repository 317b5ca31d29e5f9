import signal

import pytest

from danqing.base.progress import Progress, Verdict, just_go_on
from danqing.cli.interrupt import stopped_by_ctrl_c

STEP = Progress(0, 1, "first pass", 1, 4)


def test_before_painting_listens_ctrl_c_interrupts_at_once() -> None:
    with stopped_by_ctrl_c(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_while_painting_the_first_asks_and_the_second_interrupts() -> None:
    with stopped_by_ctrl_c() as stop:
        watch = stop.watching(just_go_on)
        assert watch(STEP) is Verdict.CONTINUE
        signal.raise_signal(signal.SIGINT)
        assert watch(STEP) is Verdict.ABANDON
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_another_verdict_of_the_watch_goes_through() -> None:
    with stopped_by_ctrl_c() as stop:
        assert stop.watching(lambda progress: Verdict.SKIP_PICTURE)(STEP) is Verdict.SKIP_PICTURE


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stopped_by_ctrl_c():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
