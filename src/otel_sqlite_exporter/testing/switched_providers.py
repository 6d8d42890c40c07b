# SPDX-License-Identifier: Apache-2.0
"""Providers of OpenTelemetry that write to the file of the test that runs.

The global providers can be set once in a process, and libraries keep the tracers that they got. So one provider serves
all tests, and its processor hands what is recorded to the test that runs. A provider that the application has set gets
this processor too, beside its own.
"""

from __future__ import annotations

import weakref
from functools import cache
from typing import Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from otel_sqlite_exporter.testing.switched_meters import LastingMeterProvider, MetricSwitches


class SpanSwitch(SpanProcessor):
    """Hands each span to the processor that was chosen when it started. What ends after its test is dropped."""

    def __init__(self) -> None:
        self.chosen: SpanProcessor | None = None
        self._started: set[tuple[SpanProcessor, int]] = set()

    def choose(self, processor: SpanProcessor | None) -> None:
        """Let a processor have the spans that start from now on, and those alone."""
        self.chosen = processor
        self._started.clear()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note whose span it is."""
        chosen = self.chosen
        if chosen is not None and span.context is not None:
            self._started.add((chosen, span.context.span_id))
            chosen.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on the span if its test still runs."""
        chosen = self.chosen
        if chosen is None or span.context is None:
            return
        place = chosen, span.context.span_id
        if place in self._started:
            self._started.discard(place)
            chosen.on_end(span)

    def shutdown(self) -> None:
        """Do nothing: an application may shut its provider down, and the next test sets up another."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Write what has ended."""
        chosen = self.chosen
        return True if chosen is None else chosen.force_flush(timeout_millis)


class LogSwitch(LogRecordProcessor):
    """Hands each log record to the processor that is chosen."""

    def __init__(self) -> None:
        self.chosen: LogRecordProcessor | None = None

    def on_emit(self, log_record: Any) -> None:
        """Hand on a log record."""
        if self.chosen is not None:
            self.chosen.on_emit(log_record)

    def emit(self, log_data: Any) -> None:
        """Hand on a log record, as older SDKs call it."""
        chosen: Any = self.chosen
        if chosen is not None:
            chosen.emit(log_data)

    def shutdown(self) -> None:
        """Do nothing, as for spans."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: each record is written when it is emitted."""
        return True


class SwitchedProviders:
    """The providers of this process, and their switches."""

    def __init__(self) -> None:
        self.spans, self.logs, self.metrics = SpanSwitch(), LogSwitch(), MetricSwitches()
        resource = Resource.create({"service.name": "pytest"})  # OTEL_SERVICE_NAME goes before
        self.tracer_provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        self.logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.meter_provider: MeterProvider = LastingMeterProvider(
            [self.metrics.make_reader()], resource, shutdown_on_exit=False
        )
        self._switched: weakref.WeakSet[Any] = weakref.WeakSet()
        self._switched.add(self.meter_provider)
        self._add(self.tracer_provider, self.logger_provider)

    def use_global(self) -> None:
        """Record what uses the global providers: those that the application has set, or ours, which are set then. The
        application's provider of meters gets a reader where the SDK lets it."""
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            trace.set_tracer_provider(self.tracer_provider)
        if not hasattr(_logs.get_logger_provider(), "add_log_record_processor"):
            _logs.set_logger_provider(self.logger_provider)
        if hasattr(metrics.get_meter_provider(), "on_set_meter_provider"):  # it stands for one that is not set yet
            metrics.set_meter_provider(self.meter_provider)
        self._add(trace.get_tracer_provider(), _logs.get_logger_provider())
        meters: Any = metrics.get_meter_provider()
        if meters not in self._switched and hasattr(meters, "add_metric_reader"):
            meters.add_metric_reader(self.metrics.make_reader())
            self._switched.add(meters)

    def _add(self, tracer_provider: Any, logger_provider: Any) -> None:
        for provider, name, switch in (
            (tracer_provider, "add_span_processor", self.spans),
            (logger_provider, "add_log_record_processor", self.logs),
        ):
            if provider not in self._switched and hasattr(provider, name):
                getattr(provider, name)(switch)
                self._switched.add(provider)


@cache
def get_providers() -> SwitchedProviders:
    """Return the providers of this process."""
    return SwitchedProviders()
