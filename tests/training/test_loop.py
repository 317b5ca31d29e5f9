from dataclasses import replace
from pathlib import Path

import torch

from danqing.base.progress import Verdict, just_go_on
from danqing.training.loop import averaged, teach, until
from danqing.training.resume import State, read_state
from danqing.training.runs import Run
from tests.training.lesson import PACE, Line, answering


def trained(folder: Path, stops: tuple[int, ...] = ()) -> State:
    """The state after all steps, with a new process's fresh lesson after every stop."""
    run = Run(folder)
    for stop in stops:
        teach(Line(), PACE, run, answering(Verdict.FINISH_NOW, stop))
    teach(Line(), PACE, run, just_go_on)
    state = read_state(run.state)
    assert state is not None
    return state


def equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def test_a_run_stopped_twice_ends_in_the_same_state_bit_for_bit(tmp_path: Path) -> None:
    whole, stopped = trained(tmp_path / "whole"), trained(tmp_path / "stopped", (5, 9))
    assert whole.step == stopped.step == PACE.steps
    assert equal(whole.network, stopped.network)
    assert equal(whole.average, stopped.average)
    assert equal(whole.optimizer, stopped.optimizer)


def test_a_killed_run_goes_on_from_its_last_save(tmp_path: Path) -> None:
    run = Run(tmp_path / "killed")
    teach(Line(), PACE, run, answering(Verdict.FINISH_NOW, 4))
    teach(Line(), PACE, run, answering(Verdict.ABANDON, 7))
    state = read_state(run.state)
    assert state is not None
    assert state.step == 4
    assert equal(trained(tmp_path / "whole").network, trained(tmp_path / "killed").network)


def test_the_state_is_saved_while_the_loop_runs(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    teach(Line(), replace(PACE, save_minutes=0.0), run, answering(Verdict.ABANDON, 3))
    state = read_state(run.state)
    assert state is not None
    assert state.step == 3


def test_teaching_makes_the_loss_smaller(tmp_path: Path) -> None:
    lesson = Line()
    teach(lesson, replace(PACE, steps=80, look=20), Run(tmp_path / "run"), just_go_on)
    assert lesson.looks[-1] < 0.5 * lesson.looks[0]


def test_a_finished_run_is_not_taught_again(tmp_path: Path) -> None:
    first, again = trained(tmp_path / "run"), trained(tmp_path / "run")
    assert equal(first.network, again.network)


def test_the_average_carries_the_statistics_of_norms(tmp_path: Path) -> None:
    state = trained(tmp_path / "run")
    assert equal(state.average["1.running_mean"], state.network["1.running_mean"])
    assert not equal(state.average["0.weight"], state.network["0.weight"])


def test_the_averaged_network_is_the_one_of_the_state(tmp_path: Path) -> None:
    state = trained(tmp_path / "run")
    assert equal(dict(averaged(Line(), Run(tmp_path / "run")).state_dict()), dict(state.average))


def test_a_frozen_weight_stays_what_it_is(tmp_path: Path) -> None:
    lesson = Line()
    frozen = next(lesson.network.parameters()).requires_grad_(False)
    before = frozen.clone()
    teach(lesson, PACE, Run(tmp_path / "run"), just_go_on)
    assert torch.equal(frozen, before)


def test_the_records_tell_of_every_report_and_look(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    teach(Line(), PACE, run, just_go_on)
    assert [record["step"] for record in run.records("report")] == [3, 6, 9, 12]
    assert [record["step"] for record in run.records("look")] == [4, 8, 12]
    assert next(run.records("end"))["verdict"] == "continue"


def test_until_finishes_at_the_deadline(tmp_path: Path) -> None:
    times = iter(range(100))
    verdict = teach(Line(), PACE, Run(tmp_path / "run"), until(3, just_go_on, lambda: next(times)))
    assert verdict is Verdict.FINISH_NOW
    assert next(Run(tmp_path / "run").records("end"))["step"] == 4
