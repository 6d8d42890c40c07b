# SPDX-License-Identifier: Apache-2.0
"""Files to be imported, as real producers write them, and what a test compares of two files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.exporter.otlp.json.file._log_exporter import FileLogExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

# What a file says of itself and not of its records, and what the SDK's encoders do not write: sampling flags.
UNLIKE = (
    "id",
    "event_id",
    "related_event_id",
    "start_id",
    "finish_id",
    "observed_time_unix_nano",
    "observed_time",
    *("series_id", "late_points"),
)
_VIEWS = (
    *("spans", "events", "links", "logs", "traces", "sessions"),
    *("complete_llm_interactions", "complete_tool_interactions", "session_conflicts"),
    *("metrics", "metric_points", "exemplars"),
)
RESOURCE = Resource({"service.name": "shop", "bytes": b"\x00\xff", "list": [1, 2]}, "https://schema.example/1")


def make_agent_spans() -> list[ReadableSpan]:
    """Two turns of an agent, with everything that a span can have."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("agent", "1.2", "https://schema.example/2", {"scope.attribute": 1.0})
    for turn in range(2):
        attributes: dict[str, Any] = {"session.id": "chat-1", "gen_ai.operation.name": "invoke_agent", "turn": turn}
        with tracer.start_as_current_span("invoke_agent", attributes=attributes) as agent:
            call = tracer.start_span(
                "chat",
                kind=SpanKind.CLIENT,
                attributes={
                    "gen_ai.operation.name": "chat",
                    "gen_ai.request.model": "gpt-4o",
                    "gen_ai.request.temperature": 1.0,
                    "gen_ai.usage.input_tokens": 12,
                    "gen_ai.usage.output_tokens": 2**40,
                    "mixed": [1.5, float("nan"), float("-inf")],
                    "texts": ["naïve", "", "\0"],
                    "flags": [True, False],
                    "nothing": [],
                },
                links=[Link(agent.get_span_context(), {"why": "retry"})],
            )
            call.add_event("llm.stream.start", {"chunks": 0})
            call.add_event("llm.stream.finish", {"chunks": 7})
            call.set_status(Status(StatusCode.ERROR, "it broke"))
            call.end()
    return list(memory.get_finished_spans())


def make_logs(count: int = 3) -> list[ReadableLogRecord]:
    """Log records: starts and finishes of a tool, and plain ones."""
    memory: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    logger = provider.get_logger("agent", "1.2")
    for number in range(count):
        for place, phase in enumerate(("start", "finish")):
            time = 1_760_000_000_000_000_000 + 1_000_000 * (2 * number + place)
            attributes: dict[str, Any] = {"session.id": "chat-1", "number": number}
            record = LogRecord(
                timestamp=time, observed_timestamp=time + 5, event_name=f"tool.{phase}", attributes=attributes
            )
            logger.emit(record)
        body = {"text": "one line", "parts": [1, 2.0, None, b"\x01"]}
        logger.emit(LogRecord(timestamp=number + 1, severity_number=SeverityNumber.WARN, severity_text="W", body=body))
    return list(memory.get_finished_logs())


def write_otlp_lines(path: Path, spans: Sequence[ReadableSpan] = (), logs: Sequence[ReadableLogRecord] = ()) -> Path:
    """Write what the SDK's own file exporters do, a line for each record."""
    span_exporter, log_exporter = FileSpanExporter(path), FileLogExporter(path)
    for span in spans:
        span_exporter.export([span])
    for log in logs:
        log_exporter.export([log])
    span_exporter.shutdown()
    log_exporter.shutdown()
    return path


def make_events(calls: int = 3, **changes: Any) -> list[dict[str, Any]]:
    """The lines of an event log: each call starts and finishes in a span of its own."""
    events: list[dict[str, Any]] = [_event("monitoring.start", 0, trace_id=None, span_id=None)]
    for number in range(calls):
        ids = {"trace_id": f"{number + 1:032x}", "span_id": f"{number + 1:016x}"}
        events.append(_event("llm.call.start", number, **ids, attributes={"llm.model": "gpt-4o", "session.id": "s"}))
        events.append(_event("llm.call.finish", number + 0.5, **ids, attributes={"llm.usage.total_tokens": number}))
    return [event | changes for event in events]


def write_lines(path: Path, values: Sequence[Any]) -> Path:
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values))
    return path


def view_rows(path: Path, *, without: Sequence[str] = (), views: Sequence[str] = _VIEWS) -> dict[str, list[str]]:
    """The rows of all views but those on health, in an order of their own, without ids of rows."""
    rows = {}
    with closing(sqlite3.connect(path)) as file:
        for view in views:
            cursor = file.execute(f"SELECT * FROM {view}")
            kept = [place for place, (name, *_) in enumerate(cursor.description) if name not in {*UNLIKE, *without}]
            rows[view] = sorted(repr(tuple(row[place] for place in kept)) for row in cursor)
    return rows


def _event(name: str, second: float, **fields: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.1",
        "timestamp": (datetime(2026, 1, 2, 3, 4) + timedelta(seconds=second)).isoformat(),
        "trace_id": "f" * 32,
        "span_id": "e" * 16,
        "parent_span_id": None,
        "name": name,
        "level": "INFO",
        "attributes": {},
        "agent_id": "agent-7",
        **fields,
    }
