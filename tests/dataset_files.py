# SPDX-License-Identifier: Apache-2.0
"""A file for datasets: records of every kind over several days, the same in each run."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from tests.conftest import in_new_process
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.sample_points import encode_points, make_points, write_points

DAY_NS = 86_400 * 10**9
FIRST_NS = 20_484 * DAY_NS
"""2026-01-31T00:00:00Z: the day of the first trace."""
DAYS = 4
RICH_NAME = "0123456789abcdef" * 2
"""The name that the file has in itself."""
CAPTURES = ("claude-code", "gemini-cli", "bedrock-botocore", "crewai-native")
"""They are of 2026-11-28. Bedrock's log records have messages, two agents have log records with and without traces."""
_MS = 10**6
_SCOPE = InstrumentationScope("rich", "1", "https://example.org/scope", {"raw": b"\x01"})
_SERVICES = [
    Resource({"service.name": "shop"}),
    Resource({"service.name": "gateway", "raw": b"\x00\xff", "gen_ai.agent.name": "of the resource"}),
    Resource({"service.name": "\u202eworker \U0001f600"}),
]
_MESSAGE = '[{"role":"%s","parts":[{"type":"text","content":"%s"}]}]'
_HISTORY = [f'{{"role":"user","parts":[{{"type":"text","content":"turn {n} {"x" * 900}"}}]}}' for n in range(24)]
_ODD: dict[str, Any] = {
    **{"raw": b"\x00\xff", "nan": float("nan"), "inf": float("-inf"), "large": 2**63 - 1, "larger": 2**70},
    **{"nul\0key": "a\0b", "smile": "\U0001f600", "whole": 2.0, "list": (1, 2), "none": None, "empty": ""},
}
_Record = ReadableSpan | ReadableLogRecord


def make_rich_file(path: Path, *, name: str = RICH_NAME, captures: Sequence[str] = CAPTURES, days: int = DAYS) -> Path:
    """Write a file of about 200 spans and 250 log records on five days: sessions over days and ones that conflict, an
    evening's trace that ends the next day, log records with and without traces, links, interrupted spans, agents in
    agents, tools of messages, scores, marks, metrics, and values that are odd or missing.

    No span runs in it. Its rows are the same in each run, but for those of the table of exporters.
    """
    for capture in captures:
        import_batches(path, [read_capture(capture).lines])
    in_new_process(leave_open, path, 1, status=-signal.SIGKILL)
    settle(path, name)
    for batch in make_batches(days):  # opening the file marks what was left open as interrupted
        export_records(path, batch)
    write_points(path, encode_points([*make_points(3, FIRST_NS + DAY_NS - 60_000 * _MS), *make_points(2)]))
    settle(path, name)
    return path


def make_batches(days: int = DAYS) -> Iterator[list[_Record]]:
    """The records of the file that are no captures, in batches."""
    for day in range(days):
        yield [record for number in range(5) for record in _make_trace(day, number)]
        yield [*_make_logs(day)]
    yield [*_make_odd(), *_make_turns(), *_make_twins(), *_make_late()]


def export_records(path: Path, records: Sequence[_Record]) -> None:
    """Write spans and log records through exporters."""
    spans, logs = SQLiteSpanExporter(path), SQLiteLogRecordExporter(path)
    assert spans.export([one for one in records if isinstance(one, ReadableSpan)]).name == "SUCCESS"
    assert logs.export([one for one in records if isinstance(one, ReadableLogRecord)]).name == "SUCCESS"
    spans.shutdown()
    logs.shutdown()


def leave_open(path: str, on: str) -> None:
    """Write spans that began on a day and run, then die."""
    exporter, day = SQLiteSpanExporter(path), int(on)
    at = FIRST_NS + day * DAY_NS + 7_000 * _MS
    named = {"session.id": "interrupted", "gen_ai.conversation.id": "cut"}
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    started = [
        _span(0xD1E + day, 1, None, "runs", at, None, named),
        _span(0xD1E + day, 2, 1, "chat", at + _MS, None, call),
        _span(0xD1E + day, 3, 1, "lookup", at + _MS, None, {"gen_ai.operation.name": "execute_tool"}),
    ]
    exporter.export_open(started)
    exporter.export([_span(0xD1E + day, 4, 1, "ended", at, at + 2 * _MS, {})])
    os.kill(os.getpid(), signal.SIGKILL)


