# SPDX-License-Identifier: Apache-2.0
"""The exporter's own metrics, recorded if the environment variable OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED is `true`.
Source: opentelemetry.io/docs/specs/semconv/otel/sdk-metrics."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable

from opentelemetry.metrics import get_meter_provider

from otel_sqlite_exporter.version import __version__

_ENABLED = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
_TYPES = {
    "traces": ("otel_sqlite_exporter.SQLiteSpanExporter", "span", "{span}"),
    "logs": ("otel_sqlite_exporter.SQLiteLogRecordExporter", "log", "{log_record}"),
    "metrics": ("otel_sqlite_exporter.SQLiteMetricExporter", "metric_data_point", "{data_point}"),
}
_numbers: Counter[str] = Counter()


class ExporterMetrics:
    """The metrics of one exporter."""

    def __init__(self, signal: str) -> None:
        """`signal` is `traces`, `logs` or `metrics`."""
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

    def measure(self, records: int) -> Callable[[BaseException | None], None]:
        """Record the start of an export. Return a function that records its end; its argument is the error that lost
        the records."""
        self._inflight.add(records, self._attributes)
        began = time.perf_counter()

        def end(error: BaseException | None) -> None:
            duration = time.perf_counter() - began
            failure = {} if error is None else {"error.type": type(error).__qualname__}
            self._inflight.add(-records, self._attributes)
            self._exported.add(records, self._attributes | failure)
            self._duration.record(duration, self._attributes | failure)

        return end


def are_metrics_enabled() -> bool:
    """Return whether the variable asks for the metrics."""
    return os.environ.get(_ENABLED, "").strip().lower() == "true"
