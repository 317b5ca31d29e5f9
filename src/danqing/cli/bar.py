"""A progress bar on the terminal with picture, step, speed and the time that is left; nothing where no one looks."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from danqing.base.progress import Progress, Verdict, Watch, just_go_on

SHARES = 1000
"""The bar counts thousandths of the whole."""


@contextmanager
def progress_bar(title: str, quiet: bool) -> Generator[Watch]:
    """A watch that draws the bar on stderr, if that is a terminal and `quiet` is not set."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield just_go_on
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=SHARES, numbers="loading the model")
        yield _drawing(bar, task)


def _drawing(bar: Bar, task: TaskID) -> Watch:
    began = time.perf_counter()
    calls = 0

    def watch(progress: Progress) -> Verdict:
        nonlocal began, calls
        if calls == 0:  # the first report comes after the first step: loading is not in the speed
            began = time.perf_counter()
        speed = calls / max(1e-9, time.perf_counter() - began) if calls else 0.0
        calls += 1
        bar.update(task, completed=progress.fraction * SHARES, numbers=numbers_of(progress, speed))
        return Verdict.CONTINUE

    return watch


def numbers_of(progress: Progress, speed: float) -> str:
    """ "picture 2/4, step 7/20, 12.3 steps/s"; seconds a step where it is slower than one a second."""
    last = progress.picture + progress.batch
    picture = f"{progress.picture + 1}" if progress.batch == 1 else f"{progress.picture + 1}-{last}"
    text = f"picture {picture}/{progress.pictures}, step {progress.step}/{progress.steps}"
    if speed <= 0:
        return text
    return f"{text}, {speed:.1f} steps/s" if speed >= 1 else f"{text}, {1 / speed:.1f} s a step"
