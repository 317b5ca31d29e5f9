import pytest

from danqing.base.progress import Progress, just_go_on
from danqing.cli.bar import numbers_of, progress_bar


@pytest.mark.parametrize(
    ("progress", "speed", "text"),
    [
        (Progress(0, 4, "first pass", 3, 20), 0.0, "picture 1/4, step 3/20"),
        (Progress(1, 4, "first pass", 3, 20), 12.34, "picture 2/4, step 3/20, 12.3 steps/s"),
        (Progress(0, 4, "first pass", 3, 20, batch=2), 0.25, "picture 1-2/4, step 3/20, 4.0 s a step"),
    ],
)
def test_the_numbers_say_where_painting_stands(progress: Progress, speed: float, text: str) -> None:
    assert numbers_of(progress, speed) == text


def test_no_bar_is_drawn_where_no_one_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("painting", quiet=False) as watch:
        assert watch is just_go_on
    assert capsys.readouterr().err == ""


def test_on_a_terminal_the_bar_follows_the_reports(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    with progress_bar("painting", quiet=False) as watch:
        for step in (1, 2, 3):
            watch(Progress(0, 1, "first pass", step, 4))
    told = capsys.readouterr()
    assert "loading the model" in told.err
    assert "step 3/4" in told.err
    assert told.out == ""
