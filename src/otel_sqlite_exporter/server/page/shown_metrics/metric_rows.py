# SPDX-License-Identifier: Apache-2.0
"""Metrics as the rows of a list: each with its latest value, and a line as small as a word."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine
from otel_sqlite_exporter.query.metric_series.series_reader import SeriesQuestion, read_metric_series
from otel_sqlite_exporter.server.page.charts.svg_lines import draw_small
from otel_sqlite_exporter.server.page.page_links import link_series
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.measures import format_measure, name_unit

SECONDS = 0.3
"""How long the latest values of a page are read; later rows have none."""
_SHOWN_NS = 3_600 * 10**9
"""The part of a metric that its small line shows: the last hour."""
_MOST_SERVICES = 3
_QUANTILE = "p95"
_STEPS = 30


class LatestValue(NamedTuple):
    """The last value of a metric, and how it came to be.

    Attributes:
        text: The value with its unit.
        aggregate: Such as `rate`, or `p95`, of all series together.
        line: The last hour as a small line; None: too few values.
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
        latest: None: there is no value, or it would take too long.
    """

    metric: MetricSummary
    link: str
    kind: str
    unit: str
    services: Sequence[str]
    more_services: int
    latest: LatestValue | None


def make_rows(
    connection: sqlite3.Connection, metrics: Sequence[MetricSummary], filters: Mapping[str, Any]
) -> list[MetricRow]:
    """Return the rows of some metrics, whose series meet the filters. Their latest values are read for 0.3 s."""
    deadline = time.monotonic() + SECONDS
    return [_make_row(connection, metric, filters, deadline) for metric in metrics]


def _make_row(
    connection: sqlite3.Connection, metric: MetricSummary, filters: Mapping[str, Any], deadline: float
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
        _read_latest(connection, metric, kept) if is_due else None,
    )


def describe_kind(metric: MetricSummary) -> str:
    """Return what kind of metric it is, in words."""
    words = [metric.kind.replace("_", " ")]
    if metric.kind == "sum" and not metric.is_monotonic:
        words = ["sum that may fall"]
    return ", ".join([*words, *([metric.temporality] if metric.temporality else [])])


def _read_latest(
    connection: sqlite3.Connection, metric: MetricSummary, filters: Mapping[str, Any]
) -> LatestValue | None:
    last = metric.last_time_unix_nano or 0
    aggregate = _QUANTILE if metric.kind in (HISTOGRAM, EXPONENTIAL_HISTOGRAM) else None
    try:
        question = SeriesQuestion(
            metric.name,
            since=max(metric.first_time_unix_nano or 0, last - _SHOWN_NS),
            until=last + 1,
            step=None,
            aggregate=aggregate,
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


def _describe(line: MetricLine) -> LatestValue | None:
    points = [*list_values(line)]
    value = next((value for _, value in reversed(points) if value is not None), None)
    if value is None:
        return None
    return LatestValue(format_measure(value, line.unit), line.aggregate, line.is_estimate, draw_small(points))


def list_values(line: MetricLine) -> Iterator[tuple[float, float | None]]:
    """Yield the points of a line as seconds since 1970 and a value."""
    for point in line.points:
        yield point.time_unix_nano / 1e9, point.value
