"""The run registry: every run writes what it did as JSON lines into its folder, and they can be listed and read
back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """A run's folder: `run.jsonl` (one record a line: start, report, look, save, end) and `state.pt`."""

    folder: Path

    @property
    def state(self) -> Path:
        """Where the resumable state stands."""
        return self.folder / "state.pt"

    @property
    def _records(self) -> Path:
        return self.folder / "run.jsonl"

    def record(self, event: str, **facts: Any) -> None:
        """Adds a record with the time of now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **facts}
        with self._records.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")

    def records(self, event: str | None = None) -> Iterator[dict[str, Any]]:
        """What was recorded, oldest first; a last line that was cut off by a crash is left out."""
        if not self._records.exists():
            return
        for line in self._records.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if event is None or record["event"] == event:
                yield record


def open_run(work: Path, name: str) -> Run:
    """The run of that name, new or not."""
    return Run(work / "runs" / name)


def list_runs(work: Path) -> list[Run]:
    """Every run below a work folder, by name."""
    return [Run(path.parent) for path in sorted((work / "runs").glob("*/run.jsonl"))]
