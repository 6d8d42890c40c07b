# SPDX-License-Identifier: Apache-2.0
"""The number of SQL statements of a batch does not depend on the number of its spans or data points, whatever they
tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics._internal.exemplar import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteMetricExporter, SQLiteSpanExporter
from otel_sqlite_exporter.write.statements import find_parameter_limit
from tests.conftest import exporting, health, make_spans, read, using
from tests.metering import make_data

_T = 1_795_000_000_000_000_000
_RESOURCE = Resource({"service.name": "one"})
_MANY = 300
# The planner's statistics are gathered when the file doubles: with so many spans it has, and will not again here.
_BEFORE = 4_100


def count_statements(
    exporter: SQLiteSpanExporter | SQLiteLogRecordExporter | SQLiteMetricExporter, export: Callable[[], object]
) -> Counter[str]:
    """How often each statement is run by an export, by its first words; those that triggers run count once."""
    texts: list[str] = []
    with using(exporter) as connection:
        connection.set_trace_callback(texts.append)
    export()
    with using(exporter) as connection:
        connection.set_trace_callback(None)
    # Each time a trigger runs, SQLite gives the text of its statement again.
    # What says how long to wait depends on the clock: two in one millisecond have one text.
    kept = (text for text in dict.fromkeys(texts) if not text.startswith("PRAGMA busy_timeout"))
    return Counter(" ".join(text.split()[:3]) for text in kept)


@pytest.mark.slow
def test_a_large_batch_takes_no_more_statements_than_one_span(path: Path) -> None:
    # 2,048 spans where SQLite allows as many parameters in a statement (a span has 23 of them), else as many as fit.
    most = min(2_048, find_parameter_limit() // 23)
    assert most >= 1_000

    def export(exporter: SQLiteSpanExporter, spans: int) -> Counter[str]:
        names = [f"{spans}/{number}" for number in range(spans)]
        batch = make_spans(*names, attributes={"session.id": "one", "gen_ai.operation.name": "chat"})
        return count_statements(exporter, lambda: exporter.export(batch))

    with exporting(path) as exporter:
        exporter.export(make_spans(*map(str, range(_BEFORE)), attributes={"session.id": "one"}))
        export(exporter, 2)  # the first call adds its reporter
        one, many = export(exporter, 1), export(exporter, most)
    assert one["BEGIN IMMEDIATE"] == one["COMMIT"] == one["INSERT INTO _spans"] == 1
    assert many == one
    assert sum(one.values()) < 20
    assert health(path, "written") == (most + _BEFORE + 3,)


def make_span(trace: int, number: int, attributes: dict[str, Any], *, is_open: bool = False) -> ReadableSpan:
    """The span of that number in a trace; the first is the parent of the others. Each has a record that may pair with
    one of another span."""
    return ReadableSpan(
        "work",
        SpanContext(trace, number, False, TraceFlags(1)),
        parent=None if number == 1 else SpanContext(trace, 1, False, TraceFlags(1)),
        resource=_RESOURCE,
        attributes=attributes,
        events=[] if is_open else [Event("job.start" if number == 1 else "job.finish", {}, _T + number)],
        start_time=_T,
        end_time=None if is_open else _T + 1_000,
    )


Export = Callable[[SQLiteSpanExporter, range], Counter[str]]


def _export_late_sessions(exporter: SQLiteSpanExporter, traces: range) -> Counter[str]:
    """Spans of many traces, whose sessions other spans of them name later."""
    assert exporter.export([make_span(trace, 2, {}) for trace in traces]) is SpanExportResult.SUCCESS
    roots = [make_span(trace, 1, {"session.id": f"late {trace}"}) for trace in traces]
    return count_statements(exporter, lambda: exporter.export(roots))


def _export_sessions_named_together(exporter: SQLiteSpanExporter, traces: range) -> Counter[str]:
    """Open child spans and their finishes, which name their sessions only together."""
    early = [
        make_span(trace, 2, {"session.id": "weak", "gen_ai.conversation.id": f"together {trace}"}, is_open=True)
        for trace in traces
    ]
    assert exporter.export_open(early) is SpanExportResult.SUCCESS
    return count_statements(
        exporter, lambda: exporter.export([make_span(trace, 2, {"session.id": ""}) for trace in traces])
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("export", "pattern"),
    [
        pytest.param(_export_late_sessions, "late %", id="sessions that come late"),
        pytest.param(_export_sessions_named_together, "together %", id="sessions that start and finish name together"),
    ],
)
def test_many_traces_take_no_more_statements_than_one(path: Path, export: Export, pattern: str) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans(*map(str, range(_BEFORE))))
        one, many = export(exporter, range(1, 2)), export(exporter, range(2, 2 + _MANY))
    assert one["BEGIN IMMEDIATE"] == one["COMMIT"] == 1
    assert many == one
    assert sum(one.values()) < 40
    (named,) = read(path, "SELECT count(DISTINCT session_id) FROM spans WHERE session_id LIKE ?", pattern)
    assert named == (_MANY + 1,)


def make_points(seconds: range, series: range, name: str = "requests") -> Metric:
    """A counter of some series, at some times, each point with two exemplars."""
    exemplars = [Exemplar({"n": 1}, 1, _T, 7, trace) for trace in (8, 9)]
    points = [
        NumberDataPoint({"n": number}, _T, _T + second * 10**9, second, exemplars)
        for second in seconds
        for number in series
    ]
    return Metric(name, "", "1", Sum(points, AggregationTemporality.CUMULATIVE, True))


def make_sizes(seconds: range, series: range) -> Metric:
    """A histogram of some series, at some times; each has bounds of its own."""
    points = [
        HistogramDataPoint({"n": number}, _T, _T + second * 10**9, 1, 1, (1, 0), (number,), 1, 1)
        for second in seconds
        for number in series
    ]
    return Metric("sizes", "", "1", Histogram(points, AggregationTemporality.CUMULATIVE))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda first, count: [make_points(range(first + 9, first + 10), range(count))], id="known series"),
        pytest.param(lambda first, count: [make_points(range(1, 1 + count), range(1))], id="many of a series"),
        pytest.param(lambda first, count: [make_points(range(2, 3), range(count))], id="late points"),
        pytest.param(lambda first, count: [make_points(range(3, 4), range(count))] * 2, id="repeated points"),
        pytest.param(lambda first, count: [make_points(range(9, 10), range(first, first + count))], id="new series"),
        pytest.param(lambda first, count: [make_sizes(range(9, 10), range(first, first + count))], id="new bounds"),
        pytest.param(
            lambda first, count: [make_points(range(9, 10), range(1), f"{first} {n}") for n in range(count)],
            id="new metrics",
        ),
    ],
)
def test_many_points_take_no_more_statements_than_one(path: Path, make: Callable[[int, int], list[Metric]]) -> None:
    exporter = SQLiteMetricExporter(path)
    exporter.export(make_data(make_points(range(3, 4), range(_MANY)), make_sizes(range(3, 4), range(_MANY))))
    exporter.export(make_data(make_points(range(4, 5), range(_MANY)), make_sizes(range(4, 5), range(_MANY))))
    one, many = (
        count_statements(exporter, lambda count=count: exporter.export(make_data(*make(count * 1_000, count))))  # type: ignore[misc]
        for count in (1, _MANY)
    )
    exporter.shutdown()
    assert one["BEGIN IMMEDIATE"] == one["COMMIT"] == 1
    assert many == one
    assert sum(one.values()) < 20
