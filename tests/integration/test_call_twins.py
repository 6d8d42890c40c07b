# SPDX-License-Identifier: Apache-2.0
"""A call that several reporters record counts once, in whatever order, and shows what all of them say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter
from tests.conftest import exporting, read
from tests.integration.test_log_exporter import logging_to

_START = 1_795_000_000_000_000_000
_MS = 10**6
_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"}
_COUNTED = "SELECT name FROM complete_llm_interactions WHERE counted ORDER BY start_time_unix_nano, name"


class Span(NamedTuple):
    """A span to be made. Times are in milliseconds."""

    name: str
    trace: int
    number: int
    start: int
    end: int
    attributes: dict[str, Any] = _CHAT
    scope: str = "framework"
    parent: int | None = None
    is_error: bool = False
    service: str = "one"


class Log(NamedTuple):
    """A log record to be made, outside of any trace unless a `trace` and a span's `number` are given."""

    name: str
    time: int
    attributes: dict[str, Any]
    trace: int = 0
    number: int = 0


def _usage(input: int, output: int) -> dict[str, Any]:
    return _CHAT | {"gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output}


def _answer(text: str) -> dict[str, Any]:
    content = {"type": "text", "content": text}
    return {"gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [content]}])}


def _make(one: Span | Log) -> ReadableSpan | ReadableLogRecord:
    if isinstance(one, Log):
        context = set_span_in_context(NonRecordingSpan(_context(one.trace, one.number)))
        time = _START + one.time * _MS
        record = LogRecord(
            timestamp=time, observed_timestamp=time, context=context, event_name=one.name, attributes=one.attributes
        )
        return ReadableLogRecord(record, Resource({"service.name": "one"}), InstrumentationScope("events"))
    return ReadableSpan(
        name=one.name,
        context=_context(one.trace, one.number),
        parent=None if one.parent is None else _context(one.trace, one.parent),
        resource=Resource({"service.name": one.service}),
        instrumentation_scope=InstrumentationScope(one.scope),
        attributes=one.attributes,
        status=Status(StatusCode.ERROR if one.is_error else StatusCode.UNSET),
        start_time=_START + one.start * _MS,
        end_time=_START + one.end * _MS,
    )


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, False, TraceFlags(1))


def _export(path: Path, records: Sequence[Span | Log]) -> None:
    with exporting(path) as spans, logging_to(path) as logs:
        for record in map(_make, records):
            exporter: Any = logs if isinstance(record, ReadableLogRecord) else spans
            assert exporter.export([record]).name == "SUCCESS"


_OUTER = Span("outer", 1, 1, 0, 100, _usage(7, 3))
_CLIENT = Span("client", 2, 2, 10, 90, _usage(7, 3), "client")
_R = {"gen_ai.response.id": "r"}
_TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
_CLAUDE = {"session.id": "s", "model": "claude-x-20260131", "cost_usd": 0.25, "input_tokens": "7", "output_tokens": "3"}
_CLAUDE_SPAN = {
    "span.type": "llm_request",
    "query_source": "sdk",
    "session.id": "s",
    "gen_ai.request.model": "claude-x",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("records", "counted"),
    [
        pytest.param([_OUTER, _CLIENT], ["client"], id="two instrumentations with a trace each"),
        pytest.param(
            [_OUTER._replace(attributes=_CHAT), _CLIENT], ["client"], id="a stream whose usage only one knows"
        ),
        pytest.param(
            [_OUTER._replace(attributes=_CHAT, is_error=True), _CLIENT._replace(attributes=_CHAT, is_error=True)],
            ["client"],
            id="a failed call",
        ),
        pytest.param(
            [_OUTER._replace(attributes=_CHAT, is_error=True), _CLIENT],
            ["outer", "client"],
            id="one failed, and the other did not",
        ),
        pytest.param(
            [_OUTER, _CLIENT._replace(attributes=_usage(7, 4))], ["outer", "client"], id="other numbers are other calls"
        ),
        pytest.param(
            [_OUTER, _CLIENT._replace(attributes=_usage(7, 3) | {"gen_ai.request.model": "m-2"})],
            ["outer", "client"],
            id="other models are other calls",
        ),
        pytest.param(
            [_OUTER, _CLIENT._replace(attributes=_usage(7, 3) | {"gen_ai.request.model": "openai/m-1-2026-01-31"})],
            ["client"],
            id="the model with its provider and date",
        ),
        pytest.param([_OUTER, _CLIENT._replace(scope="framework")], ["outer", "client"], id="of one scope, two calls"),
        pytest.param([_OUTER, _CLIENT._replace(service="two")], ["outer", "client"], id="of two services, two calls"),
        pytest.param([_OUTER, _CLIENT._replace(start=101, end=190)], ["outer", "client"], id="one after the other"),
        pytest.param(
            [
                Span("request", 1, 9, 0, 200, {}),
                _OUTER._replace(parent=9),
                Span("request", 2, 9, 0, 200, {}),
                _CLIENT._replace(parent=9),
            ],
            ["outer", "client"],
            id="inside of two requests, two calls",
        ),
        pytest.param(
            [Span("request", 1, 9, 0, 200, {}), _OUTER._replace(parent=9), _CLIENT._replace(trace=1, parent=9)],
            ["client"],
            id="side by side in one trace",
        ),
        pytest.param(
            [
                _OUTER._replace(attributes=_usage(7, 3)),
                Span("tool", 1, 3, 20, 90, _TOOL, parent=1),
                _CLIENT._replace(trace=1, parent=3, start=30, end=80),
            ],
            ["outer", "client"],
            id="a call that a tool made is another",
        ),
        pytest.param(
            [
                _OUTER,
                _OUTER._replace(name="outer 2", number=3, trace=3, start=5, end=105),
                _CLIENT,
                _CLIENT._replace(name="client 2", number=4, trace=4, start=15, end=95),
            ],
            ["client", "client 2"],
            id="each of parallel calls has its own",
        ),
        pytest.param(
            [
                _OUTER,
                _CLIENT._replace(name="attempt", attributes=_CHAT, is_error=True, start=10, end=20),
                _CLIENT._replace(number=3, trace=3, start=30),
            ],
            ["attempt", "client"],
            id="a failed attempt is a call of its own",
        ),
        pytest.param(
            [
                Span("claude", 1, 1, 0, 100, _CLAUDE_SPAN | {"input_tokens": 7, "output_tokens": 3}, "spans"),
                Log("claude_code.api_request", 99, _CLAUDE | {"duration_ms": "90"}),
            ],
            ["claude"],
            id="a span and a log record outside of any trace",
        ),
        pytest.param(
            [
                Span("interaction", 1, 9, 0, 200, _CLAUDE_SPAN | {"span.type": "interaction"}, "spans"),
                Span("claude", 1, 1, 5, 100, _CLAUDE_SPAN | {"input_tokens": 7, "output_tokens": 3}, "spans", parent=9),
                Log("claude_code.api_request", 101, _CLAUDE | {"duration_ms": "95"}, trace=1, number=9),
            ],
            ["claude"],
            id="a log record in the span of the turn",
        ),
        pytest.param(
            [
                Span("outer", 1, 1, 0, 100, _CHAT),
                Log("llm.call.finish", 99, {"llm.vendor": "v", "llm.model": "m-1"}, trace=1, number=1),
            ],
            ["outer"],
            id="a log record in the span of the call",
        ),
        pytest.param(
            [Log("claude_code.api_request", 99, _CLAUDE | {"request_id": "r"})] * 2,
            ["claude_code.api_request"],
            id="one log record twice",
        ),
        pytest.param(
            [
                Span(
                    "run", 1, 1, 0, 100, _usage(9, 5) | {"gen_ai.operation.name": "invoke_workflow", "session.id": "s"}
                ),
                Span("one", 2, 2, 10, 40, _usage(4, 2) | {"session.id": "s"}),
                Span("two", 3, 3, 50, 90, _usage(5, 3) | {"session.id": "s"}),
            ],
            ["one", "two"],
            id="a run whose calls are in traces of their own",
        ),
        pytest.param(
            [
                Span("run", 1, 1, 0, 100, _usage(9, 5) | {"gen_ai.operation.name": "invoke_agent", "session.id": "s"}),
                Span("one", 2, 2, 10, 40, _usage(4, 2) | {"session.id": "s"}),
            ],
            ["run", "one"],
            id="calls of the session that do not add up to the run",
        ),
        pytest.param(
            [Span("one", 1, 1, 0, 100, _usage(7, 3) | _R), Span("two", 2, 2, 10, 90, _usage(9, 9) | _R)],
            ["one", "two"],
            id="one response id of two calls of one scope",
        ),
        pytest.param(
            [
                Span("one", 1, 1, 0, 100, _usage(7, 3) | _R),
                Span("two", 2, 2, 10, 90, _usage(7, 3) | _R | {"gen_ai.request.model": "m-2"}, "client"),
            ],
            ["one", "two"],
            id="one response id of two models",
        ),
        pytest.param(
            [Span("one", 1, 1, 0, 100, _usage(7, 3) | _R), Span("two", 2, 2, 10, 90, _usage(7, 4) | _R, "client")],
            ["two"],
            id="two packages that count one response differently",
        ),
        pytest.param(
            [
                Span("request", 1, 9, 0, 200, {"session.id": "a"}),
                _OUTER._replace(parent=9),
                _CLIENT._replace(attributes=_usage(7, 3) | {"session.id": "b"}),
            ],
            ["outer", "client"],
            id="the session of the request is another",
        ),
        pytest.param(
            [
                Span("request", 1, 9, 0, 200, {}),
                _OUTER._replace(parent=9, attributes=_usage(7, 3) | _answer("Seine")),
                _CLIENT._replace(trace=1, parent=9, attributes=_usage(7, 3) | _answer("Alps")),
            ],
            ["outer", "client"],
            id="side by side with other answers",
        ),
        pytest.param(
            [
                Span("step 1", 1, 8, 0, 200, {}, parent=9),
                Span("step 2", 1, 7, 0, 200, {}, parent=9),
                _OUTER._replace(parent=8),
                _CLIENT._replace(trace=1, parent=7),
            ],
            ["outer", "client"],
            id="in two steps of one trace",
        ),
        pytest.param(
            [
                Span("claude", 1, 1, 0, 100, _CLAUDE_SPAN | {"input_tokens": 7, "output_tokens": 3} | _R, "spans"),
                Log("claude_code.api_request", 5_100, _CLAUDE | {"request_id": "r"}),
            ],
            ["claude"],
            id="a log record that is seconds late",
        ),
        pytest.param(
            [
                _OUTER,
                Span("attempt", 1, 3, 5, 20, _CHAT, "client", parent=1, is_error=True),
                _CLIENT._replace(trace=1, parent=1, start=30),
            ],
            ["attempt", "client"],
            id="a failed attempt inside a framework's call",
        ),
        pytest.param(
            [_OUTER._replace(attributes=_CHAT, end=89), _CLIENT],
            ["client"],
            id="the framework's span ends before the client's",
        ),
        pytest.param(
            [Span("first", 1, 1, 0, 100, parent=2), Span("second", 1, 2, 10, 90, parent=1)],
            ["second"],
            id="calls that are parents of each other",
        ),
        pytest.param(
            [
                Span("first", 1, 1, 0, 100, _usage(9, 5) | {"gen_ai.operation.name": "invoke_agent"}, parent=2),
                Span("second", 1, 2, 10, 90, _usage(9, 5) | {"gen_ai.operation.name": "invoke_agent"}, parent=1),
            ],
            ["second"],
            id="agents that are parents of each other",
        ),
    ],
)
def test_each_call_counts_once(tmp_path: Path, records: list[Span | Log], counted: list[str]) -> None:
    for number, order in enumerate(permutations(records)):
        path = tmp_path / f"{number}.db"
        _export(path, order)
        assert [name for (name,) in read(path, _COUNTED)] == counted


def test_the_row_that_counts_shows_what_all_records_say(path: Path) -> None:
    span = _CLAUDE_SPAN | {
        "input_tokens": 7,
        "output_tokens": 3,
        "response.model_output": "yes",
        "ttft_ms": 20,
        "new_context": "[USER]\nis it?",
    }
    log = _CLAUDE | {"duration_ms": "90", "request_id": "r-1"}
    _export(path, [Log("claude_code.api_request", 99, log), Span("claude", 1, 1, 0, 100, span, "spans")])
    prompt = '[{"role":"user","parts":[{"type":"text","content":"is it?"}]}]'
    assert read(path, "SELECT prompt FROM complete_llm_interactions WHERE counted") == [(prompt,)]
    columns = "source, request_model, response_model, response_id, total_tokens, cost_usd, time_to_first_token_ms"
    assert read(path, f"SELECT {columns} FROM complete_llm_interactions WHERE counted") == [
        ("span", "claude-x", "claude-x-20260131", "r-1", 10, 0.25, 20.0)
    ]
    assert read(path, "SELECT session_id, llm_calls, total_tokens, cost_usd FROM sessions") == [("s", 1, 10, 0.25)]


def test_the_usage_is_that_of_the_client_and_the_messages_are_from_where_they_are(path: Path) -> None:
    answer = '[{"role":"assistant","parts":[{"type":"text","content":"yes"}]}]'
    outer = _usage(7, 4) | {"gen_ai.response.id": "r", "gen_ai.output.messages": answer}
    client = _usage(7, 3) | {"gen_ai.response.id": "r"}
    _export(path, [Span("outer", 1, 1, 0, 100, outer), Span("client", 1, 2, 10, 90, client, "client", parent=1)])
    assert read(path, "SELECT output_tokens, completion FROM complete_llm_interactions WHERE counted") == [(3, answer)]


def test_a_later_version_of_a_span_gives_the_other_record_back(path: Path) -> None:
    _export(path, [_OUTER, _CLIENT])
    assert read(path, _COUNTED) == [("client",)]
    _export(path, [_CLIENT._replace(attributes=_usage(8, 3), end=95)])
    assert read(path, _COUNTED) == [("outer",), ("client",)]
    assert read(path, "SELECT sum(input_tokens) FROM complete_llm_interactions WHERE counted") == [(15,)]


def test_a_log_exporter_alone_counts_each_record(path: Path) -> None:
    exporter = SQLiteLogRecordExporter(path)
    records = [_make(Log("claude_code.api_request", 99, _CLAUDE)), _make(Log("claude_code.api_request", 300, _CLAUDE))]
    assert exporter.export(records).name == "SUCCESS"
    exporter.shutdown()
    assert read(path, "SELECT sum(counted), sum(input_tokens) FROM complete_llm_interactions") == [(2, 14)]


@pytest.mark.parametrize(
    ("above_client", "above_outer"), [(1, 1), (2, 1), (1, 6)], ids=["beside", "below", "beside a graph"]
)
def test_a_call_that_two_packages_recorded_fails_once(path: Path, above_client: int, above_outer: int) -> None:
    """The client's span is beside that of the framework, or below it, and has the requests of the HTTP client."""
    reason = _CHAT | {"error.type": "ServerError"}
    answer = Span("answer", 1, 1, 0, 110, {}, "web", is_error=True)
    graph = Span("graph", 1, 6, 5, 105, {"error.type": "ServerError"}, parent=1, is_error=True)
    outer = Span("outer", 1, 2, 10, 100, reason, parent=above_outer, is_error=True)
    client = Span("client", 1, 3, 15, 90, reason, "client", above_client, is_error=True)
    first = Span("POST", 1, 4, 20, 30, {"error.type": "500"}, "http", 3, is_error=True)
    _export(path, [first, first._replace(number=5, start=40, end=50), client, outer, answer])
    if above_outer == 6:
        _export(path, [graph])
    assert len(read(path, _COUNTED)) == 1
    assert read(path, "SELECT error_type, calls, requests FROM errors") == [("ServerError", 1, 1)]
