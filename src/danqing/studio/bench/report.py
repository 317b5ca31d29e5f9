"""What the bench found, as rows, and how it is printed. A row without a peer has no ratio."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from danqing.studio.bench.measure import Load, Pairs, Sample, load_of, middle

TRUSTED_OTHERS = 0.05
"""Above this share of the machine taken by others a row is marked: what it says may be the others' doing."""

LEGEND = (
    "Medians of runs in turns (A B A B ...). ratio: how much better danqing is, the median over the pairs; 1 is as good. "
    "share: CPU time / (time x cores), danqing / diffusers. others: what the rest of the machine took of the cores; "
    f"above {TRUSTED_OTHERS:.0%} a row is marked with ! and says little."
)


@dataclass(frozen=True)
class Row:
    """One line of the table. Figures are in `unit`; `ratio` is danqing's advantage, 1 as good; None where there is nothing to say."""

    name: str
    unit: str
    ours: float | None
    theirs: float | None = None
    ratio: float | None = None
    our_load: Load | None = None
    their_load: Load | None = None
    note: str = ""

    @property
    def disturbed(self) -> bool:
        """Whether others took too much of the machine while it was measured."""
        loads = [load.others for load in (self.our_load, self.their_load) if load is not None]
        return bool(loads) and max(loads) > TRUSTED_OTHERS


@dataclass(frozen=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Report:
    """All that one run found. `machine`: what it ran on."""

    machine: Mapping[str, str]
    sections: tuple[Section, ...] = ()
    seconds: float = field(default=0.0)


def row_of_times(name: str, pairs: Pairs, note: str = "") -> Row:
    """Seconds: less is better."""
    return Row(name, "s", middle(pairs.ours), middle(pairs.theirs), pairs.speedup, *_loads(pairs), note)


def row_of_rates(name: str, unit: str, amount: float, pairs: Pairs, note: str = "") -> Row:
    """`amount` of something a sample: more a second is better."""
    ours, theirs = amount / middle(pairs.ours), amount / middle(pairs.theirs)
    return Row(name, unit, ours, theirs, pairs.speedup, *_loads(pairs), note)


def row_of_amounts(name: str, unit: str, ours: float, theirs: float, note: str = "") -> Row:
    """Two figures of which the smaller is better, measured without a clock."""
    return Row(name, unit, ours, theirs, theirs / ours, note=note)


def row_of_samples(name: str, samples: Sequence[Sample], note: str = "") -> Row:
    """Seconds of ours, without a peer."""
    return Row(name, "s", middle(samples), our_load=load_of(samples), note=note)


def report_text(report: Report) -> str:
    """The table, ready to print."""
    lines = [f"{name}: {value}" for name, value in report.machine.items()]
    for section in report.sections:
        head = f"{section.title:<46}{'danqing':>11}{'diffusers':>11}{'ratio':>8}{'share':>12}{'others':>12}"
        lines += ["", head, "-" * len(head)]
        lines += [line for row in section.rows for line in _lines(row)]
    return "\n".join([*lines, "", LEGEND, f"The whole bench took {report.seconds:.0f} s."])


def report_json(report: Report) -> str:
    """The same for programs."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=2)


def _lines(row: Row) -> list[str]:
    name = f"  {row.name}{f', {row.unit}' if row.unit else ''}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    mark = " !" if row.disturbed else ""
    figures = f"{_figure(row.ours):>11}{_figure(row.theirs):>11}{ratio:>8}"
    loads = f"{_both(row, lambda load: load.share):>12}{_both(row, lambda load: load.others):>12}"
    line = f"{name:<46}{figures}{loads}{mark}".rstrip()
    return [line, f"      {row.note}"] if row.note else [line]


def _both(row: Row, of: Callable[[Load], float]) -> str:
    return " / ".join(f"{of(load):.2f}"[1 if of(load) < 1 else 0 :] for load in (row.our_load, row.their_load) if load)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1e}" if 0 < abs(value) < 0.001 else f"{value:.4g}"


def _loads(pairs: Pairs) -> tuple[Load, Load]:
    return load_of(pairs.ours), load_of(pairs.theirs)
