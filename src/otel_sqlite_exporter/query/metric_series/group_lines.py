# SPDX-License-Identifier: Apache-2.0
"""Reads groups of series, and makes lines of them."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from otel_sqlite_exporter.model.metric_records.metric_signals import DELTA, GAUGE, SUMMARY
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import Bucket
from otel_sqlite_exporter.query.metric_arithmetic.step_sums import Number
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.query.metric_groups.distribution_groups import DistributionGroup
from otel_sqlite_exporter.query.metric_groups.increase_groups import CoveredTime, IncreaseGroup, Values
from otel_sqlite_exporter.query.metric_groups.level_groups import HELD_INTERVALS, LevelGroup
from otel_sqlite_exporter.query.metric_groups.point_deltas import (
    CHANGING,
    DISTRIBUTED,
    GROWING,
    iterate_deltas,
    read_distributions,
    read_sums,
)
from otel_sqlite_exporter.query.metric_groups.summary_quantiles import SummaryQuantiles
from otel_sqlite_exporter.query.metric_series import metric_aggregates as asked
from otel_sqlite_exporter.query.metric_series.chosen_series import NamedSeries, SeriesGroup, estimate_interval
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, SeriesPoint, ValueBucket
from otel_sqlite_exporter.sql.texts import read_query

_Optional = TypeVar("_Optional", Number, Number | None)


@dataclass(slots=True)
class ReadGroup:
    """What was read of a group; None: it was not asked for."""

    labels: Mapping[str, Any]
    series: int
    rank: float
    levels: LevelGroup | None = None
    increases: IncreaseGroup | None = None
    distributions: DistributionGroup | None = None
    quantiles: SummaryQuantiles | None = None


class GroupReader:
    """Reads groups of the series of one family, for some aggregates."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        steps: TimeSteps,
        family: str,
        aggregates: Sequence[str],
        usual_interval: int,
    ) -> None:
        """`usual_interval`: nanoseconds from one point of a series to the next."""
        self.aggregates = aggregates
        self.seen: Counter[str] = Counter()
        """How often something was met that is to be told: see `series_notes`."""
        self._connection = connection
        self._steps = steps
        self._family = family
        self._usual_interval = usual_interval
        self._covered = CoveredTime(steps)
        self._sums = read_sums(connection)
        self._distributions = {kind: read_distributions(connection, kind) for kind in asked.DISTRIBUTED}

    def read(self, group: SeriesGroup) -> ReadGroup:
        """Read a group."""
        found = ReadGroup(group.labels, len(group.series), 0)
        if self._family in (asked.DISTRIBUTION, SUMMARY):
            self._read_distributions(group.series, found)
        else:
            if any(self._is_increase(one) for one in self.aggregates):
                self._read_increases(group.series, found)
            if not all(self._is_increase(one) for one in self.aggregates):
                self._read_levels(group.series, found)
        return found

    def _is_increase(self, aggregate: str) -> bool:
        is_sum = aggregate == asked.TOTAL and self._family in (asked.COUNTER, DELTA)
        return is_sum or aggregate in (asked.INCREASE, asked.RATE)

    def _read_increases(self, series: Sequence[NamedSeries], found: ReadGroup) -> None:
        group = found.increases = IncreaseGroup(self._steps, self._covered)
        before = self._sums.left_out
        for one in series:
            arithmetic = GROWING if one.is_monotonic else CHANGING
            for delta in iterate_deltas(self._sums, one.id, one.temporality, self._steps, arithmetic):
                group.add(delta)
        found.rank = group.rank()
        self.seen["unknown"] += group.unknown
        self.seen["left out"] += self._sums.left_out - before

    def _read_levels(self, series: Sequence[NamedSeries], found: ReadGroup) -> None:
        is_additive, is_alone = self._family != GAUGE, len(series) == 1
        group = found.levels = LevelGroup(
            self._steps,
            is_additive=is_additive,
            is_alone=is_alone,
            has_averages=asked.AVERAGE in self.aggregates,
        )
        since, until = self._steps.since, self._steps.until
        for one in series:
            held_for = 0
            if not is_alone:
                interval = estimate_interval(self._connection, [one], until) or self._usual_interval
                held_for = HELD_INTERVALS * interval
            given = {"series": one.id, "since": max(0, since - held_for), "until": until}
            rows = (
                row
                for is_sorted in (1, 0)
                for row in self._connection.execute(read_query("read_levels"), {**given, "is_sorted": is_sorted})
            )
            group.add_series(rows, held_for)
        if found.increases is None:
            found.rank = group.rank()
        self.seen["left out"] += group.left_out
        self.seen["averaged"] += not is_additive and not is_alone

    def _read_distributions(self, series: Sequence[NamedSeries], found: ReadGroup) -> None:
        has_buckets = any(
            one in (asked.MINIMUM, asked.MAXIMUM, asked.BUCKETS) or asked.find_quantile(one) is not None
            for one in self.aggregates
        )
        is_summary = self._family == SUMMARY
        group = DistributionGroup(self._steps, self._covered, has_buckets=has_buckets and not is_summary)
        found.distributions = group
        for one in series:
            points = self._distributions[one.kind]
            before = points.left_out
            for delta in iterate_deltas(points, one.id, one.temporality, self._steps, DISTRIBUTED):
                group.add(delta)
            self.seen["left out"] += points.left_out - before
        if is_summary and len(series) == 1:
            points = self._distributions[SUMMARY]
            steps = self._steps
            found.quantiles = SummaryQuantiles(steps, points.iterate(series[0].id, steps.since, steps.until))
        found.rank = group.rank()
        self.seen["unknown"] += group.unknown
        self.seen["uncounted"] += group.uncounted
        self.seen["merged"] += group.layouts > 1

    def make_lines(self, group: ReadGroup, unit: str) -> list[MetricLine]:
        """Return the lines of a group, once all groups are read."""
        lines = []
        for aggregate in self.aggregates:
            points = self._make_points(group, aggregate)
            is_estimate = self._is_estimate(group, aggregate)
            named = asked.name_unit(aggregate, unit, self._family)
            lines.append(MetricLine(group.labels, aggregate, named, is_estimate, group.series, points))
        return lines

    def _make_points(self, group: ReadGroup, aggregate: str) -> tuple[SeriesPoint, ...]:
        starts = self._steps.edges[:-1]
        values = self._get_values(group, aggregate)
        if aggregate != asked.BUCKETS or group.distributions is None:
            return tuple(SeriesPoint(start, _fit(value)) for start, value in zip(starts, values, strict=True))
        buckets = group.distributions.get_buckets()
        return tuple(
            SeriesPoint(start, _fit(value), tuple(map(_show_bucket, filled)))
            for start, value, filled in zip(starts, values, buckets, strict=True)
        )

    def _is_estimate(self, group: ReadGroup, aggregate: str) -> bool:
        if self._family != asked.DISTRIBUTION or group.distributions is None:
            return False
        if aggregate in (asked.MINIMUM, asked.MAXIMUM):
            return not group.distributions.is_exact
        return asked.find_quantile(aggregate) is not None

    def _get_values(self, group: ReadGroup, aggregate: str) -> Values:
        if group.distributions is not None:
            return self._get_distributed(group, group.distributions, aggregate)
        if group.increases is not None and self._is_increase(aggregate):
            increases = group.increases
            return increases.get_rates() if aggregate == asked.RATE else increases.get_increases()
        assert group.levels is not None
        levels = group.levels
        read = {
            asked.LAST: levels.get_lasts,
            asked.TOTAL: lambda: levels.get_lasts(is_sum=True),
            asked.AVERAGE: levels.get_averages,
            asked.MINIMUM: levels.get_lows,
            asked.MAXIMUM: levels.get_highs,
            asked.COUNT: levels.count_points,
        }
        return read[aggregate]()

    def _get_distributed(self, group: ReadGroup, found: DistributionGroup, aggregate: str) -> Values:
        quantile = asked.find_quantile(aggregate)
        if quantile is not None:
            return found.get_quantiles(quantile) if group.quantiles is None else group.quantiles.get_values(quantile)
        read = {
            asked.RATE: found.get_rates,
            asked.TOTAL: found.get_sums,
            asked.AVERAGE: found.get_averages,
            asked.MINIMUM: found.get_lows,
            asked.MAXIMUM: found.get_highs,
        }
        return read.get(aggregate, found.get_counts)()


def _show_bucket(bucket: Bucket) -> ValueBucket:
    """Return a bucket of which a bound that is infinite is none."""
    lower, upper = (bound if math.isfinite(bound) else None for bound in bucket[:2])
    return ValueBucket(lower, upper, _fit(bucket.share))


def _fit(value: _Optional) -> _Optional | float:
    """Return a whole number beyond 64 bits, which JSON and data frames cannot hold, as a floating-point number."""
    return float(value) if type(value) is int and abs(value) > LARGEST else value
