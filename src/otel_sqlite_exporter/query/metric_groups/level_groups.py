# SPDX-License-Identifier: Apache-2.0
"""Levels in each step, of the series of a group: of gauges, and of sums that go up and down.

The value of a series stands until its next point, but no longer than twice the usual time between two of its points,
and not beyond a point that says that there is no value. So a sum of series does not drop in a step in which one of them
has no point, and what is gone does not count for long. A step in which no series has a point has no value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from otel_sqlite_exporter.model.metric_records.metric_signals import NO_RECORDED_VALUE
from otel_sqlite_exporter.query.metric_arithmetic.step_sums import ExactSum, Number, read_number
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.query.metric_groups.increase_groups import Values

HELD_INTERVALS = 2
"""For how many of the usual intervals a value stands."""


class _SeriesStep:
    """The points of a series in a step."""

    __slots__ = ("high", "is_gone", "last", "low", "points", "sum", "time")

    def __init__(self) -> None:
        self.points = 0
        self.sum = ExactSum()
        self.last: Number = 0
        self.low: Number | None = None
        self.high: Number | None = None
        self.time = 0
        self.is_gone = False

    def add(self, time: int, value: Number) -> None:
        """Add a point, but for its part of the average."""
        self.points += 1
        self.last, self.time, self.is_gone = value, time, False
        if self.low is None or value < self.low:
            self.low = value
        if self.high is None or value > self.high:
            self.high = value

    def add_hour(self, time: int, value: Number, raw_points: int, numbers: Iterable[Number | None]) -> None:
        """Add a point that stands for several: the last of them, and their sum, smallest and largest value."""
        total, low, high = numbers
        self.add(time, value)
        self.points += raw_points - 1
        self.sum.add(value * raw_points if total is None else total)
        low, high = value if low is None else low, value if high is None else high
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def average(self) -> float:
        """Return the average."""
        return self.sum.finish() / self.points


class _GroupStep:
    """The series of a group in a step: how many there are, and how many of them have a point in it."""

    __slots__ = ("averages", "high", "lasts", "low", "own", "points", "series")

    def __init__(self) -> None:
        self.series = self.own = self.points = 0
        self.lasts, self.averages = ExactSum(), ExactSum()
        self.low: Number | None = None
        self.high: Number | None = None

    def add(self, one: _SeriesStep, *, has_averages: bool) -> None:
        """Add the points of a series."""
        self.series += 1
        self.own += 1
        self.points += one.points
        self.lasts.add(one.last)
        if has_averages:
            self.averages.add(one.average())
        self.low = one.low if self.low is None or (one.low is not None and one.low < self.low) else self.low
        self.high = one.high if self.high is None or (one.high is not None and one.high > self.high) else self.high

    def hold(self, value: Number) -> None:
        """Add a series that has an earlier value."""
        self.series += 1
        self.lasts.add(value)
        self.averages.add(value)


class LevelGroup:
    """The levels of series. Those of sums add up; of gauges, the average over the series is meant."""

    def __init__(self, steps: TimeSteps, *, is_additive: bool, is_alone: bool, has_averages: bool) -> None:
        """`is_alone`: there is one series; `has_averages`: these are asked for."""
        self._steps = steps
        self._has_averages = has_averages
        self._is_additive = is_additive
        self._is_alone = is_alone
        self._cells: dict[int, _GroupStep] = {}
        self.left_out = 0
        """Points with a value that is not finite."""

    def add_series(self, rows: Iterable[tuple[Any, ...]], held_for: int) -> None:
        """Add the points of a series, from some time before the range on, in the order of their times. A value stands
        for so many nanoseconds."""
        since, find = self._steps.since, self._steps.find
        cells: dict[int, _SeriesStep] = {-1: _SeriesStep()}
        cells[-1].is_gone = True
        cell, end = cells[-1], since
        edges, has_averages = self._steps.edges, self._has_averages
        for time, flags, stored, raw, *given in rows:
            if flags & NO_RECORDED_VALUE:
                cell.is_gone = True
                continue
            value = read_number(stored)
            if value is None:
                self.left_out += 1
                continue
            if time >= end:
                place = find(time)
                cell, end = cells.setdefault(place, _SeriesStep()), edges[place + 1]
            if raw:
                cell.add_hour(time, value, raw, map(read_number, given))
            else:
                cell.add(time, value)
                if has_averages:
                    cell.sum.add(value)
        self._fold(cells, held_for)

    def _fold(self, cells: dict[int, _SeriesStep], held_for: int) -> None:
        edges, places = self._steps.edges, sorted(cells)
        for place, following in zip(places, (*places[1:], len(self._steps)), strict=True):
            one = cells[place]
            if place >= 0:
                self._cells.setdefault(place, _GroupStep()).add(one, has_averages=self._has_averages)
            if self._is_alone or one.is_gone:
                continue
            until = one.time + held_for
            for index in range(place + 1, following):
                if edges[index] >= until:
                    break
                self._cells.setdefault(index, _GroupStep()).hold(one.last)

    def rank(self) -> float:
        """Return a number that is larger for what is to be shown first."""
        return max((abs(value) for value in self.get_lasts() if value is not None), default=-1)

    def get_lasts(self, *, is_sum: bool = False) -> Values:
        """Return the last values of the series in each step: added up, or their average."""
        return self._list(lambda cell: self._join(cell.lasts, cell.series, is_sum))

    def get_averages(self) -> Values:
        """Return the averages of the series in each step: added up, or their average."""
        return self._list(lambda cell: self._join(cell.averages, cell.series))

    def get_lows(self) -> Values:
        """Return the smallest value of any series in each step."""
        return self._list(lambda cell: cell.low)

    def get_highs(self) -> Values:
        """Return the largest value of any series in each step."""
        return self._list(lambda cell: cell.high)

    def count_points(self) -> Values:
        """Return how many points each step has."""
        return self._list(lambda cell: cell.points)

    def _join(self, total: ExactSum, series: int, is_sum: bool = False) -> Number:
        return total.finish() if is_sum or self._is_additive or series == 1 else total.finish() / series

    def _list(self, read: Callable[[_GroupStep], Number | None]) -> Values:
        cells = map(self._cells.get, range(len(self._steps)))
        return [read(cell) if cell is not None and cell.own else None for cell in cells]
