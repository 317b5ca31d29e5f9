"""What /metrics tells, as Prometheus reads it: answers by route and status, how long they took; the queue is asked when it is read."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds; a call that waits for its pictures lies beyond most of them."""


class Metrics:
    """Counts. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._within: Counter[float] = Counter()
        self._seconds = 0.0

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """One answer; `path` is the route's pattern, so that names in it don't multiply."""
        with self._lock:
            self._answers[method, path, status] += 1
            self._seconds += seconds
            for bound in BOUNDS:
                if seconds <= bound:
                    self._within[bound] += 1

    def text(self, gauges: Mapping[str, float]) -> str:
        """Everything in Prometheus's text format; `gauges` are values of this moment by their full names."""
        return "\n".join([*self._lines(), *(f"{name} {value:g}" for name, value in gauges.items()), ""])

    def _lines(self) -> Iterator[str]:
        with self._lock:
            answers, within, seconds = dict(self._answers), dict(self._within), self._seconds
        yield "# TYPE danqing_http_answers_total counter"
        for (method, path, status), count in sorted(answers.items()):
            yield f'danqing_http_answers_total{{method="{method}",path="{path}",status="{status}"}} {count}'
        total = sum(answers.values())
        yield "# TYPE danqing_http_seconds histogram"
        for bound in BOUNDS:
            yield f'danqing_http_seconds_bucket{{le="{bound:g}"}} {within.get(bound, 0)}'
        yield f'danqing_http_seconds_bucket{{le="+Inf"}} {total}'
        yield f"danqing_http_seconds_sum {seconds:.6f}"
        yield f"danqing_http_seconds_count {total}"
