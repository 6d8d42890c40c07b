# SPDX-License-Identifier: Apache-2.0
"""The exporter's metrics of the semantic conventions: recorded where they are asked for, and nowhere else."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.conftest import exporting, in_new_process, make_spans


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
