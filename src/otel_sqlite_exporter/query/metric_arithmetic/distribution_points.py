# SPDX-License-Identifier: Apache-2.0
"""The points of histograms and summaries, and what came between two of them. Pure. The JSON of buckets is read when it
is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import Counts, list_buckets, subtract_counts
from otel_sqlite_exporter.query.metric_arithmetic.quantile_estimates import bound_values
from otel_sqlite_exporter.query.metric_arithmetic.step_sums import Number, read_number


@dataclass(slots=True)
class ValueRange:
    """Between which numbers some values are; None: that is not known. `is_exact`: there are values at both ends."""

    low: Number | None
    high: Number | None
    is_exact: bool


class DistributionPoint:
    """A point of a histogram or summary: a count, and numbers that are None if they are not known."""

    __slots__ = ("_counts", "_is_read", "_parse", "_row", "count")

    def __init__(self, count: int, row: tuple[Any, ...], parse: Callable[[Any, str], Counts | None]) -> None:
        """`row` is that of the file, which ends with sum, min, max, the key of bounds and buckets; `parse` reads the
        last two."""
        self.count = count
        self._row = row
        self._parse = parse
        self._is_read = False
        self._counts: Counts | None = None

    @property
    def sum(self) -> Number | None:
        """The sum of the values."""
        return read_number(self._row[-5])

    @property
    def low(self) -> Number | None:
        """The smallest value."""
        return read_number(self._row[-4])

    @property
    def high(self) -> Number | None:
        """The largest value."""
        return read_number(self._row[-3])

    def read_counts(self) -> Counts | None:
        """Return the counts of its buckets; None: it has none that can be used."""
        if not self._is_read and self._row[-1] is not None:
            self._counts = self._parse(self._row[-2], self._row[-1])
        self._is_read = True
        return self._counts

    def read_quantiles(self) -> dict[float, Number]:
        """Return the quantiles of a summary, from 0 to 1, that have a finite value."""
        pairs = [] if self._row[-1] is None else orjson.loads(self._row[-1])
        found = ((read_number(quantile), read_number(value)) for quantile, value in pairs)
        return {float(quantile): value for quantile, value in found if quantile is not None and value is not None}


@dataclass(slots=True)
class DistributionDelta:
    """What came since the point `before`, or since counting began if that is None: a count, and the sum if it is
    known."""

    count: int
    sum: Number | None
    point: DistributionPoint
    before: DistributionPoint | None

    def read_counts(self) -> Counts | None:
        """Return the counts of its buckets; None: they are not known."""
        new = self.point.read_counts()
        if new is None or self.before is None:
            return new
        old = self.before.read_counts()
        return None if old is None else subtract_counts(new, old)

    def find_range(self, counts: Counts | None) -> ValueRange:
        """Return between which numbers its values are, if these are its counts. The smallest and the largest value of a
        point are those since counting began: they are values of the delta if nothing came before, or if they are
        new."""
        low, high, before = self.point.low, self.point.high, self.before
        if before is None:
            return ValueRange(low, high, True)
        is_low = low is not None and before.low is not None and low < before.low
        is_high = high is not None and before.high is not None and high > before.high
        if is_low and is_high:
            return ValueRange(low, high, True)
        lower, upper = (None, None) if counts is None else bound_values(list_buckets(counts))
        return ValueRange(
            low if is_low or lower is None else lower if low is None else max(low, lower),
            high if is_high or upper is None else upper if high is None else min(high, upper),
            False,
        )


def subtract_points(new: DistributionPoint, old: DistributionPoint) -> DistributionDelta:
    """Return what came since the older point of the same start. If the count is smaller, counting started again."""
    if new.count < old.count:
        return take_whole(new)
    total, before = new.sum, old.sum
    return DistributionDelta(
        new.count - old.count, None if total is None or before is None else total - before, new, old
    )


def take_whole(point: DistributionPoint) -> DistributionDelta:
    """Return all that a point counts."""
    return DistributionDelta(point.count, point.sum, point, None)
