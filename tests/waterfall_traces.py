# SPDX-License-Identifier: Apache-2.0
"""A file with traces of every shape that a waterfall has to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from otel_sqlite_exporter import SQLiteLogRecordExporter
from tests.conftest import exporting

START_NS, MS = 1_795_000_000_000_000_000, 10**6
TREE, ORPHANS, CYCLE, DEEP, WIDE, ONE, LOGS, SHARED = range(1, 9)
DEPTH, WIDTH = 2_000, 1_200
SERVICES = ("shop", "stock", "pay")


def trace_id(trace: int) -> str:
    """The id of a trace of the file."""
    return f"{trace:032x}"


def span_id(number: int) -> str:
    """The id of a span of the file."""
    return f"{number:016x}"


def context(trace: int, number: int) -> SpanContext:
    """The context of a span."""
    return SpanContext(trace, number, False, TraceFlags(1))


def make_span(
    trace: int,
    number: int,
    parent: int | None = None,
    name: str = "",
    *,
    at: int = 0,
    took: int = 10,
    service: int = 0,
    kind: SpanKind = SpanKind.INTERNAL,
    error: str | None = None,
    events: Sequence[Event] = (),
    links: Sequence[Link] = (),
    **attributes: Any,
) -> ReadableSpan:
    """A span that starts `at` milliseconds after the start of the file and takes `took`."""
    return ReadableSpan(
        name=name or f"step {number}",
        context=context(trace, number),
        parent=None if parent is None else context(trace, parent),
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        events=events,
        links=links,
        kind=kind,
        resource=Resource({"service.name": SERVICES[service]}),
        start_time=START_NS + at * MS,
        end_time=START_NS + (at + took) * MS,
        status=Status(StatusCode.ERROR, error) if error else Status(),
    )


def write_waterfalls(path: Path) -> Path:
    """Write traces of all shapes."""
    spans = [*_make_tree()]
    for number, parent in ((1, None), (2, 90), (3, 2), (4, 91), (5, 90)):
        spans.append(make_span(ORPHANS, number, parent, at=number))
    spans += [make_span(CYCLE, number, 1 + number % 3, at=number) for number in (1, 2, 3)]
    for number in range(1, DEPTH + 1):
        spans.append(make_span(DEEP, number, number - 1 or None, at=number, took=2 * (DEPTH - number) + 1))
    spans.append(make_span(WIDE, 1, took=WIDTH))
    for number in range(2, WIDTH + 1):
        spans.append(make_span(WIDE, number, 1, "alike", at=number, took=1, error="no" if number == 700 else None))
    spans.append(make_span(ONE, 1, name="alone"))
    spans.append(make_span(SHARED, 1, name="call", kind=SpanKind.CLIENT))
    spans.append(make_span(SHARED, 1, name="answer", at=2, took=5, kind=SpanKind.SERVER, service=1))
    with exporting(path, cost="off") as exporter:
        for first in range(0, len(spans), 500):
            exporter.export(spans[first : first + 500])
    _write_logs(path)
    return path


def _make_tree() -> list[ReadableSpan]:
    said = '[{"role":"user","parts":[{"type":"text","content":"where is my order?"}]}]'
    answered = '[{"role":"assistant","parts":[{"type":"text","content":"on its way"}]}]'
    failure = {"type": "TimeoutError", "message": "too late", "stacktrace": "line 1\nline 2"}
    call: dict[str, Any] = {
        "gen_ai__operation__name": "chat",
        "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": 1200,
        "gen_ai__usage__output_tokens": 34,
        "gen_ai__input__messages": said,
        "gen_ai__output__messages": answered,
    }
    tool: dict[str, Any] = {
        "gen_ai__operation__name": "execute_tool",
        "gen_ai__tool__name": "find_order",
        "gen_ai__tool__call__arguments": '{"order": 7}',
        "gen_ai__tool__call__result": '{"state": "sent"}',
    }
    agent: dict[str, Any] = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": "planner"}
    failed = Event("exception", {f"exception.{name}": value for name, value in failure.items()}, START_NS + 66 * MS)
    query: dict[str, Any] = {
        "error": "it took too long",
        "events": [Event("noted", {"note": "seen"}, START_NS + 65 * MS), failed],
    }
    sent: dict[str, Any] = {"links": [Link(context(ONE, 1), {"why": "after"})], "kind": SpanKind.PRODUCER}
    return [
        make_span(TREE, 1, None, "POST /chat", took=100, kind=SpanKind.SERVER, http__route="/chat", ratio=0.5, ok=True),
        make_span(TREE, 2, 1, "invoke_agent planner", at=5, took=90, **agent),
        make_span(TREE, 3, 2, "chat gpt-4o", at=10, took=40, **call),
        make_span(TREE, 4, 2, "execute_tool find_order", at=55, took=20, service=1, **tool),
        make_span(TREE, 5, 4, "SELECT", at=60, took=10, service=1, kind=SpanKind.CLIENT, **query),
        make_span(TREE, 6, 1, "send", at=96, took=3, service=2, **sent),
    ]


def _write_logs(path: Path) -> None:
    exporter = SQLiteLogRecordExporter(path)
    provider = LoggerProvider(resource=Resource({"service.name": SERVICES[1]}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("logs")
    for trace, number, body in ((TREE, 5, "the database is slow"), (LOGS, 9, "no span tells of this")):
        logger.emit(
            LogRecord(
                timestamp=START_NS + 61 * MS,
                context=set_span_in_context(NonRecordingSpan(context(trace, number))),
                severity_number=SeverityNumber.ERROR,
                severity_text="ERROR",
                body=body,
            )
        )
    provider.shutdown()
