from pathlib import Path

import pytest
import torch

from danqing.base.errors import TrainingError
from danqing.training.luck import choose, luck_of
from danqing.training.resume import State, read_state, write_state
from danqing.training.runs import list_runs, open_run


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    weights = {"w": torch.randn(3)}
    write_state(tmp_path / "state.pt", State(7, 1.5, weights, weights, {"state": {}, "param_groups": []}))
    state = read_state(tmp_path / "state.pt")
    assert state is not None
    assert (state.step, state.seconds) == (7, 1.5)
    assert torch.equal(state.network["w"], weights["w"])


def test_no_file_means_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.pt") is None


def test_a_damaged_state_is_named_and_not_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(TrainingError, match=r"state\.pt is no training state"):
        read_state(tmp_path / "state.pt")


def test_writing_leaves_nothing_beside_the_state(tmp_path: Path) -> None:
    write_state(tmp_path / "state.pt", State(1, 0.0, {}, {}, {}))
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_the_luck_of_a_step_depends_on_seed_and_step_alone() -> None:
    assert torch.equal(torch.randn(4, generator=luck_of(3, 5)), torch.randn(4, generator=luck_of(3, 5)))
    assert not torch.equal(torch.randn(4, generator=luck_of(3, 5)), torch.randn(4, generator=luck_of(3, 6)))
    assert not torch.equal(torch.randn(4, generator=luck_of(3, 5)), torch.randn(4, generator=luck_of(4, 5)))


def test_chosen_indices_rise_and_stay_below_the_count() -> None:
    rows = choose(50, 10, luck_of(1, 1)).tolist()
    assert rows == sorted(rows)
    assert 0 <= rows[0] <= rows[-1] < 10


def test_runs_are_listed_by_name_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    for name in ("b", "a"):
        open_run(tmp_path, name).record("start", step=0)
    run = open_run(tmp_path, "a")
    with (run.folder / "run.jsonl").open("a") as out:
        out.write('{"event": "rep')
    assert [found.folder.name for found in list_runs(tmp_path)] == ["a", "b"]
    assert [record["event"] for record in run.records()] == ["start"]
