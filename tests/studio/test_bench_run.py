import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from danqing.base.errors import DanqingError, FileWriteError
from danqing.studio import bench
from danqing.studio.bench import random_model
from danqing.studio.bench import run as module
from danqing.studio.bench.report import Row, Section
from danqing.studio.bench.settings import BenchSettings
from danqing.weights.header import read_header
from tests.house.project import ROOT

Main = Callable[..., tuple[int, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, BenchSettings]]:
    """Which cases were run, with what; nothing is really measured."""
    seen: list[tuple[str, BenchSettings]] = []

    def load(name: str) -> SimpleNamespace:
        case = name.rpartition(".")[2]

        def measure(settings: BenchSettings, folder: Path) -> Section:
            assert folder.is_dir()
            seen.append((case, settings))
            return Section(case, (Row("one figure", "s", 1.5),))

        return SimpleNamespace(measure=measure)

    monkeypatch.setattr(module, "import_module", load)
    monkeypatch.setattr(module, "machine", dict)
    return seen


def said(*words: str) -> tuple[int, str]:
    texts: list[str] = []
    code = bench.main(list(words), texts.append, lambda text: None)
    return code, "".join(texts)


def test_all_cases_are_run_and_the_table_is_said(asked: list[tuple[str, BenchSettings]]) -> None:
    code, text = said()
    assert code == 0
    assert [case for case, _ in asked] == ["startup", "embedded", "sd1"]
    assert text.count("one figure") == 3


def test_the_quick_bench_leaves_the_large_model_out(asked: list[tuple[str, BenchSettings]]) -> None:
    said("--quick")
    assert [(case, settings.rounds) for case, settings in asked] == [("startup", 3), ("embedded", 3)]


def test_one_case_may_be_chosen_and_the_rounds_too(asked: list[tuple[str, BenchSettings]], tmp_path: Path) -> None:
    said("--only", "sd1", "--rounds", "2", "--cache", str(tmp_path / "new"))
    assert [(case, settings.rounds) for case, settings in asked] == [("sd1", 2)]
    assert (tmp_path / "new").is_dir()


def test_json_is_said_when_it_is_wanted(asked: list[tuple[str, BenchSettings]]) -> None:
    _, text = said("--only", "startup", "--json")
    assert json.loads(text)["sections"][0]["rows"][0]["ours"] == 1.5


def test_help_is_said_without_measuring(asked: list[tuple[str, BenchSettings]]) -> None:
    code, text = said("--help")
    assert code == 0
    assert "--quick" in text
    assert asked == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--only", "embeddet"], "did you mean embedded"),
        (["--rounds", "0"], "at least 1"),
        (["--rounds", "many"], "danqing bench --help"),
        (["--colour"], "danqing bench --help"),
    ],
)
def test_words_that_make_no_sense_are_refused_plainly(words: list[str], complaint: str) -> None:
    with pytest.raises(DanqingError, match=complaint):
        said(*words)


def test_every_case_can_be_loaded() -> None:
    for name in module.CASES.values():
        assert callable(importlib.import_module(name).measure)


def test_the_machine_says_what_it_computes_in() -> None:
    assert "float" in module.machine()["danqing's default"]


def test_the_large_models_names_and_shapes_are_the_published_ones() -> None:
    published = json.loads((ROOT / "tests/golden/headers/sd1.json").read_text("utf-8"))["tensors"]
    assert {name: list(shape) for name, shape in random_model.tensor_shapes().items()} == published


def test_a_random_model_is_built_once(tmp_path: Path) -> None:
    shapes: dict[str, tuple[int, ...]] = {"a.norm.weight": (4,), "a.norm.bias": (4,), "b.weight": (4, 8, 3, 3)}
    path = random_model.build(tmp_path, {**shapes, "c.position_ids": (1, 7)})
    header = read_header(path)
    assert {name: info.shape for name, info in header.tensors.items() if name in shapes} == shapes
    assert header.tensors["c.position_ids"].dtype == "I64"
    made = path.stat().st_mtime_ns
    assert random_model.build(tmp_path, shapes).stat().st_mtime_ns == made


def test_a_random_model_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_model.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**9))
    with pytest.raises(FileWriteError, match="--cache"):
        random_model.build(tmp_path, {"a.weight": (4, 4)})
    assert list(tmp_path.iterdir()) == []
