# SPDX-License-Identifier: Apache-2.0
"""What a MeterProvider collects: all kinds of points that the SDK has, with exemplars, of one service."""

from __future__ import annotations

from typing import Any

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
