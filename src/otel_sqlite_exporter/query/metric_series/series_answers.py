# SPDX-License-Identifier: Apache-2.0
"""Answers about the series of a metric: lines of points over time, as they are and as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

from otel_sqlite_exporter.query.notebooks import notebook_lines
from otel_sqlite_exporter.query.pages import ResultTable
from otel_sqlite_exporter.show.units import format_iso_time


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
_NUMBERS = ("value", "delta", "count", "count_delta", "sum", "sum_delta", "min", "max")
_WHOLE = ("start_time_unix_nano", "raw_points", "flags")
_OWN = frozenset(("time_unix_nano", "time", "aggregate", "lower", "upper", *(field.name for field in fields(RawPoint))))


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
        """Return the type and the values of each column: a row for each point, and for each bucket of a point, with the
        labels of its line."""
        return {
            name: (type_, [value if value is None else type_(value) for value in values] if type_ is float else values)
            for name, (type_, values) in make_series_columns(self.series).items()
        }

    def _repr_html_(self) -> str:
        return notebook_lines.show_series(self)


def make_series_columns(lines: Sequence[MetricLine]) -> dict[str, tuple[type, Sequence[Any]]]:
    """Return the type and the values of each column: the time, the labels, and the value of each point; of a line of
    buckets, those of each bucket with its bounds. A label with the name of another column is `labels.NAME`."""
    rows = [(line, row) for line in lines for row in _list_rows(line)]
    columns: dict[str, tuple[type, Sequence[Any]]] = {
        "time_unix_nano": (int, [row["time_unix_nano"] for _, row in rows]),
        "time": (str, [format_iso_time(row["time_unix_nano"]) for _, row in rows]),
    }
    for key in dict.fromkeys(key for line in lines for key in line.labels):
        name = f"labels.{key}" if key in _OWN else key
        columns[name] = str, [write_label(line.labels.get(key)) for line, _ in rows]
    if any(isinstance(point, RawPoint) for line in lines for point in line.points):
        return columns | _make_raw_columns([row for _, row in rows])
    columns["aggregate"] = str, [line.aggregate for line, _ in rows]
    if any("lower" in row for _, row in rows):
        columns |= {name: (float, [row.get(name) for _, row in rows]) for name in ("lower", "upper")}
    columns["value"] = _read_numbers([row for _, row in rows], "value")
    return columns


def write_label(value: Any) -> str | None:
    """Return the value of a label as text: one that is no text as JSON."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _list_rows(line: MetricLine) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for point in line.points:
        if isinstance(point, RawPoint):
            buckets = None if point.buckets is None else orjson.dumps(point.buckets).decode()
            rows.append({field.name: getattr(point, field.name) for field in fields(point)} | {"buckets": buckets})
        elif point.buckets is None:
            rows.append({"time_unix_nano": point.time_unix_nano, "value": point.value})
        else:
            for bucket in point.buckets:
                bounds = {"lower": bucket.lower, "upper": bucket.upper}
                rows.append({"time_unix_nano": point.time_unix_nano, "value": bucket.count, **bounds})
    return rows


def _make_raw_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[type, Sequence[Any]]]:
    columns: dict[str, tuple[type, Sequence[Any]]] = {}
    for field in fields(RawPoint)[1:]:
        if field.name in _NUMBERS:
            columns[field.name] = _read_numbers(rows, field.name)
        else:
            columns[field.name] = int if field.name in _WHOLE else str, [row[field.name] for row in rows]
    return columns


def _read_numbers(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[type, Sequence[Any]]:
    """Return the type that can hold the numbers of a column, and the numbers as they are."""
    values = [row[name] for row in rows]
    return int if all(value is None or type(value) is int for value in values) else float, values
