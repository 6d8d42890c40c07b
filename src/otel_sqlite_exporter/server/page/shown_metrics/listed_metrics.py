# SPDX-License-Identifier: Apache-2.0
"""Metrics as the rows of a list: each with a value, and a line as small as a word."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUM
from otel_sqlite_exporter.query.metric_series.metric_aggregates import INCREASE
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine
from otel_sqlite_exporter.query.metric_series.series_reader import SeriesQuestion, read_metric_series
from otel_sqlite_exporter.server.page.charts.svg_lines import draw_small
from otel_sqlite_exporter.server.page.page_links import link_series
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.measures import format_measure, name_unit

SECONDS = 0.3
"""How long the values of a page are read; later rows have none."""
_SHOWN_NS = 3_600 * 10**9
"""An hour."""
_MOST_SERVICES = 3
_QUANTILE = "p95"
_STEPS = 30


class RowSpan(NamedTuple):
    """The part of a metric that rows show: its last hour with the last rate of a counter, or all of it with all that a
    counter counted."""

    is_whole: bool = False

    def find_since(self, metric: MetricSummary) -> int:
        """Return where the part begins, in nanoseconds since 1970."""
        first, last = metric.first_time_unix_nano or 0, metric.last_time_unix_nano or 0
        return 0 if self.is_whole else max(first, last - _SHOWN_NS)

    def choose_aggregate(self, metric: MetricSummary) -> str | None:
        """Return what is asked of a metric; None: what suits its kind."""
        if metric.kind in (HISTOGRAM, EXPONENTIAL_HISTOGRAM):
            return _QUANTILE
        return INCREASE if self.is_whole and metric.kind == SUM and metric.is_monotonic else None


LAST_HOUR, WHOLE = RowSpan(), RowSpan(is_whole=True)


class ShownValue(NamedTuple):
    """A value of a metric, and how it came to be.

    Attributes:
        text: The value with its unit.
        aggregate: Such as `rate`, or `p95`, of all series together.
        line: The values over time as a small line; None: too few values.
    """

    text: str
    aggregate: str
    is_estimate: bool
    line: Html | None


class MetricRow(NamedTuple):
    """A row of the list.

    Attributes:
        kind: Such as `sum, cumulative`.
        services: The first of them; `more_services` others have series too.
        value: None: there is no value, or it would take too long.
    """

    metric: MetricSummary
    link: str
    kind: str
    unit: str
    services: Sequence[str]
    more_services: int
    value: ShownValue | None


def make_rows(
    connection: sqlite3.Connection,
    metrics: Sequence[MetricSummary],
    filters: Mapping[str, Any],
    span: RowSpan = LAST_HOUR,
) -> list[MetricRow]:
    """Return the rows of some metrics, whose series meet the filters. Their values are read for 0.3 s."""
    deadline = time.monotonic() + SECONDS
    return [_make_row(connection, metric, filters, span, deadline) for metric in metrics]


def _make_row(
    connection: sqlite3.Connection, metric: MetricSummary, filters: Mapping[str, Any], span: RowSpan, deadline: float
) -> MetricRow:
    services = [str(one) for one in orjson.loads(metric.services)]
    is_due = metric.last_time_unix_nano is not None and time.monotonic() < deadline
    kept = {name: value for name, value in filters.items() if name in ("service_name", "session_id", "user_id")}
    return MetricRow(
        metric,
        link_series(metric.name, **kept),
        describe_kind(metric),
        name_unit(metric.unit),
        services[:_MOST_SERVICES],
        max(len(services) - _MOST_SERVICES, 0),
        _read_value(connection, metric, kept, span) if is_due else None,
    )


def describe_kind(metric: MetricSummary) -> str:
    """Return what kind of metric it is, in words."""
    words = [metric.kind.replace("_", " ")]
    if metric.kind == "sum" and not metric.is_monotonic:
        words = ["sum that may fall"]
    return ", ".join([*words, *([metric.temporality] if metric.temporality else [])])


def _read_value(
    connection: sqlite3.Connection, metric: MetricSummary, filters: Mapping[str, Any], span: RowSpan
) -> ShownValue | None:
    try:
        question = SeriesQuestion(
            metric.name,
            since=span.find_since(metric) or None,
            until=None if span.is_whole else (metric.last_time_unix_nano or 0) + 1,
            step=None,
            aggregate=span.choose_aggregate(metric),
            group_by=(),
            limit=1,
            most_steps=_STEPS,
            timezone="UTC",
            filters={"kind": metric.kind, "unit": metric.unit, **filters},
        )
        result = read_metric_series(connection, question)
    except (FilterError, NotFoundError):
        return None  # other series of this name and kind have another unit or temporality
    return next(map(_describe, result.series), None)


def _describe(line: MetricLine) -> ShownValue | None:
    points = [*list_values(line)]
    known = [value for _, value in points if value is not None]
    if not known:
        return None
    value = sum(known) if line.aggregate == INCREASE else known[-1]
    return ShownValue(format_measure(value, line.unit), line.aggregate, line.is_estimate, draw_small(points))


def list_values(line: MetricLine) -> Iterator[tuple[float, float | None]]:
    """Yield the points of a line as seconds since 1970 and a value."""
    for point in line.points:
        yield point.time_unix_nano / 1e9, point.value
