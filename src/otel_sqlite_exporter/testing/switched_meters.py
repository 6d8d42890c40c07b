# SPDX-License-Identifier: Apache-2.0
"""Meters of OpenTelemetry that write to the file of the test that runs, each only what was measured in it."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricReader

_DELTAS: dict[type, AggregationTemporality] = dict.fromkeys(
    (Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA
)
"""So a test has nothing of what the tests before it counted."""


class LastingMeterProvider(MeterProvider):
    """A provider that an application may shut down: the next test uses it too."""

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Do nothing: after a shutdown the SDK's provider gives out no meters."""


class MetricSwitch(MetricReader):
    """Hands what was measured to the exporter that is chosen."""

    def __init__(self) -> None:
        super().__init__(preferred_temporality=_DELTAS)
        self.chosen: MetricExporter | None = None

    def _receive_metrics(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        if self.chosen is not None:
            self.chosen.export(metrics_data, timeout_millis=timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Do nothing, as for spans."""


class MetricSwitches:
    """The readers of all providers of meters: a reader has one provider."""

    def __init__(self) -> None:
        self._readers: list[MetricSwitch] = []

    def make_reader(self) -> MetricSwitch:
        """Return a reader for one more provider."""
        self._readers.append(MetricSwitch())
        return self._readers[-1]

    def choose(self, exporter: MetricExporter | None) -> None:
        """Let an exporter have what is measured from now on, and that alone."""
        for reader in self._readers:
            reader.chosen = None
            reader.collect()
            reader.chosen = exporter

    def collect(self, timeout_s: float) -> None:
        """Write what was measured since the last time."""
        for reader in self._readers:
            reader.collect(timeout_millis=timeout_s * 1000)
