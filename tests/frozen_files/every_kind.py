# SPDX-License-Identifier: Apache-2.0
"""Writes a file with data of every kind."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags, TraceState
from opentelemetry.util.types import AnyValue

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.maintain.attribute_index import index_attributes
from otel_sqlite_exporter.maintain.search_index import index_content
from otel_sqlite_exporter.receive.receiver import Receiver
from otel_sqlite_exporter.receive.requests import ReceivedRequest
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, in_new_process
from tests.frozen_files.kept_and_deleted import keep_and_delete
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.sample_points import MINUTE_NS, encode_points, make_points, write_points
from tests.sample_traces import NOON_NS, write_traces

CAPTURES = (
    *("bedrock-botocore", "claude-code", "crewai-native", "gemini-cli", "haystack-oi", "js-otel", "langfuse4"),
    *("mistralai-tl", "pydai-v5", "semkernel-native", "strands-oi"),
)
_TRACE = 0x0AF7651916CD43DD8448EB211C80319C
_EVENTS: list[tuple[str, dict[str, Any], int]] = [
    ("job.start", {"raw": b"\x02", "job.id": 7}, 0),
    ("unpaired.start", {}, 5),
    ("event otel/src/events/session_telemetry.rs:1187", {"event.name": "named.elsewhere"}, 6),
    ("llm.call.start", {"gen_ai.request.model": "m", "gen_ai.operation.name": "chat"}, 7),
    ("llm.call.finish", {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5}, 9),
]
_CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
_MESSAGE = '{"role":"user","parts":[{"type":"text","content":"%s"}]}'
_HISTORY = [_MESSAGE % f"turn {number} {'x' * 900}" for number in range(24)]


def write_every_kind(path: Path) -> None:
    """Write a file in which each table has rows, and each column a value."""
    write_traces(path, 4)
    for name in CAPTURES:
        import_batches(path, [read_capture(name).lines])
    with exporting(path) as exporter:
        exporter.export(odd_spans())
        exporter.export(turns())
        exporter.count_dropped(2)
    write_log_record(path)
    receive_requests(path)
    write_points_of_every_kind(path)
    keep_and_delete(path)
    note_archives(path)
    in_new_process(leave_spans_open, path, status=-signal.SIGKILL)
    in_new_process(leave_spans_open, path, status=-signal.SIGKILL)  # opening it marks the first as interrupted
    settings = resolve_settings(path)
    index_attributes(settings, ["http.response.status_code", "gen_ai.request.model", 'odd "key"'])
    index_content(settings)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.execute("VACUUM")


def odd_spans() -> list[Any]:
    """Spans with what few spans have."""
    state = TraceState([("vendor", "1")])
    context = SpanContext(_TRACE, 0x00F067AA0BA902B7, False, TraceFlags(1), state)
    remote = SpanContext(_TRACE, 0x00F067AA0BA902B8, True, TraceFlags(1), state)
    resource = Resource({"service.name": "odd", "gen_ai.agent.name": "from resource", "raw": b"\x00\xff"})
    scope = InstrumentationScope("odd", "1", "https://example.org/schema", {"raw": b"\x01"})
    attributes: dict[str, Any] = {"raw": b"\x00", 'odd "key"': "value", "nan": float("nan"), "large": 2**63}
    odd = ReadableSpan(
        "odd",
        context,
        remote,
        resource,
        attributes,
        [Event(name, values, NOON_NS + after) for name, values, after in _EVENTS],
        [Link(remote, {"raw": b"\x03"})],
        start_time=None,
        end_time=None,
        instrumentation_scope=scope,
    )
    call = ReadableSpan(
        "chat",
        SpanContext(_TRACE, 0x00F067AA0BA902B9, False, TraceFlags(1)),
        context,
        resource,
        {**_CALL, "gen_ai.usage.input_tokens": 3, "session.id": "odd"},
        start_time=NOON_NS,
        end_time=NOON_NS + 10**9,
        instrumentation_scope=scope,
    )
    return [odd, call, ReadableSpan("without ids", None)]


def write_log_record(path: Path) -> None:
    """Write a log record whose body and attributes have bytes."""
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    attributes: dict[str, AnyValue] = {"raw": b"\x06", "http.response.status_code": 500}
    record = LogRecord(timestamp=NOON_NS, body={"raw": b"\x05"}, attributes=attributes, event_name="odd.log")
    provider.get_logger("odd").emit(record)
    provider.shutdown()


def write_points_of_every_kind(path: Path) -> None:
    """Points that come in time and late, more series than a day may bring, and points that stand for an hour."""
    points = encode_points(make_points(3))
    write_points(path, points[9:])
    write_points(path, points[:9])
    early = NOON_NS - 60 * MINUTE_NS
    hourly = [
        point._replace(row=point.row._replace(time_unix_nano=early + place, time_source="arrival", raw_points=60))
        for place, point in enumerate(points[:9])
    ]
    write_points(path, hourly)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "UPDATE _metric_series SET hourly_until_unix_nano = ?, copied_since_unix_nano = ?", (NOON_NS, NOON_NS - 1)
        )
    before = [point._replace(row=point.row._replace(time_unix_nano=early + 9)) for point in points]
    write_points(path, before)


def note_archives(path: Path) -> None:
    """Note that all days are archived; then a span is replaced."""
    span = odd_spans()[1]
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "INSERT INTO _archives (dataset, source, day, generation, run_id, is_complete, last_record, last_log,"
            " last_rewrite, late_records, spans, logs, points, time_unix_nano)"
            " VALUES ('6e1d', '9b2f', ?, 0, '4c7a', 1, 9, 9, 0, 0, 9, 9, 9, ?)",
            (2**63 // (86_400 * 10**9) - 1, NOON_NS),
        )
    with exporting(path) as exporter:
        longer = ReadableSpan(
            span.name,
            span.context,
            span.parent,
            span.resource,
            span.attributes,
            start_time=span.start_time,
            end_time=span.end_time + 1,
            instrumentation_scope=span.instrumentation_scope,
        )
        exporter.export([longer])


def receive_requests(path: Path) -> None:
    """Receive a log record, twice, and a span without ids."""
    bodies = {
        "logs": b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "received"}}]}]}]}',
        "traces": b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "without ids"}]}]}]}',
    }
    receiver = Receiver(resolve_settings(path))
    for signal_name in ("logs", "traces", "logs"):
        body = bodies[signal_name]
        receiver.submit(ReceivedRequest(signal_name, body, True, "curl", "127.0.0.1", len(body))).result()
    receiver.close()


def turns() -> list[ReadableSpan]:
    """Calls whose histories are stored once."""
    spans = []
    for turn in range(1, 4):
        history = f"[{','.join(_HISTORY[: 8 * turn])}]"
        attributes = _CALL | {"gen_ai.conversation.id": "long", "gen_ai.input.messages": history}
        context, at = SpanContext(_TRACE + 1, turn, False, TraceFlags(1)), NOON_NS + turn
        spans.append(ReadableSpan(f"turn {turn}", context, None, None, attributes, start_time=at, end_time=at))
    return spans


def leave_spans_open(path: str) -> None:
    """Write spans that run, and one that lost attributes at its end; then die."""
    logging.disable(logging.WARNING)  # the SDK warns of each attribute that it drops
    processor = SQLiteSpanProcessor(path, open_delay_ms=0, cost="off")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("open")
    tracer.start_span("runs", attributes=_CALL)
    ended = tracer.start_span("ended", attributes={"first": 1, "raw": b"\x04", "session.id": "open"})
    processor._flush(30, with_running=True)
    for number in range(200):
        ended.set_attribute(f"later {number}", number)
    ended.end()
    processor.force_flush()
    os.kill(os.getpid(), signal.SIGKILL)
