import sys
import time
from pathlib import Path

import pytest

from danqing.studio.bench import measure
from danqing.studio.bench.measure import Pairs, Sample, in_turns, load_of, middle, timed
from danqing.studio.bench.processes import ChildError, Worker, peers_environment, watch


def test_samples_are_taken_in_turns() -> None:
    order: list[str] = []

    def taker(name: str) -> Sample:
        order.append(name)
        return Sample(1.0, 1.0)

    in_turns(lambda: taker("a"), lambda: taker("b"), 3)
    assert "".join(order) == "ababab"


def test_the_speedup_is_the_median_over_the_pairs() -> None:
    ours = tuple(Sample(seconds, 0.0) for seconds in (1.0, 2.0, 10.0))
    theirs = tuple(Sample(seconds, 0.0) for seconds in (2.0, 6.0, 10.0))
    assert Pairs(ours, theirs).speedup == 2.0
    assert middle(ours) == 2.0


def test_the_share_is_over_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "cores", lambda: 4)
    load = load_of([Sample(1.0, 2.0, 0.5), Sample(3.0, 6.0, 1.5)])
    assert (load.share, load.others) == (0.5, 0.125)


def test_sleep_takes_time_and_no_processor() -> None:
    sample = timed(lambda: time.sleep(0.2))
    assert sample.seconds >= 0.2
    assert sample.cpu < 0.1


def test_work_takes_processor_time() -> None:
    def work() -> None:
        begun = time.process_time()
        while time.process_time() < begun + 0.2:
            pass

    assert timed(work).cpu >= 0.15


def test_a_process_is_timed_until_its_file_is_there(tmp_path: Path) -> None:
    out = tmp_path / "picture.png"
    code = f"import pathlib, time; pathlib.Path({str(out)!r}).touch(); time.sleep(1.5)"
    begun = time.perf_counter()
    seen = watch([sys.executable, "-c", code], awaited=out)
    whole = time.perf_counter() - begun
    assert whole >= 1.5
    assert seen.sample.seconds < whole - 0.5


def test_the_highest_memory_is_seen_though_it_is_given_back() -> None:
    code = "import time; held = bytearray(b'x' * 200_000_000); del held; time.sleep(1)"
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux remembers the highest memory of a process")
    assert watch([sys.executable, "-c", code]).peak > 200_000_000


def test_a_process_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(ChildError, match="exit code 3: out of ink"):
        watch([sys.executable, "-c", "import sys; print('out of ink', file=sys.stderr); sys.exit(3)"])


def test_a_picture_that_never_came_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChildError, match="said nothing"):
        watch([sys.executable, "-c", ""], awaited=tmp_path / "none.png")


ECHO = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "die" in asked:
        sys.exit(asked["die"])
    print(json.dumps({"seconds": asked["count"], "cpu": 0.5}), flush=True)
"""


def test_a_worker_answers_as_often_as_it_is_asked() -> None:
    with Worker([sys.executable, "-c", ECHO]) as worker:
        assert [worker.sample(count=number) for number in (1, 2)] == [Sample(1, 0.5), Sample(2, 0.5)]


def test_a_worker_that_dies_is_told() -> None:
    with Worker([sys.executable, "-c", ECHO]) as worker, pytest.raises(ChildError, match="exit code 5"):
        worker.ask(die=5)


def test_the_peer_gets_nothing_of_what_makes_danqing_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    environment = peers_environment()
    assert "OMP_WAIT_POLICY" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"


def test_the_first_pair_can_be_left_out() -> None:
    late = Sample(9.0, 0.0)
    pairs = Pairs((late, Sample(1.0, 0.0)), (late, Sample(2.0, 0.0)))
    assert pairs.without_first() == Pairs((Sample(1.0, 0.0),), (Sample(2.0, 0.0),))
