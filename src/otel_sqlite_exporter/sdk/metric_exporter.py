# SPDX-License-Identifier: Apache-2.0
"""The exporter of metrics for the OpenTelemetry SDK."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Unpack

from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.metrics.view import Aggregation, ExponentialBucketHistogramAggregation

from otel_sqlite_exporter.declarations import check_keywords, declared_settings, resolve
from otel_sqlite_exporter.encode.each_record import encode_each
from otel_sqlite_exporter.encode.metric_encoding.merged_points import merge_points
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.encode.quarantine import quarantine_fields
from otel_sqlite_exporter.metric_settings import MetricKeywords, MetricSettings
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.rows import QuarantineRow, Records
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.sdk.child_exits import flush_meters_at_exit_of_children, forget_meters
from otel_sqlite_exporter.sdk.forked_counts import ForkedCounts
from otel_sqlite_exporter.sdk.keywords import show_keywords
from otel_sqlite_exporter.sdk.sdk_delivery import make_delivery
from otel_sqlite_exporter.sdk.sdk_points import SDKPoint, describe_point, list_points, read_point
from otel_sqlite_exporter.settings import Settings, resolve_settings

_DELTAS: dict[str, tuple[type, ...]] = {
    "cumulative": (),
    "delta": (Counter, Histogram, ObservableCounter),
    "lowmemory": (Counter, Histogram),
}
"""The instruments whose points are deltas. Source: opentelemetry.io, OTLP metrics exporter, temporality preference."""


@show_keywords(MetricKeywords, Settings, MetricSettings)
class SQLiteMetricExporter(MetricExporter):
    """Writes the data points of metrics to a SQLite file, the same that `SQLiteSpanExporter` writes spans to.

    It gives the same guarantees, and takes the same keywords and those of `MetricSettings`. Give it to a
    `PeriodicExportingMetricReader`. A `redactor` gets the name, the description and the unit of a metric as
    `metric.name`, `metric.description` and `metric.unit`. A point that is exported twice is in the file once.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used. (A bad environment variable logs a warning.)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, **keywords: Unpack[MetricKeywords]) -> None:
        given: dict[str, Any] = {"path": path, **keywords}
        check_keywords(given, Settings, MetricSettings)
        own = {name: given.pop(name, None) for name in declared_settings(MetricSettings)}
        chosen = resolve(MetricSettings, **own)
        settings = resolve_settings(**given)
        deltas = dict.fromkeys(_DELTAS[chosen.metric_temporality], AggregationTemporality.DELTA)
        aggregations: dict[type, Aggregation] = {}
        if chosen.metric_histograms == "exponential":
            aggregations[Histogram] = ExponentialBucketHistogramAggregation()
        super().__init__(preferred_temporality=deltas, preferred_aggregation=aggregations)
        self._redactor = make_span_redactor(settings)
        keeps_attributes = self._redactor is None
        self._encoder = PointEncoder(settings.session_attributes, keeps_attributes=keeps_attributes)
        self._counts = ForkedCounts()
        self._delivery = make_delivery(settings, "metrics")
        flush_meters_at_exit_of_children(self)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Write data points; results are those of `SQLiteSpanExporter.export`. It waits for other writers no longer
        than `timeout_millis` either. A metric of a kind that the SDK does not have is in the file's quarantine."""
        arrival = time.time_ns()

        def encode(item: SDKPoint) -> EncodedPoint:
            return self._encoder.encode_point(self._redact(read_point(item)), arrival)

        def quarantine(item: SDKPoint, error: Exception) -> QuarantineRow:
            fields = None
            with suppress(Exception):
                fields = self._redact(describe_point(item))
            return quarantine_fields(fields, error, arrival)

        encoded = encode_each(list_points(metrics_data), encode, quarantine)
        records = Records(points=self._find_own(encoded.rows), quarantine=encoded.refused)
        is_durable = self._delivery.deliver(records, lost=encoded.lost, timeout_s=_limit(timeout_millis))
        return MetricExportResult.SUCCESS if is_durable else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Close the file. Waits for an export that still runs, at most for `busy_timeout_ms` or `timeout_millis`."""
        forget_meters(self)
        # The periodic reader of the SDK has another name for it.
        self._delivery.close(_limit(kwargs.get("timeout", timeout_millis)))

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Return True: each export is written when it returns."""
        return True

    def _find_own(self, points: Sequence[EncodedPoint]) -> Sequence[EncodedPoint]:
        """Return what this process counted itself, with one point for each series and time."""
        for _ in range(2):  # an exception may come from a signal handler, or for want of memory
            with suppress(Exception):
                return self._counts.find_own(points if self._redactor is None else merge_points(points))
        return points

    def _redact(self, fields: PointFields) -> PointFields:
        return fields if self._redactor is None else self._redactor.redact_point(fields)


def _limit(timeout_millis: float) -> float:
    """Return a time limit of the SDK in seconds; what is none limits nothing."""
    try:
        timeout_s = float(timeout_millis) / 1000
    except Exception:
        return math.inf
    return math.inf if math.isnan(timeout_s) else max(0.0, timeout_s)