def settle(path: Path, name: str = RICH_NAME) -> None:
    """Give a file its name, and the times of this moment in it values that are the same in each run."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE _state SET value = ? WHERE name = 'file'", (name,))
        file.execute("UPDATE _exporter_runs SET last_write_unix_nano = ?", (FIRST_NS + 2 * DAY_NS - 1,))
        file.execute("UPDATE _llm_interactions SET price_date = '2026-01-31' WHERE price_date IS NOT NULL")
        trace_id = file.execute("SELECT trace_id FROM traces WHERE start_time_unix_nano < ?", (2**62,)).fetchone()[0]
        marks = [(0, "both", "", 1, "for ever"), (1, "day 1", "", 1, "see \U0001f600"), (0, "", trace_id, 1, "")]
        file.executemany(
            "INSERT OR REPLACE INTO _marks (kind, session_id, trace_id, is_set, text, time_unix_nano)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(*mark, FIRST_NS + day * DAY_NS) for day, mark in enumerate([*marks, (0, "day 0", "", 0, "")])],
        )


def _make_trace(day: int, number: int) -> Iterator[ReadableSpan]:
    """A request, an agent in an agent, calls, and tools; a part of it names another session."""
    trace = 0x1000 * (day + 1) + number
    at = FIRST_NS + day * DAY_NS + number * 3_600_000 * _MS
    if number == 4:
        at = FIRST_NS + (day + 1) * DAY_NS - 300 * _MS  # until the next day
    session = ("both", f"day {day}", "both", None, "evening")[number]
    root: dict[str, Any] = {"http.response.status_code": 500 if number == 2 else 200}
    if session is not None:
        root |= {"session.id": session, "user.id": f"user-{number % 2}"}
    if number == 3:
        root |= {"thread_id": f"thread {day}"}
    failed = Status(StatusCode.ERROR, "no stock") if number == 2 else Status(StatusCode.UNSET)
    more: dict[str, Any] = {"service": number % 3, "kind": SpanKind.SERVER, "status": failed}
    yield _span(trace, 1, None, "POST /buy", at, at + 900 * _MS, root, **more)
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    yield _span(trace, 2, 1, "invoke_agent planner", at + _MS, at + 800 * _MS, agent, service=number % 3)
    inner = agent | {"gen_ai.agent.name": "\U0001f600", "gen_ai.usage.input_tokens": 30, "session.id": f"inner {day}"}
    yield _span(trace, 3, 2, "invoke_agent inner", at + 300 * _MS, at + 700 * _MS, inner, service=number % 3)
    wanted = {"type": "tool_call", "id": f"c-{day}-{number}", "name": "stock", "arguments": {"id": 7}}
    asked = {"role": "assistant", "parts": [wanted]}
    given = {"type": "tool_call_response", "id": wanted["id"], "response": "none"}
    first = _call(day, number) | {"gen_ai.output.messages": json.dumps([asked])}
    told = json.dumps([asked, {"role": "tool", "parts": [given]}])
    yield _span(trace, 4, 2, "chat", at + 2 * _MS, at + 200 * _MS, first)
    events = [
        Event("llm.stream.start", {"chunk": 1}, at + 320 * _MS),
        Event("llm.stream.finish", {"raw": b"\x02"}, at + 330 * _MS),
        Event("exception", {"exception.type": "TimeoutError", "exception.message": "slow"}, at + 340 * _MS),
        Event(SCORE_EVENT, {"gen_ai.evaluation.name": "Tone", "gen_ai.evaluation.score.value": 0.25 * number}, at),
    ]
    error = Status(StatusCode.ERROR) if number == 2 else Status(StatusCode.UNSET)
    second = _call(day, number + 1) | {"gen_ai.input.messages": told}
    links = [Link(_context(trace - 1, 1), {"raw": b"\x03", "why": "before"}), Link(_context(trace, 1))]
    more = {"events": events, "links": links, "status": error}
    yield _span(trace, 5, 3, "chat", at + 310 * _MS, at + 400 * _MS, second, **more)
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "gen_ai.tool.call.id": f"t{trace}"}
    tool |= {"gen_ai.tool.call.arguments": '{"q":1}', "gen_ai.tool.call.result": '{"error":"gone"}'}
    if number % 2:
        tool |= {"error.type": "KeyError"}
    yield _span(trace, 6, 3, "execute_tool search", at + 410 * _MS, at + 420 * _MS, tool, service=1, status=error)
    # Both sides of a call have the same ids.
    yield _span(trace, 7, 2, "GET", at + 500 * _MS, at + 600 * _MS, {"url.full": "http://x"}, kind=SpanKind.CLIENT)
    yield _span(trace, 7, 2, "GET", at + 510 * _MS, at + 590 * _MS, {"conversation_id": "server"}, kind=SpanKind.SERVER)


def _call(day: int, number: int) -> dict[str, Any]:
    call: dict[str, Any] = {
        **{"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"},
        **{"gen_ai.input.messages": _MESSAGE % ("user", f"where? {day}"), "gen_ai.request.temperature": 0.5},
        **{"gen_ai.output.messages": _MESSAGE % ("assistant", "on its way"), "gen_ai.system_instructions": "be brief"},
    }
    if number % 3:
        call |= {"gen_ai.usage.input_tokens": 10 + day, "gen_ai.usage.output_tokens": 3}
        call |= {"gen_ai.usage.cache_read.input_tokens": 2, "gen_ai.response.model": "gpt-4o-2024-08-06"}
    if number % 3 == 2:
        call |= {"gen_ai.usage.cost": 0.1 * number, "gen_ai.response.finish_reasons": ("stop",)}
    return call


def _make_logs(day: int) -> Iterator[ReadableLogRecord]:
    """Log records of a trace, of a trace that has nothing else, and without one."""
    at = FIRST_NS + day * DAY_NS + 40_000_000 * _MS
    yield _log("note", at, {"number": day}, body={"raw": b"\x05"}, place=_context(0x1000 * (day + 1), 5))
    yield _log(None, at + 1, {}, body="only text", place=_context(0x1000 * (day + 1), 0x99))
    alone = _context(0xA1000 + day, 1)
    failed = {"session.id": "of logs", "model": "claude-x", "error": "overloaded", "duration_ms": "12"}
    used = {"model": "claude-x", "input_tokens": "7", "output_tokens": "3", "cost_usd": "0.01", "duration_ms": "9"}
    yield _log("claude_code.user_prompt", at, {"session.id": "of logs", "prompt": "go"}, place=alone)
    yield _log("claude_code.api_error", at + 5, failed | {"user.id": "ada"}, place=alone)
    for session in ("both", "of logs", "apart", None):
        own = {} if session is None else {"session.id": session, "user.id": f"user of {session}"}
        yield _log("claude_code.user_prompt", at + 10, own | {"prompt": "again"})
        yield _log("claude_code.api_request", at + 20, own | used)
        if day % 2:
            yield _log("claude_code.api_error", at + 30, own | failed | own)
        yield _log("claude_code.tool_result", at + 40, own | {"tool_name": "Bash", "success": "false", "error": "rc 1"})
        yield _log("job.start", at + 50, own | {"nul\0": "\0"})
        yield _log("job.finish", at + 60, own)
        score = own | {"gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.value": 1 - day / 2}
        yield _log(SCORE_EVENT, at + 2 * DAY_NS, score)
    # A pair whose second half comes the next day.
    yield _log("night.start", FIRST_NS + (day + 1) * DAY_NS - 5, {"session.id": "apart"})
    yield _log("night.finish", FIRST_NS + (day + 1) * DAY_NS + 5, {"session.id": "apart"})


def _make_odd() -> Iterator[ReadableSpan]:
    """Spans with values that few have."""
    at = FIRST_NS + 90 * _MS
    state = TraceState([("vendor", "1")])
    context = SpanContext(0x0DD, 1, False, TraceFlags(1), state)
    remote = SpanContext(0x0DD, 0xFF, True, TraceFlags(1), state)
    name = "odd\0name \U0001f600"
    named = _ODD | {"session.id": "odd"}
    events, links = [Event(name, _ODD, at)], [Link(remote, _ODD)]
    times: dict[str, Any] = {"start_time": at, "end_time": at + 1}
    yield ReadableSpan(name, context, remote, _SERVICES[1], named, events, links, instrumentation_scope=_SCOPE, **times)
    large = _call(0, 1) | {"gen_ai.usage.input_tokens": 2**63 - 1, "gen_ai.usage.output_tokens": 2**62}
    yield _span(0x0DE, 1, None, "large", at, at + 1, large | {"session.id": "large"})
    yield _span(0x0DE, 2, 1, "large", at, at + 1, large)
    # A span whose parents are a circle, and one whose parent never came.
    yield _span(0x0DF, 1, 2, "circle", at, at + 1, {"conversation_id": "round"})
    yield _span(0x0DF, 2, 1, "circle", at, at + 1, {})
    yield _span(0x0E0, 1, 77, "orphan", at, at + 1, {})
    failure = Status(StatusCode.ERROR, "Boom: no")
    yield _span(0x0E1, 1, None, "outer", at, at + 9, {"error.type": "Boom"}, status=failure)
    yield _span(0x0E1, 2, 1, "middle", at, at + 8, {"error.type": "Boom"}, status=failure)
    yield _span(0x0E1, 3, 2, "lowest", at, at + 7, {"http.response.status_code": 429}, status=failure)


def _make_turns() -> Iterator[ReadableSpan]:
    """Calls whose histories are stored once."""
    for turn in range(1, 4):
        said = _call(1, 1) | {"gen_ai.input.messages": f"[{','.join(_HISTORY[: 8 * turn])}]"}
        at = FIRST_NS + DAY_NS + turn * 1000 * _MS
        yield _span(0x2A00 + turn // 3, turn, None, "turn", at, at + _MS, said | {"gen_ai.conversation.id": "long"})


def _make_twins() -> Iterator[ReadableSpan]:
    """A response that a client and a proxy report, in traces of their own."""
    at = FIRST_NS + 2 * DAY_NS + 5_000_000 * _MS
    for number in range(2):
        call = _call(2, 2) | {"gen_ai.response.id": "resp-1", "session.id": f"twin {number}"}
        yield _span(0x3B00 + number, 1, None, "chat", at - number * _MS, at + 100 * _MS, call, service=number)


def _make_late() -> Iterator[_Record]:
    """What comes late: a session of spans on another day, and a trace that has no end of its own."""
    at = FIRST_NS + 3 * DAY_NS
    yield _span(0x1003, 0x50, 1, "late", at + 5, at + 9, {"session.id": "late"})
    yield _span(0x4C00, 1, None, "without end", at, at, {})
    random_ = random.Random(5)
    for number in range(30):
        start = at + random_.randrange(DAY_NS // 2)
        yield _span(0x5D00 + number, 1, None, f"job {number % 3}", start, start + number * _MS, {"number": number})


def _span(
    trace: int,
    number: int,
    parent: int | None,
    name: str,
    start: int,
    end: int | None,
    attributes: dict[str, Any],
    *,
    service: int = 0,
    **more: Any,
) -> ReadableSpan:
    return ReadableSpan(
        name,
        _context(trace, number),
        None if parent is None else _context(trace, parent),
        _SERVICES[service],
        attributes,
        start_time=start,
        end_time=end,
        instrumentation_scope=_SCOPE if number % 2 else None,
        **more,
    )


def _log(
    name: str | None, at: int, attributes: dict[str, Any], *, body: Any = None, place: SpanContext | None = None
) -> ReadableLogRecord:
    record = LogRecord(
        context=set_span_in_context(NonRecordingSpan(place or SpanContext(0, 0, False))),
        event_name=name,
        timestamp=at,
        observed_timestamp=at + 7,
        attributes=attributes,
        body=body,
    )
    scope = InstrumentationScope("com.anthropic.claude_code.events", "2")
    return ReadableLogRecord(record, _SERVICES[(place is None) + 0], scope)


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, False, TraceFlags(1))
