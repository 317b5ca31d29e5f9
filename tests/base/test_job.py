"""Jobs, seeds and progress: small values with rules."""

import pytest

from danqing.base.errors import JobError
from danqing.base.job import Job
from danqing.base.progress import Progress, Verdict, just_go_on
from danqing.base.seed import MAX_SEED, picture_seeds


def test_a_job_runs_and_ends() -> None:
    assert Job(id="1").moved_to("running").moved_to("done", "ok").message == "ok"


def test_a_finished_job_does_not_run_again() -> None:
    with pytest.raises(JobError, match="job 1 is done; it can't become running"):
        Job(id="1", state="done").moved_to("running")


def test_a_job_of_a_dead_worker_waits_again() -> None:
    assert Job(id="1", state="running").moved_to("queued").state == "queued"


@pytest.mark.parametrize(
    ("policy", "varied", "expected"),
    [("increasing", False, (12, 5)), ("increasing", True, (10, 7)), ("same", False, (10, 5)), ("same", True, (10, 5))],
)
def test_picture_two_gets_its_seeds_as_in_a1111(policy: str, varied: bool, expected: tuple[int, int]) -> None:
    assert picture_seeds(10, 5, 2, policy, varied) == expected  # type: ignore[arg-type]


def test_the_largest_seed_wraps_round() -> None:
    assert picture_seeds(MAX_SEED, 0, 1, "increasing", False)[0] == 0


def test_progress_counts_every_picture_alike() -> None:
    assert Progress(picture=1, pictures=4, stage="first pass", step=5, steps=10, batch=2).fraction == 0.5
    assert Progress(picture=3, pictures=4, stage="decode", step=10, steps=10).fraction == 1.0
    assert just_go_on(Progress(0, 0, "", 0, 0)) is Verdict.CONTINUE
