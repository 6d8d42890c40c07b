# SPDX-License-Identifier: Apache-2.0
"""What came in each step, of the series of a group."""

from __future__ import annotations

from otel_sqlite_exporter.query.metric_arithmetic.step_sums import Number, StepSums
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.query.metric_groups.point_deltas import Delta

Values = list[Number | None]


class CoveredTime:
    """From when to when the points of all groups tell what came. In between, what no point covers is nothing: a delta
    metric has no point of a time in which nothing came."""

    def __init__(self, steps: TimeSteps) -> None:
        self._steps = steps
        self._first: int | None = None
        self._last = 0

    def add(self, begin: int, end: int) -> None:
        """Note that points cover the time between these moments."""
        if self._first is None or begin < self._first:
            self._first = begin
        if end > self._last:
            self._last = end

    def measure(self, index: int) -> float:
        """Return how many seconds of a step are covered."""
        return 0.0 if self._first is None else self._steps.measure(index, self._first, self._last)

    def get_increases(self, sums: StepSums) -> Values:
        """Return the sum of each step; None: no point covers it."""
        return [value if value or self.measure(index) else None for index, value in enumerate(sums.finish())]

    def get_rates(self, sums: StepSums) -> Values:
        """Return the sum per second of each step; None: no point covers it."""
        covered = map(self.measure, range(len(self._steps)))
        return [sums.measure(index) / seconds if seconds else None for index, seconds in enumerate(covered)]


class IncreaseGroup:
    """The increases of sums."""

    def __init__(self, steps: TimeSteps, covered: CoveredTime) -> None:
        self._covered = covered
        self._sums = StepSums(steps)
        self.unknown = 0
        """First points that say no start."""

    def add(self, delta: Delta[Number | None]) -> None:
        """Add what came between two points."""
        begin, end, amount = delta
        self._covered.add(begin, end)
        if amount is None:
            self.unknown += 1
        else:
            self._sums.add(begin, end, amount)

    def rank(self) -> float:
        """Return a number that is larger for what is to be shown first."""
        return abs(sum(self._sums.finish()))

    def get_increases(self) -> Values:
        """Return what came in each step."""
        return self._covered.get_increases(self._sums)

    def get_rates(self) -> Values:
        """Return what came in each second of a step."""
        return self._covered.get_rates(self._sums)
