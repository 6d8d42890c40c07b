# SPDX-License-Identifier: Apache-2.0
"""The exporter's metrics of the semantic conventions: recorded where they are asked for, and nowhere else."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteMetricExporter, SQLiteSpanExporter
from tests.conftest import exporting, health, in_new_process, make_spans, read


def export_and_print_metrics(path: str) -> None:
    logging.disable()
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
    with exporting(path, spool_limit_bytes=0, busy_timeout_ms=0) as exporter:
        exporter.export(make_spans("one", "two"))
        with closing(sqlite3.connect(path, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            exporter.export(make_spans("lost"))
        data: Any = reader.get_metrics_data()
    points = [
        [metric.name, metric.unit, dict(point.attributes), getattr(point, "value", None) or getattr(point, "count", 0)]
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
        if metric.name.startswith("otel.sdk.exporter.")
    ]
    print(json.dumps(points))


def test_they_say_how_many_were_exported_and_lost(path: Path) -> None:
    points = in_new_process(export_and_print_metrics, path, OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED="true")
    component = {
        "otel.component.type": "otel_sqlite_exporter.SQLiteSpanExporter",
        "otel.component.name": "otel_sqlite_exporter.SQLiteSpanExporter/0",
    }
    lost = component | {"error.type": "OperationalError"}
    assert sorted(points, key=str) == sorted(
        [
            ["otel.sdk.exporter.span.inflight", "{span}", component, 0],
            ["otel.sdk.exporter.span.exported", "{span}", component, 2],
            ["otel.sdk.exporter.span.exported", "{span}", lost, 1],
            ["otel.sdk.exporter.operation.duration", "s", component, 1],
            ["otel.sdk.exporter.operation.duration", "s", lost, 1],
        ],
        key=str,
    )


def test_they_are_not_recorded_unasked(path: Path) -> None:
    assert in_new_process(export_and_print_metrics, path) == []


def measure_own_exports(path: str, temporality: str) -> None:
    """All signals go to one file with their own metrics, and a reader of metrics exports what it measures of itself.
    The driver of SQLite is instrumented, too."""
    exporter = SQLiteMetricExporter(path, metric_temporality=temporality)
    logging.disable()  # the reader warns if it collects before its provider is there
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=5)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    logging.disable(logging.NOTSET)
    metrics.set_meter_provider(provider)
    traces = TracerProvider(shutdown_on_exit=False)
    traces.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    SQLite3Instrumentor().instrument(tracer_provider=traces)
    counter = metrics.get_meter("tests").create_counter("orders")
    with closing(sqlite3.connect(":memory:")) as application:
        for number in range(60):
            counter.add(1)
            application.cursor().execute("SELECT 1")
            if number % 20 == 0:
                provider.force_flush()
    provider.force_flush()
    with closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # exports wait, and are measured
        time.sleep(0.05)
    provider.shutdown()
    traces.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_an_exporter_that_measures_itself_makes_no_loop(path: Path, temporality: str) -> None:
    variable: Any = {"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true"}
    in_new_process(measure_own_exports, path, temporality, **variable)
    names = [f"otel.sdk.exporter.{of}" for of in ("metric_data_point.exported", "operation.duration", "span.exported")]
    series = dict(read(path, "SELECT name, sum(series) FROM metrics GROUP BY name"))
    assert [series[name] for name in names] == [1, 2, 1]
    assert sum(series.values()) < 25
    query = "SELECT total(delta) FROM metric_points WHERE name = ?"
    assert read(path, query, "orders") == [(60,)]
    # Each export is in the points of a later one, so the last is in none.
    (((exported,),), (written,)) = read(path, query, names[0]), health(path, "written")
    assert 0 < exported <= written
    assert health(path, "quarantined", "dropped") == (0, 0)
    # The application's own statements, and none of the exporter's.
    assert read(path, "SELECT DISTINCT name FROM spans") == [("SELECT",)]
    assert read(path, "SELECT count(*) FROM spans") == [(60,)]
