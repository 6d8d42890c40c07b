# SPDX-License-Identifier: Apache-2.0
"""What a MeterProvider collects: all kinds of points that the SDK has, with exemplars, of one service. And metrics as
programs in other languages write them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from opentelemetry.exporter.otlp.json.file import FileMetricExporter
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

RESOURCE = Resource({"service.name": "shop", "list": [1, 2]}, "https://schema.example/1")
_DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}


def make_metrics(*, is_delta: bool = False, rounds: int = 1) -> list[MetricsData]:
    """What a reader collects in each of some rounds."""
    reader = InMemoryMetricReader(preferred_temporality=_DELTA if is_delta else None)  # type: ignore[arg-type]
    exponential = View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], RESOURCE, AlwaysOnExemplarFilter(), shutdown_on_exit=False, views=[exponential])
    meter = provider.get_meter("shop.meter", "1.2", "https://schema.example/2", {"scope.attribute": 1.0})
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shop")
    orders = meter.create_counter("orders", "{order}", "Orders that came")
    stock = meter.create_up_down_counter("stock", "{item}")
    load = meter.create_gauge("load")
    latency = meter.create_histogram("latency", "ms", explicit_bucket_boundaries_advisory=[5.0, 10.0, 100.0])
    wait = meter.create_histogram("wait", "s")
    collected: list[MetricsData] = []
    for number in range(rounds):
        with tracer.start_as_current_span("order"):
            for route in ("/buy", "/look"):
                attributes: dict[str, Any] = {"route": route, "session.id": "chat-1", "retries": [1, 2]}
                orders.add(2**40 + number, attributes)
                stock.add(-number, {"route": route})
                load.set(0.1 * number, {"route": route})
                latency.record(7.5 * number, attributes)
                latency.record(1e6, attributes)
                wait.record(0.25 + number, attributes)
                wait.record(0, attributes)
        found = reader.get_metrics_data()
        assert found is not None
        collected.append(found)
    provider.shutdown()
    return collected


def write_json(collected: Iterable[MetricsData]) -> bytes:
    """What the SDK's own file exporter writes: a line for each."""
    stream = io.StringIO()
    exporter = FileMetricExporter(stream=stream)
    for data in collected:
        exporter.export(data)
    return stream.getvalue().encode()


# As the SDK for JavaScript 2.2 holds them, and JSON.stringify writes them.
JAVASCRIPT: dict[str, Any] = {
    "resource": {"_rawAttributes": [["service.name", "shop"]], "_asyncAttributesPending": False, "_schemaUrl": "s/1"},
    "scopeMetrics": [
        {
            "scope": {"name": "meter", "version": "1.2", "schemaUrl": "s/2"},
            "metrics": [
                {
                    "descriptor": {
                        "name": "orders",
                        "type": "COUNTER",
                        "description": "O",
                        "unit": "{order}",
                        "valueType": 0,
                    },
                    "aggregationTemporality": 1,
                    "dataPointType": 3,
                    "dataPoints": [
                        {"attributes": {"route": "/a"}, "startTime": [5, 1], "endTime": [6, 983000000], "value": 2}
                    ],
                    "isMonotonic": True,
                },
                {
                    "descriptor": {"name": "load", "type": "GAUGE", "description": "", "unit": "", "valueType": 1},
                    "aggregationTemporality": 0,
                    "dataPointType": 2,
                    "dataPoints": [{"attributes": {}, "startTime": [5, 2], "endTime": [6, 983000000], "value": 3}],
                },
                {
                    "descriptor": {
                        "name": "latency",
                        "type": "HISTOGRAM",
                        "description": "",
                        "unit": "ms",
                        "valueType": 1,
                    },
                    "aggregationTemporality": 0,
                    "dataPointType": 0,
                    "dataPoints": [
                        {
                            "attributes": {"route": "/a"},
                            "startTime": [5, 3],
                            "endTime": [6, 983000000],
                            "value": {
                                "min": 7.5,
                                "max": 1000000,
                                "sum": 1000007.5,
                                "buckets": {"boundaries": [5, 10], "counts": [0, 1, 1]},
                                "count": 2,
                            },
                        }
                    ],
                },
                {
                    "descriptor": {"name": "wait", "type": "HISTOGRAM", "description": "", "unit": "", "valueType": 1},
                    "aggregationTemporality": 1,
                    "dataPointType": 1,
                    "dataPoints": [
                        {
                            "attributes": {"route": "/a"},
                            "startTime": [5, 4],
                            "endTime": [6, 983000000],
                            "value": {
                                "min": 0,
                                "max": 0.25,
                                "sum": 0.25,
                                "positive": {"offset": -2097153, "bucketCounts": [1]},
                                "negative": {"offset": 0, "bucketCounts": []},
                                "count": 2,
                                "scale": 20,
                                "zeroCount": 1,
                            },
                        }
                    ],
                },
            ],
        }
    ],
}

# As Copilot CLI 1.0.102 writes them, shortened.
_COPILOT: dict[str, Any] = {
    "type": "metric",
    "unit": "{call}",
    "description": "Number of tool calls.",
    "resource": {
        "attributes": {"service.name": "github-copilot"},
        "schemaUrl": "https://opentelemetry.io/schemas/1.44.0",
    },
    "instrumentationScope": {"name": "github.copilot", "version": "1.0.102"},
}
_COPILOT_TIMES = {"startTime": [1795971911, 996640341], "endTime": [1795971912, 988337071]}
_COPILOT_BUCKETS = {"boundaries": [0.01, 0.02], "counts": [0, 0, 1]}
_COPILOT_VALUE = {"buckets": _COPILOT_BUCKETS, "count": 1, "sum": 0.5, "min": 0.5, "max": 0.5}
COPILOT = [
    _COPILOT | {"name": "calls", "dataPoints": [{"attributes": {"tool": "bash"}, **_COPILOT_TIMES, "value": 1}]},
    _COPILOT | {"name": "times", "dataPoints": [{"attributes": {}, **_COPILOT_TIMES, "value": _COPILOT_VALUE}]},
    _COPILOT | {"name": "none", "dataPoints": []},
]
