# SPDX-License-Identifier: Apache-2.0
"""How long the routes and reports of this server took: kept in memory since it started, and shown by `/metrics`."""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import NamedTuple

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the steps, in seconds; one more step has what took longer."""
_MOST = 200
_OTHER = ("(other)", "")


class QueryTime(NamedTuple):
    """The times of one route and report: how many fell into each step, and their sum in seconds."""

    route: str
    report: str
    steps: tuple[int, ...]
    seconds: float


class QueryTimes:
    """Counts how long queries took. Safe to use on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def observe(self, route: str, seconds: float, report: str = "") -> None:
        """Note that a request took so long. `route` is the path of the route with the names of its parameters, such as
        `/api/v1/traces/{id}`, and never one with their values."""
        key = (route, report)
        with self._lock:
            if key not in self._steps and len(self._steps) >= _MOST:
                key = _OTHER
            steps = self._steps.setdefault(key, [0] * (len(BOUNDS_S) + 1))
            steps[bisect_left(BOUNDS_S, seconds)] += 1
            self._seconds[key] = self._seconds.get(key, 0.0) + seconds

    def read(self) -> list[QueryTime]:
        """Return what was noted, by route and report."""
        with self._lock:
            return [QueryTime(*key, tuple(self._steps[key]), self._seconds[key]) for key in sorted(self._steps)]


query_times = QueryTimes()
"""Those of this process."""
