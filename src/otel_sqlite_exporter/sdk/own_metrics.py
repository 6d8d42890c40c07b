# SPDX-License-Identifier: Apache-2.0
"""The exporter's own metrics, recorded if the environment variable OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED is `true`.
Source: opentelemetry.io/docs/specs/semconv/otel/sdk-metrics."""

from __future__ import annotations

import os
import time
from collections import Counter

from opentelemetry.metrics import get_meter_provider

from otel_sqlite_exporter.version import __version__

_ENABLED = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
_TYPES = {
    "traces": ("otel_sqlite_exporter.SQLiteSpanExporter", "span", "{span}"),
    "logs": ("otel_sqlite_exporter.SQLiteLogRecordExporter", "log", "{log_record}"),
}
_numbers: Counter[str] = Counter()


class ExporterMetrics:
    """The metrics of one exporter."""

    def __init__(self, signal: str) -> None:
        """`signal` is `traces` or `logs`."""
        component, kind, unit = _TYPES[signal]
        self._attributes = {
            "otel.component.type": component,
            "otel.component.name": f"{component}/{_numbers[component]}",
        }
        _numbers[component] += 1
        meter = get_meter_provider().get_meter("otel_sqlite_exporter", __version__)
        self._inflight = meter.create_up_down_counter(f"otel.sdk.exporter.{kind}.inflight", unit)
        self._exported = meter.create_counter(f"otel.sdk.exporter.{kind}.exported", unit)
        self._duration = meter.create_histogram("otel.sdk.exporter.operation.duration", "s")

    def begin(self, records: int) -> float:
        """Record the start of an export. Return its time for `end`, in seconds."""
        self._inflight.add(records, self._attributes)
        return time.perf_counter()

    def end(self, records: int, began: float, error: Exception | None) -> None:
        """Record the end of an export; `error` says why its records are lost."""
        duration = time.perf_counter() - began
        attributes = self._attributes if error is None else self._attributes | {"error.type": type(error).__qualname__}
        self._inflight.add(-records, self._attributes)
        self._exported.add(records, attributes)
        self._duration.record(duration, attributes)


def make_exporter_metrics(signal: str) -> ExporterMetrics | None:
    """Return the metrics of a new exporter, or None if the variable is not `true`."""
    return ExporterMetrics(signal) if os.environ.get(_ENABLED, "").strip().lower() == "true" else None
