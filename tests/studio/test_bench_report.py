import json

from danqing.studio.bench.measure import Load, Pairs, Sample
from danqing.studio.bench.report import (
    Report,
    Row,
    Section,
    report_json,
    report_text,
    row_of_amounts,
    row_of_rates,
    row_of_samples,
    row_of_times,
)

TWICE = Pairs((Sample(1.0, 1.0),), (Sample(2.0, 1.0),))


def lines(*rows: Row) -> list[str]:
    return report_text(Report({"machine": "a small one"}, (Section("Speed", rows),), 3.0)).splitlines()


def test_half_the_time_is_twice_as_good() -> None:
    row = row_of_times("a step", TWICE)
    assert (row.ours, row.theirs, row.ratio) == (1.0, 2.0, 2.0)


def test_twice_the_pictures_are_twice_as_good() -> None:
    row = row_of_rates("batch 4", "pictures/s", 4, TWICE)
    assert (row.ours, row.theirs, row.ratio) == (4.0, 2.0, 2.0)


def test_half_the_memory_is_twice_as_good() -> None:
    assert row_of_amounts("memory", "GB", 2.0, 4.0).ratio == 2.0


def test_what_has_no_peer_has_no_ratio() -> None:
    row = row_of_samples("help", [Sample(0.2, 0.1), Sample(0.4, 0.1), Sample(0.3, 0.1)])
    assert (row.ours, row.theirs, row.ratio) == (0.3, None, None)


def test_a_row_that_others_disturbed_is_marked() -> None:
    quiet, loud = Load(0.9, 0.01), Load(0.4, 0.5)
    assert not Row("a", "s", 1.0, our_load=quiet, their_load=quiet).disturbed
    assert Row("a", "s", 1.0, our_load=quiet, their_load=loud).disturbed
    marked = [line for line in lines(Row("a", "s", 1.0, our_load=loud), Row("b", "s", 1.0)) if line.endswith("!")]
    assert [line.split()[0] for line in marked] == ["a,"]


def test_the_table_shows_figures_ratio_and_note() -> None:
    shown = "\n".join(lines(row_of_times("a step", TWICE, "as it should be")))
    assert "machine: a small one" in shown
    assert "2.00" in shown
    assert "as it should be" in shown


def test_small_figures_keep_their_digits() -> None:
    assert any("3.1e-06" in line for line in lines(Row("error", "", 3.1e-6)))


def test_the_json_holds_the_rows() -> None:
    report = Report({}, (Section("Speed", (row_of_times("a step", TWICE),)),), 1.0)
    assert json.loads(report_json(report))["sections"][0]["rows"][0]["ratio"] == 2.0
