# SPDX-License-Identifier: Apache-2.0
"""Metrics, as a reader of the SDK gives them to the exporter, in the file."""

from __future__ import annotations

import gc
import json
import logging
import math
import sqlite3
import threading
import weakref
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult, MetricsData
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteMetricExporter, SQLiteSpanExporter
from tests.conftest import HANG_S, health, read
from tests.metering import make_data, make_provider, make_sum, metering, points, totals

SUCCESS, FAILURE = MetricExportResult.SUCCESS, MetricExportResult.FAILURE
DELTA = AggregationTemporality.DELTA


def observe(value: float, **attributes: Any) -> Any:
    """A callback of an observable instrument."""

    def callback(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(value, attributes)

    return callback


def use_every_instrument(provider: MeterProvider) -> None:
    meter = provider.get_meter("shop", "1.2", "https://example.com/schema", {"team": "a"})
    meter.create_counter("orders", "{order}", "Orders that were paid").add(3, {"kind": "book"})
    meter.create_up_down_counter("waiting").add(-2)
    meter.create_histogram("duration", "s").record(0.25, {"route": "/"})
    meter.create_gauge("temperature", "Cel").set(21.5)
    meter.create_observable_counter("read", [observe(7)], "By")
    meter.create_observable_up_down_counter("threads", [observe(-1)])
    meter.create_observable_gauge("load", [observe(0.5, cpu=1)])


KINDS = {
    "orders": ("sum", "cumulative", 1, 3),
    "waiting": ("sum", "cumulative", 0, -2),
    "duration": ("histogram", "cumulative", None, None),
    "temperature": ("gauge", None, None, 21.5),
    "read": ("sum", "cumulative", 1, 7),
    "threads": ("sum", "cumulative", 0, -1),
    "load": ("gauge", None, None, 0.5),
}


def test_every_instrument_is_stored_with_its_kind(path: Path) -> None:
    with metering(path) as provider:
        use_every_instrument(provider)
    rows = points(path, "name", "kind", "temporality", "is_monotonic", "value")
    assert {name: tuple(rest) for name, *rest in rows} == KINDS
    query = "SELECT unit, description, scope_name, scope_version, services, series FROM metrics WHERE name = 'orders'"
    assert read(path, query) == [("{order}", "Orders that were paid", "shop", "1.2", '["one"]', 1)]
    scopes = read(path, "SELECT name, version, schema_url, attributes FROM _scopes")
    assert scopes == [("shop", "1.2", "https://example.com/schema", '{"team":"a"}')]
    ((count, total, low, high, buckets),) = points(path, "count", "sum", "min", "max", "buckets", where="count > 0")
    assert (count, total, low, high) == (1, 0.25, 0.25, 0.25)
    assert sum(json.loads(buckets)["counts"]) == 1
    assert points(path, "attributes", where="name = 'load'") == [('{"cpu":1}',)]
    assert health(path, "received", "written", "repaired", "quarantined", "dropped") == (7, 7, 0, 0, 0)
    assert read(path, "SELECT DISTINCT signal FROM exporter_health") == [("metrics",)]


def test_integers_and_floats_stay_what_they_were(path: Path) -> None:
    with metering(path) as provider:
        meter = provider.get_meter("tests")
        for name, value in {"integer": 3, "float": 3.0, "large": 2**70, "huge float": 1e300}.items():
            meter.create_gauge(name.replace(" ", "_")).set(value)
    rows = {name: (value, kind) for name, value, kind in points(path, "name", "value", "value_type")}
    assert rows == {
        "integer": (3, "integer"),
        "float": (3.0, "real"),
        "large": (float(2**70), "large"),
        "huge_float": (1e300, "real"),
    }


def test_what_a_series_added_is_told_between_its_points(path: Path) -> None:
    with metering(path) as provider:
        meter = provider.get_meter("tests")
        counter, histogram = meter.create_counter("requests"), meter.create_histogram("took")
        for step in (1, 2, 0, 5):
            counter.add(step)
            histogram.record(step)
            provider.force_flush()
    assert points(path, "value", "delta", "change", where="name = 'requests'") == [
        (1, 1, "first"),
        (3, 2, None),
        (3, 0, None),
        (8, 5, None),
        (8, 0, None),
    ]
    assert totals(path, "count_delta")["took", "{}"] == 4
    assert totals(path, "sum_delta")["took", "{}"] == 8


@pytest.mark.parametrize(
    ("keyword", "deltas"),
    [
        (None, set()),
        ("cumulative", set()),
        ("delta", {Counter, Histogram, ObservableCounter}),
        ("lowmemory", {Counter, Histogram}),
    ],
)
def test_the_temporality_of_each_instrument_is_a_setting(keyword: str | None, deltas: set[type], path: Path) -> None:
    assert SQLiteMetricExporter(path, metric_temporality=keyword)._preferred_temporality == dict.fromkeys(deltas, DELTA)
    with metering(path, metric_temporality=keyword) as provider:
        use_every_instrument(provider)
    stored = dict(read(path, "SELECT name, temporality FROM metrics"))
    assert stored["orders"] == stored["duration"] == ("delta" if Counter in deltas else "cumulative")
    assert stored["read"] == ("delta" if ObservableCounter in deltas else "cumulative")
    assert stored["waiting"] == stored["threads"] == "cumulative"


@pytest.mark.parametrize("variable", ["", "LOWMEMORY", "delta"])
def test_the_temporality_has_a_variable(variable: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_METRIC_TEMPORALITY", variable)
    with metering(path) as provider:
        provider.get_meter("tests").create_counter("orders").add(1)
    assert read(path, "SELECT temporality FROM metrics") == [("delta" if variable else "cumulative",)]


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_exponential_histograms_are_a_setting(temporality: str, path: Path) -> None:
    with metering(path, metric_histograms="exponential", metric_temporality=temporality) as provider:
        histogram = provider.get_meter("tests").create_histogram("took")
        for batch in ([0, 1.5, 3], [2, 1e6], []):
            for value in batch:
                histogram.record(value)
            provider.force_flush()
    rows = points(path, "kind", "count", "count_delta", "sum_delta", "buckets")
    assert {row[0] for row in rows} == {"exponential_histogram"}
    assert [row[2] for row in rows][:2] == [3, 2]
    assert sum(row[2] for row in rows) == 5
    assert sum(row[3] for row in rows) == 1_000_006.5
    for _, count, *_, text in rows:
        buckets = json.loads(text)
        filled = [sum(buckets[sign]["counts"]) if buckets[sign] else 0 for sign in ("positive", "negative")]
        assert sum(filled) + buckets["zero_count"] == count


def test_a_view_decides_the_name_the_attributes_and_the_aggregation(path: Path) -> None:
    views = [
        View(instrument_name="took", name="took.seconds", aggregation=ExplicitBucketHistogramAggregation([1, 2])),
        View(instrument_name="took", name="took.exact", aggregation=ExponentialBucketHistogramAggregation(4, 2)),
        View(instrument_name="took", name="took.sum", aggregation=SumAggregation()),
        View(instrument_name="took", name="took.last", aggregation=LastValueAggregation(), attribute_keys=set()),
        View(instrument_name="took", name="no.limits", aggregation=ExplicitBucketHistogramAggregation([5], False)),
        View(instrument_name="noise", aggregation=DropAggregation()),
        View(instrument_name="orders", attribute_keys={"kind"}),
    ]
    with metering(path, views) as provider:
        meter = provider.get_meter("tests")
        for value in (0.5, 1.5, 4):
            meter.create_histogram("took").record(value, {"route": "/"})
        meter.create_counter("noise").add(1)
        for user in ("ada", "bob"):
            meter.create_counter("orders").add(2, {"kind": "book", "user.id": user})
    rows = points(path, "name", "kind", "coalesce(value, count)", "attributes")
    assert rows == [
        ("no.limits", "histogram", 3, '{"route":"/"}'),
        ("orders", "sum", 4, '{"kind":"book"}'),
        ("took.exact", "exponential_histogram", 3, '{"route":"/"}'),
        ("took.last", "gauge", 4, "{}"),
        ("took.seconds", "histogram", 3, '{"route":"/"}'),
        ("took.sum", "sum", 6.0, '{"route":"/"}'),
    ]
    ((buckets,),) = points(path, "buckets", where="name = 'took.seconds'")
    assert json.loads(buckets) == {"bounds": [1, 2], "counts": [1, 1, 1]}
    assert points(path, "min", "max", where="name = 'no.limits'") == [(None, None)]


def test_an_exemplar_leads_to_its_span_and_keeps_what_a_view_left_out(path: Path) -> None:
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    with metering(path, [View(instrument_name="*", attribute_keys={"route"})]) as provider:
        meter = provider.get_meter("tests")
        with spans.get_tracer("tests").start_as_current_span("work", attributes={"session.id": "s-1"}):
            meter.create_histogram("took").record(0.25, {"route": "/", "user.id": "ada"})
            meter.create_counter("orders").add(3)
        meter.create_counter("orders").add(1)  # outside of a span: no exemplar
    spans.shutdown()
    query = "SELECT e.name, e.value, e.value_type, e.span_name, e.session_id, e.attributes FROM exemplars AS e"
    assert read(path, f"{query} JOIN spans AS s USING (trace_id, span_id) ORDER BY e.name") == [
        ("orders", 3, "integer", "work", "s-1", "{}"),
        ("took", 0.25, "real", "work", "s-1", '{"user.id":"ada"}'),
    ]


def test_sessions_and_users_are_those_of_the_attributes_or_the_resource(path: Path) -> None:
    with metering(path, resource=Resource({"session.id": "r"})) as provider:
        counter = provider.get_meter("tests").create_counter("tokens")
        counter.add(1, {"session.id": "s-1", "user.id": "ada"})
        counter.add(2)
    assert points(path, "value", "session_id", "user_id") == [(1, "s-1", "ada"), (2, "r", None)]


def test_a_point_that_is_exported_twice_is_there_once(path: Path) -> None:
    exporter = SQLiteMetricExporter(path)
    data = make_data(make_sum("orders", 1, 2), make_sum("visits", 3))
    assert [exporter.export(data) for _ in range(2)] == [SUCCESS, SUCCESS]
    exporter.shutdown()
    assert points(path, "name", "value") == [("orders", 1), ("orders", 2), ("visits", 3)]
    assert health(path, "received", "written", "duplicate") == (6, 3, 3)


def test_shutdown_closes_the_file_once_and_later_exports_fail(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exporter = SQLiteMetricExporter(path)
    provider = make_provider(exporter)
    provider.get_meter("tests").create_counter("orders").add(1)
    provider.force_flush()
    provider.shutdown()
    assert caplog.records == []
    assert exporter.export(make_data(make_sum("late", 1))) is FAILURE
    assert exporter.force_flush() is True
    exporter.shutdown()
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert points(path, "name") == [("orders",)]


def test_an_empty_export_makes_no_file(path: Path) -> None:
    exporter = SQLiteMetricExporter(path)
    nothing: list[Any] = [None, MetricsData([]), make_data()]
    assert [exporter.export(data) for data in nothing] == [SUCCESS] * 3
    exporter.shutdown()
    assert not path.exists()


@pytest.mark.parametrize(("limit", "busy_timeout_ms"), [(0, 10**9), (-5, 10**9), (1, 10**9), (math.inf, 0), (None, 0)])
def test_the_deadline_of_the_reader_limits_the_wait_for_other_writers(
    path: Path, limit: Any, busy_timeout_ms: int
) -> None:
    exporter = SQLiteMetricExporter(path, busy_timeout_ms=busy_timeout_ms)
    assert exporter.export(make_data(make_sum("orders", 1))) is SUCCESS
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        # It is in the spool. With either limit alone, this would take days.
        assert exporter.export(make_data(make_sum("waits", 1)), timeout_millis=limit) is SUCCESS
    exporter.shutdown(timeout=limit)
    assert points(path, "name") == [("orders",), ("waits",)]
    assert health(path, "spooled", "replayed") == (1, 1)


def test_several_readers_and_threads_share_a_file(path: Path) -> None:
    providers = [
        make_provider(SQLiteMetricExporter(path), resource=Resource({"service.name": str(n)})) for n in range(4)
    ]

    def work(provider: MeterProvider) -> None:
        counter = provider.get_meter("tests").create_counter("orders")
        for _ in range(20):
            counter.add(1)
            provider.force_flush()
        provider.shutdown()

    threads = [threading.Thread(target=work, args=[provider]) for provider in providers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    query = "SELECT service_name, sum(delta), count(*) FROM metric_points GROUP BY service_name"
    assert read(path, query) == [(str(number), 20, 20) for number in range(4)]


def test_nothing_keeps_an_exporter_that_is_no_longer_used(path: Path) -> None:
    import multiprocessing.util  # noqa: F401 - its registry knows the exporter

    exporter = SQLiteMetricExporter(path)
    assert exporter.export(make_data(make_sum("orders", 1))) is SUCCESS
    reference = weakref.ref(exporter)
    exporter.shutdown()
    del exporter
    gc.collect()
    assert reference() is None
