# SPDX-License-Identifier: Apache-2.0
"""The files whose pages are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter import SQLiteLogRecordExporter
from tests.agent_files import write_capture_file
from tests.conftest import exporting
from tests.frozen_files.every_kind import write_every_kind
from tests.hostile_points import write_hostile_points

CAPTURES = ("live-claude-code", "live-google-adk", "langgraph-oi", "oaiagents-oi", "pydai-v3")
_START_NS = 1_795_000_000_000_000_000
_MS = 10**6
RUNS = "window.__owned=1"
ATTACKS = (
    f"<script>{RUNS}</script>",
    f"\"'><img src=x onerror={RUNS}><svg onload={RUNS}>",
    f"javascript:{RUNS}",
    f"[a](javascript:{RUNS}) ![b](http://elsewhere.test/b.png) <http://elsewhere.test>",
    f"<a href='javascript:{RUNS}'>c</a><base href='http://elsewhere.test/'>",
    f"</script></style></textarea></template><iframe srcdoc='<script>top.{RUNS.removeprefix('window.')}</script>'>",
    f"{{{{ 7 * 7 }}}} ${{{RUNS}}} {{% raw %}} '-{RUNS}-'",
    "\u202egnp.exe\u2066\u200b\ufeff \x1b[31mred\x1b]0;owned\x07 \x00\x08",
    "../../..//elsewhere.test/\\elsewhere.test?a=b&c=d#e;%0d%0aSet-Cookie:%20f=g",
    f"data:text/html,<script>{RUNS}</script>",
    f"' hx-on:load='{RUNS}' hx-get='http://elsewhere.test/' data-x='",
)
HUGE = "<b>x</b> " * 30_000


def write_rich_file(path: Path) -> Path:
    """Write a file with every kind of record, and captures of agents."""
    write_every_kind(path)
    return write_capture_file(path, *CAPTURES)


def write_hostile_pages(path: Path) -> Path:
    """Write sessions, calls, tools, failures, log records and metrics whose every text attacks the page that shows
    it."""
    with exporting(path, cost="off") as exporter:
        exporter.export([*_make_spans()])
    records = SQLiteLogRecordExporter(path)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(records))
    logger = provider.get_logger(ATTACKS[0])
    for number, text in enumerate(ATTACKS):
        attributes = {text: text, "session.id": text}
        severity: Any = {"severity_text": text[:60], "event_name": text}
        logger.emit(LogRecord(timestamp=_START_NS + number, body=text, attributes=attributes, **severity))
    provider.shutdown()
    write_hostile_points(path, ATTACKS, _START_NS)
    return path


def _make_spans() -> Iterator[ReadableSpan]:
    for trace, text in enumerate(ATTACKS, start=1):
        common = {"session.id": text, "user.id": text, "gen_ai.agent.name": text, "error.type": text}
        yield _span(trace, 1, None, text, common, text)
        messages = [{"role": role, "parts": [{"type": "text", "content": text}]} for role in ("system", "user")]
        said = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": text,
            "gen_ai.request.model": text,
            "gen_ai.input.messages": json.dumps(messages),
            "gen_ai.output.messages": json.dumps([{"role": text, "parts": _answer(text)}]),
            "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": text, "description": text}]),
        }
        yield _span(trace, 2, 1, text, common | said, text)
        used = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": text,
            "gen_ai.tool.call.id": text,
            "gen_ai.tool.call.arguments": json.dumps({text: [text, {text: text}]}),
            "gen_ai.tool.call.result": text + HUGE if trace == 1 else text,
        }
        yield _span(trace, 3, 1, text, common | used, text)


def _answer(text: str) -> list[dict[str, Any]]:
    return [
        {"type": "reasoning", "content": text},
        {"type": "text", "content": text},
        {"type": "text", "content": f"# {text}\n\n* {text}\n\n```{text}\n{text}\n```\n\n| {text} |\n|---|\n| {text} |"},
        {"type": "tool_call", "id": text, "name": text, "arguments": {text: text}},
        {"type": "blob", "mime_type": "image/svg+xml", "content": text, "modality": "image"},
        {"type": "uri", "mime_type": "image/png", "uri": "http://elsewhere.test/a.png", "modality": "image"},
    ]


def _span(
    trace: int, number: int, parent: int | None, name: str, attributes: dict[str, Any], text: str
) -> ReadableSpan:
    start = _START_NS + (trace * 1_000 + number) * _MS
    return ReadableSpan(
        name=name,
        context=_context(trace, number),
        parent=None if parent is None else _context(trace, parent),
        attributes=attributes | {text: text},
        events=[Event("exception", {"exception.type": text, "exception.message": text, text: text}, start)],
        resource=Resource({"service.name": text}),
        start_time=start,
        end_time=start + 5 * _MS,
        status=Status(StatusCode.ERROR, text),
    )


def _context(trace: int, number: int) -> SpanContext:
    return SpanContext(trace, trace * 100 + number, False, TraceFlags(1))
