# SPDX-License-Identifier: Apache-2.0
"""Which records are removed, and how many rows that takes away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple


class PointCut(NamedTuple):
    """The points of a series in a range of time.

    Attributes:
        series: A key of `_metric_series`.
        since: The first time of the range, or a number before all times.
        before: The first time after it, or a number after all times.
        kept: Times and start times of points in it that stay, because later ones are counted from them.
        points: How many of them go.
    """

    series: int
    since: float
    before: float
    kept: Sequence[tuple[int, int]] = ()
    points: int = 0


class RecordsToRemove(NamedTuple):
    """Keys of `_spans` and of `_logs`, and points. Those that the file does not have are left out."""

    spans: Collection[int] = ()
    logs: Collection[int] = ()
    points: Sequence[PointCut] = ()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.spans or self.logs or self.points)


class RemovedCounts(NamedTuple):
    """How many rows were removed.

    Attributes:
        sessions: Sessions that no record shows or names any more.
        traces: Traces of which all went.
        spans: Spans.
        logs: Log records.
        events: Span events, and log records with a name.
        calls: Rows of model calls, also of those that do not count.
        tools: Rows of tool executions and requests, likewise.
        others: Other records, such as quarantined ones.
        points: Data points of metrics.
    """

    sessions: int = 0
    traces: int = 0
    spans: int = 0
    logs: int = 0
    events: int = 0
    calls: int = 0
    tools: int = 0
    others: int = 0
    points: int = 0

    @property
    def records(self) -> int:
        """Spans and log records."""
        return self.spans + self.logs

    def add(self, other: RemovedCounts) -> RemovedCounts:
        """Return the sums of both."""
        return RemovedCounts._make(one + more for one, more in zip(self, other, strict=True))
