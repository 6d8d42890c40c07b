# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of a package in this process and returns what it exported, beside what the server served."""

from __future__ import annotations

import time
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.scenarios.capture_file import encode_log, encode_span, sort_records
from tests.scenarios.model_server import ModelServer
from tests.scenarios.packages import Package
from tests.scenarios.scenario import Told

JSON = dict[str, Any]


def run_scenarios(package: Package, *processors: Any) -> dict[str, JSON]:
    """Switch the package on, for good, and run all its scenarios. The result is by scenario: `ledger` (what was
    served), `told` (what it named), `tool_runs`, `spans` and `logs`. `processors` of spans or log records see all that
    these hold, and are shut down."""
    spans = InMemorySpanExporter()
    logs: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    resource = Resource({"service.name": "scenarios"})
    tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    for processor in processors:
        if isinstance(processor, SpanProcessor):
            tracer_provider.add_span_processor(processor)
        else:
            logger_provider.add_log_record_processor(processor)
    # Some packages know no provider but the global one.
    trace.set_tracer_provider(tracer_provider)
    set_logger_provider(logger_provider)
    package.instrument(tracer_provider, logger_provider)
    results = {}
    with ModelServer() as server:
        for scenario in package.load_scenarios():
            told = Told({}, [])
            scenario(server, told)
            _wait_for_quiet(spans, package.quiet_seconds)
            results[scenario.__name__] = {
                "ledger": list(server.ledger),
                "told": dict(told.names),
                "tool_runs": list(told.tool_runs),
                "spans": sort_records(map(encode_span, spans.get_finished_spans())),
                "logs": sort_records(map(encode_log, logs.get_finished_logs())),
            }
            server.ledger.clear()
            spans.clear()
            logs.clear()
    tracer_provider.shutdown()
    logger_provider.shutdown()
    return results


def _wait_for_quiet(spans: InMemorySpanExporter, seconds: float) -> None:
    """Return when spans have come and none has come for that long."""
    seen, deadline = 0, time.monotonic() + 30
    while seconds and time.monotonic() < deadline:
        time.sleep(seconds)
        count = len(spans.get_finished_spans())
        if count == seen > 0:
            return
        seen = count
