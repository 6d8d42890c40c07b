# SPDX-License-Identifier: Apache-2.0
"""When data points become one an hour, and how many in one step.

The state `points hourly before` of a file is up to when a walk through all series has done so.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from otel_sqlite_exporter.retention.hourly.hour_points import HOUR_NS
from otel_sqlite_exporter.retention.hourly.hour_steps import HourSteps
from otel_sqlite_exporter.storage.state import read_number, write_state
from otel_sqlite_exporter.write.removal.step_sizes import StepSize

_STATE = "points hourly before"


def find_hour(raw_points_s: float) -> int:
    """Return the whole hour before which points are older than so many seconds, in nanoseconds since 1970."""
    return (time.time_ns() - int(raw_points_s * 1e9)) // HOUR_NS * HOUR_NS


class HourlyPoints:
    """Makes points older than `raw_points_s` one a series and hour; None: none. `size` is how many one step has."""

    def __init__(
        self, connection: sqlite3.Connection, raw_points_s: float | None, services: Sequence[str], size: StepSize
    ) -> None:
        self.size = size
        self._connection = connection
        self._raw_points_s = raw_points_s
        self._services = services
        self._until = 0
        self._steps: HourSteps | None = None

    def begin(self, *, is_noted: bool) -> None:
        """Begin with what is due now. `is_noted`: not, if an earlier walk got as far."""
        if self._raw_points_s is None or self._steps is not None:
            return
        self._until = find_hour(self._raw_points_s)
        if not is_noted or self._until > (read_number(self._connection, _STATE) or 0):
            self._steps = HourSteps(self._connection, self._until, self._services)

    @property
    def is_done(self) -> bool:
        """Whether nothing is due."""
        return self._steps is None

    def step(self) -> int:
        """Take a step in the caller's transaction, and return by how many points there are less."""
        gone = 0 if self._steps is None else self._steps.step(self.size.records)
        if gone is None:
            if not self._services:
                write_state(self._connection, _STATE, self._until)
            self._steps = None
            return 0
        return gone
