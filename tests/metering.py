# SPDX-License-Identifier: Apache-2.0
"""What tests of metrics share: a provider whose reader exports when it is flushed, and what a file tells of points."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_sqlite_exporter import SQLiteMetricExporter
from tests.conftest import read
from tests.new_files import put_new_file


def make_provider(
    exporter: MetricExporter, views: Sequence[View] = (), resource: Resource | None = None
) -> MeterProvider:
    """A provider that exports only when it is flushed or shut down."""
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    return MeterProvider([reader], resource or Resource({"service.name": "one"}), shutdown_on_exit=False, views=views)


@contextmanager
def metering(
    path: Path | str, views: Sequence[View] = (), resource: Resource | None = None, **keywords: Any
) -> Iterator[MeterProvider]:
    """A provider whose exporter writes to `path`; at the end it exports and is shut down."""
    put_new_file(path)
    provider = make_provider(SQLiteMetricExporter(path, **keywords), views, resource)
    try:
        yield provider
        provider.force_flush()
    finally:
        provider.shutdown()


def make_data(*metrics: Any, resource: Any = None, scope: Any = None) -> MetricsData:
    """What a reader gives to an exporter, of one resource and one scope."""
    scope = InstrumentationScope("tests") if scope is None else scope
    inside = ScopeMetrics(scope, metrics, "")
    return MetricsData([ResourceMetrics(Resource({}) if resource is None else resource, [inside], "")])


def make_sum(name: Any, /, *values: Any, time: Any = 1_795_000_000_000_000_000, **attributes: Any) -> Metric:
    """A counter with these values, a second apart."""
    numbers = [NumberDataPoint(attributes, 1, time + 10**9 * number, value) for number, value in enumerate(values)]
    return Metric(name, "", "1", Sum(numbers, AggregationTemporality.CUMULATIVE, True))


def points(path: Path | str, *columns: str, where: str = "1") -> list[tuple[Any, ...]]:
    """Columns of all points, by name, attributes and time."""
    query = f"SELECT {', '.join(columns)} FROM metric_points WHERE {where} ORDER BY name, attributes, time_unix_nano"
    return read(path, query)


def totals(path: Path | str, column: str = "delta") -> dict[tuple[str, str], Any]:
    """What all points of each series add up to, by name and attributes."""
    query = f"SELECT name, attributes, sum({column}) FROM metric_points GROUP BY name, attributes ORDER BY 1, 2"
    return {(name, attributes): total for name, attributes, total in read(path, query)}


def quarantined(path: Path | str) -> list[tuple[str, Any]]:
    """The reason and the content of each row of the quarantine."""
    rows = read(path, "SELECT reason, content FROM _quarantine ORDER BY id")
    return [(reason, json.loads(content)) for reason, content in rows]
