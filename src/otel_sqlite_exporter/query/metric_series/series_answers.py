# SPDX-License-Identifier: Apache-2.0
"""Answers about the series of a metric: lines of points over time, as they are and as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from otel_sqlite_exporter.query.pages import ResultTable


@dataclass(frozen=True, slots=True)
class ValueBucket:
    """How many values are above `lower` and up to `upper`. None: there is no such bound."""

    lower: float | None
    upper: float | None
    count: float


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """The value of a step. `buckets` are those of the aggregate `buckets`.

    Attributes:
        time_unix_nano: When the step begins.
        value: None: there is none, which is not 0.
        buckets: The buckets that have a count.
    """

    time_unix_nano: int
    value: int | float | None
    buckets: tuple[ValueBucket, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, without buckets if there are none. The result can be written as JSON."""
        if self.buckets is None:
            return {"time_unix_nano": self.time_unix_nano, "value": self.value}
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RawPoint:
    """A point as it is stored: columns of the view `metric_points`. `value` of a histogram or summary is None."""

    time_unix_nano: int
    value: int | float | None
    start_time_unix_nano: int | None
    delta: int | float | None
    count: int | None
    count_delta: int | None
    sum: int | float | None
    sum_delta: int | float | None
    min: int | float | None
    max: int | float | None
    buckets: Any
    change: str | None
    raw_points: int | None
    flags: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that have a value, and `value`. The result can be written as JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None or name == "value"}


AnsweredPoint = SeriesPoint | RawPoint


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One line: the points of one aggregate over the series that share some labels.

    Attributes:
        labels: Attribute keys, `service_name`, `session_id` or `user_id` with their values; None is a missing one.
        aggregate: Such as `rate` or `p95`; `raw` for points as they are stored.
        unit: Of the values.
        is_estimate: Whether the values are estimated, as quantiles of histograms are.
        series: How many series it is made of.
        points: The oldest first.
    """

    labels: Mapping[str, Any]
    aggregate: str
    unit: str
    is_estimate: bool
    series: int
    points: tuple[AnsweredPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        return {
            "labels": dict(self.labels),
            "aggregate": self.aggregate,
            "unit": self.unit,
            "is_estimate": self.is_estimate,
            "series": self.series,
            "points": [point.to_dict() for point in self.points],
        }


@dataclass(frozen=True, slots=True)
class MetricSeriesResult(ResultTable):
    """The lines of a metric.

    Attributes:
        name: Of the metric.
        kind: gauge, sum, histogram, exponential_histogram or summary.
        unit: Such as `s`, `By` or `{request}`; empty: there is none.
        description: What the program says of it.
        temporality: delta or cumulative; `mixed`: some series have one, some the other; None: the kind has none.
        is_monotonic: Of a sum: whether it only grows.
        aggregates: What each group of series has a line of.
        step_s: Seconds from one point to the next; None: points as they are stored.
        since_unix_nano: Where the range begins, in nanoseconds since the epoch.
        until_unix_nano: Where it ends; exclusive.
        series: The lines: first those of the group with the largest values.
        omitted: How many further groups there are, which `limit` leaves out.
        total: The number of lines, with those that are left out.
        notes: What is estimated, merged or left out, in sentences without an end.
    """

    name: str
    kind: str
    unit: str
    description: str
    temporality: str | None
    is_monotonic: bool | None
    aggregates: tuple[str, ...]
    step_s: float | None
    since_unix_nano: int
    until_unix_nano: int
    series: tuple[MetricLine, ...]
    omitted: int
    total: int | None
    notes: tuple[str, ...]

    @property
    def aggregate(self) -> str:
        """The aggregates as one text, such as `p50,p95,p99,rate`."""
        return ",".join(self.aggregates)

    @property
    def is_estimate(self) -> bool:
        """Whether any line is estimated."""
        return any(line.is_estimate for line in self.series)

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.series)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        return {
            **{"name": self.name, "kind": self.kind, "unit": self.unit, "description": self.description},
            **{"temporality": self.temporality, "is_monotonic": self.is_monotonic, "aggregate": self.aggregate},
            **{"step_s": self.step_s, "since_unix_nano": self.since_unix_nano, "until_unix_nano": self.until_unix_nano},
            **{"is_estimate": self.is_estimate, "omitted": self.omitted, "notes": list(self.notes)},
            "series": [line.to_dict() for line in self.series],
        }

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return the type and the values of each column: a row for each point, with the labels of its line. Points as
        they are stored, and buckets, have further columns; buckets are JSON."""
        rows = [(line, point) for line in self.series for point in line.points]
        columns: dict[str, tuple[type, Sequence[Any]]] = {
            "time_unix_nano": (int, [point.time_unix_nano for _, point in rows]),
            "aggregate": (str, [line.aggregate for line, _ in rows]),
            "labels": (str, [orjson.dumps(dict(line.labels)).decode() for line, _ in rows]),
        }
        columns["value"] = _make_numbers([point.value for _, point in rows])
        points = [point for _, point in rows if isinstance(point, RawPoint)]
        if points:
            columns |= {name: _make_numbers([getattr(point, name) for point in points]) for name in _RAW_NUMBERS}
            columns["change"] = str, [point.change for point in points]
        if points or "buckets" in self.aggregates:
            columns["buckets"] = str, [_write_buckets(point) for _, point in rows]
        return columns


_RAW_NUMBERS = (
    *("start_time_unix_nano", "delta", "count", "count_delta", "sum", "sum_delta", "min", "max", "raw_points", "flags"),
)


def _make_numbers(values: Sequence[Any]) -> tuple[type, Sequence[Any]]:
    type_ = float if any(isinstance(value, float) for value in values) else int
    return type_, [value if value is None else type_(value) for value in values]


def _write_buckets(point: AnsweredPoint) -> str | None:
    """Return the buckets of a point as JSON."""
    buckets = point.to_dict().get("buckets")
    return None if buckets is None else orjson.dumps(buckets).decode()
