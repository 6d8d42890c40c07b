# SPDX-License-Identifier: Apache-2.0
"""One execution of a tool is one row, whatever recorded it and in whatever order: spans inside spans, log records, the
answer that asks and the prompt that holds the result, in one trace or in several."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter.maintain import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read
from tests.file_checks import check_file
from tests.integration.test_log_exporter import find_contents, logging_to, make_log

_Record = ReadableSpan | ReadableLogRecord
_T = 1_795_000_000_000_000_000
_SECOND = 10**9
_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
_TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}
_AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
_PARIS = {"city": "Paris"}
_UNIQUE = "call_0123456789abcdefghij"
_IN_A: dict[str, Any] = {"session.id": "A"}
_IN_B: dict[str, Any] = {"session.id": "B"}


def _span(
    number: int,
    attributes: dict[str, Any],
    start: int,
    end: int,
    *,
    trace: int = 1,
    parent: int | None = None,
    name: str | None = None,
    scope: str = "one",
    service: str = "app",
    error: bool = False,
) -> ReadableSpan:
    return ReadableSpan(
        name=name or f"span {number}",
        context=SpanContext(trace, number, False, TraceFlags(1)),
        parent=None if parent is None else SpanContext(trace, parent, False, TraceFlags(1)),
        resource=Resource({"service.name": service}),
        instrumentation_scope=InstrumentationScope(scope),
        attributes=attributes,
        status=Status(StatusCode.ERROR) if error else Status(StatusCode.UNSET),
        start_time=_T + start * _SECOND,
        end_time=_T + end * _SECOND,
    )


def _asks(call_id: str | None, arguments: dict[str, Any] = _PARIS, **more: Any) -> dict[str, Any]:
    part = {"type": "tool_call", "id": call_id, "name": "weather", "arguments": arguments}
    return {**_CHAT, "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [part]}]), **more}


def _gives(call_id: str, response: str = "11 C", **more: Any) -> dict[str, Any]:
    part = {"type": "tool_call_response", "id": call_id, "response": response}
    return {**_CHAT, "gen_ai.input.messages": json.dumps([{"role": "tool", "parts": [part]}]), **more}


def _turn(*asked: dict[str, Any], results: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """A prompt that repeats what an answer asked for, and holds the results; no ids, but those that `asked` has."""
    calls = [{"type": "tool_call", "name": "weather", **one} for one in asked]
    given = [{"type": "tool_call_response", "response": result, **more} for result in results]
    messages = [{"role": "assistant", "parts": calls}, *({"role": "tool", "parts": [one]} for one in given)]
    return {**_CHAT, "gen_ai.input.messages": json.dumps(messages)}


def _both(**more: Any) -> dict[str, Any]:
    calls = [{"type": "tool_call", "name": "weather", "arguments": one} for one in (_PARIS, _ROME, _PARIS)]
    return {**_CHAT, "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": calls}]), **more}


def _ran(call_id: str | None = None, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    told = {"gen_ai.tool.call.id": call_id, "gen_ai.tool.call.arguments": arguments and json.dumps(arguments)}
    return {**_TOOL, **{key: value for key, value in told.items() if value is not None}, **more}


def _result(text: str) -> dict[str, Any]:
    return {"gen_ai.tool.call.result": text}


def _log(time: int, *, trace: int = 0, span: int = 0, **attributes: Any) -> ReadableLogRecord:
    """The record of an execution that Claude Code writes."""
    return make_log(
        trace=trace,
        span=span,
        event_name="claude_code.tool_result",
        body=None,
        attributes={"tool_name": "weather", "success": "true", "query_source": "x", **attributes},
        timestamp=_T + time * _SECOND,
        observed_timestamp=_T + time * _SECOND,
        resource=Resource({"service.name": "app"}),
    )


def _export(path: Path, batches: Sequence[Sequence[_Record]]) -> None:
    with exporting(path) as spans, logging_to(path) as logs:
        for batch in batches:
            spans.export([record for record in batch if isinstance(record, ReadableSpan)])
            logs.export([record for record in batch if isinstance(record, ReadableLogRecord)])
    with closing(sqlite3.connect(path)) as file:
        check_file(file)


def _orders(records: Sequence[_Record]) -> list[list[list[_Record]]]:
    orders = list(permutations(records))
    if len(orders) > 24:
        orders = random.Random(1).sample(orders, 12)
    return [[list(records)], *([[record] for record in order] for order in orders)]


_ROWS = """
    SELECT tool_call_id, arguments, result, status, counted, source, duration_ms
    FROM complete_tool_interactions ORDER BY start_time_unix_nano, tool_call_id, source, result"""
_JSON = '{"city":"Paris"}'
_OTEL_JSON = json.dumps(_PARIS)
_ROME = {"city": "Rome"}

_ONE: dict[str, tuple[list[_Record], list[tuple[Any, ...]]]] = {
    "a framework's span around the client's": (
        [
            _span(9, _AGENT, 0, 20),
            _span(1, _ran("c1"), 1, 9, parent=9),
            _span(2, _ran("c1", _PARIS, **_result("11 C")), 2, 8, parent=1, scope="mcp"),
        ],
        [("c1", _OTEL_JSON, "11 C", "ok", 1, "span", 8_000)],
    ),
    "a span around another, of which one has the id and one the content": (
        [
            _span(1, _ran(None, _PARIS, **_result("11 C")), 1, 9),
            _span(3, {}, 2, 8, parent=1),
            _span(2, _ran("c1"), 3, 7, parent=3, scope="core", error=True),
        ],
        [("c1", _OTEL_JSON, "11 C", "error", 1, "span", 8_000)],
    ),
    "client and server in traces of their own": (
        [
            _span(1, _ran("c1"), 1, 9),
            _span(1, _ran("c1", _PARIS, **_result("11 C")), 2, 8, trace=2, service="server"),
        ],
        [("c1", _OTEL_JSON, "11 C", "ok", 1, "span", 8_000)],
    ),
    "a span and a log record outside of all traces": (
        [
            _span(1, _ran("c1", **_IN_A), 0, 9),
            _log(1, tool_use_id="c1", tool_input=_OTEL_JSON, duration_ms="5", **_IN_A),
        ],
        [("c1", _OTEL_JSON, None, "ok", 1, "span", 9_000)],
    ),
    "a request, its execution without content, and the next prompt": (
        [
            _span(9, _AGENT, 0, 20),
            _span(1, _asks("c1"), 1, 2, parent=9),
            _span(2, _ran("c1"), 3, 4, parent=9),
            _span(3, _gives("c1"), 5, 6, parent=9),
        ],
        [("c1", _JSON, "11 C", "ok", 1, "span", 1_000)],
    ),
    "a loop in which each request is a trace": (
        [_span(1, _asks("c1"), 1, 2), _span(1, _gives("c1"), 3, 4, trace=2)],
        [("c1", _JSON, "11 C", "ok", 1, "message", None)],
    ),
    "such a loop with a span of the tool": (
        [
            _span(1, _asks(_UNIQUE), 1, 2),
            _span(1, _ran(_UNIQUE), 3, 500, trace=2),
            _span(1, _gives(_UNIQUE), 501, 502, trace=3),
        ],
        [(_UNIQUE, _JSON, "11 C", "ok", 1, "span", 497_000)],
    ),
    "a request that nothing ran": ([_span(1, _asks("c1"), 1, 2)], [("c1", _JSON, None, None, 0, "message", None)]),
    "two spans of the call that asked, in two traces": (
        [_span(1, _asks("c1"), 1, 4), _span(1, _asks("c1"), 2, 3, trace=2), _span(1, _gives("c1"), 5, 6, trace=3)],
        [("c1", _JSON, "11 C", "ok", 1, "message", None)],
    ),
    "a span that asks and one that runs": (
        [
            _span(1, _ran(None, _PARIS), 1, 2, name="tool_call.weather", scope="openai"),
            _span(2, _ran(None, _PARIS, **_result("11 C")), 3, 4, name="weather.tool"),
        ],
        [(None, _OTEL_JSON, "11 C", "ok", 1, "span", 1_000)],
    ),
    "a failed span and the span of the failure": (
        [
            _span(9, _AGENT, 0, 20),
            _span(1, _ran(None, _PARIS, **{"error.type": "ValueError"}), 1, 2, name="call", parent=9, error=True),
            _span(2, _ran(None, _PARIS), 2, 2, name="failure", parent=9, error=True),
        ],
        [(None, _OTEL_JSON, None, "error", 1, "span", 1_000)],
    ),
    "a span that waits for a user": (
        [
            _span(1, _ran("c1"), 1, 9),
            _span(2, {"span.type": "tool.blocked_on_user", "terminal.type": "vscode"}, 2, 5, parent=1),
        ],
        [("c1", None, None, "ok", 1, "span", 5_000)],
    ),
    "a loop without call ids": (
        [
            _span(1, _asks(None), 1, 2),
            _span(1, _turn({"arguments": {"city": "Paris"}}, results=["11 C"]), 3, 4, trace=2),
        ],
        [(None, _JSON, "11 C", "ok", 1, "message", None)],
    ),
    "a loop in which only the prompt has the id": (
        [
            _span(1, _asks(None), 1, 2),
            _span(1, _turn({"id": "c1", "arguments": _PARIS}, results=["11 C"], id="c1"), 3, 4, trace=2),
        ],
        [("c1", _JSON, "11 C", "ok", 1, "message", None)],
    ),
    "a failure that only the prompt tells": (
        [
            _span(1, _asks(None), 1, 2),
            _span(1, _turn({"arguments": _PARIS}, results=["no such city"], is_error=True), 3, 4, trace=2),
        ],
        [(None, _JSON, "no such city", "error", 1, "message", None)],
    ),
    "a failure that the span does not tell": (
        [
            _span(1, _ran("c1", _PARIS), 1, 2),
            _span(2, _turn({"id": "c1"}, results=["no such city"], id="c1", is_error=True), 3, 4),
        ],
        [("c1", _OTEL_JSON, "no such city", "error", 1, "span", 1_000)],
    ),
    "a request without an id, its execution, and the next prompt": (
        [
            _span(1, _asks(None), 1, 2),
            _span(2, _ran(None, _PARIS), 3, 4),
            _span(3, _turn({"arguments": _PARIS}, results=["11 C"]), 5, 6),
        ],
        [(None, _OTEL_JSON, "11 C", "ok", 1, "span", 1_000)],
    ),
    "a failed span with a placeholder for its id": (
        [_span(1, _asks("c1"), 1, 2), _span(2, _ran("<not specified>"), 3, 4, error=True)],
        [("c1", _JSON, None, "error", 1, "span", 1_000)],
    ),
}
_SEVERAL: dict[str, tuple[list[_Record], list[tuple[Any, ...]]]] = {
    "the same id in two sessions": (
        [
            _span(1, _asks("c1", **_IN_A), 1, 2),
            _span(1, _gives("c1", **_IN_B), 3, 4, trace=2),
        ],
        [("c1", _JSON, None, None, 0, "message", None)],
    ),
    "an id that a server gives again in a session": (
        [
            _span(1, _asks("c0", **_IN_A), 1, 2),
            _span(1, _gives("c0", "11 C", **_IN_A), 3, 4, trace=2),
            _span(1, _asks("c0", _ROME, **_IN_A), 5, 6, trace=3),
            _span(1, _gives("c0", "20 C", **_IN_A), 7, 8, trace=4),
        ],
        [
            ("c0", _JSON, "11 C", "ok", 1, "message", None),
            ("c0", '{"city":"Rome"}', "20 C", "ok", 1, "message", None),
        ],
    ),
    "an id that each answer of a loop gives again, whose prompt holds the result of the one before": (
        [
            _span(1, _asks("call_0", {"city": "Oslo"}), 1, 2),
            _span(2, _asks("call_0", _ROME, **_gives("call_0", "9 C")), 3, 4),
            _span(3, _asks("call_0", _PARIS, **_gives("call_0", "15 C")), 5, 6),
            _span(4, _gives("call_0", "11 C"), 7, 8),
        ],
        [
            ("call_0", '{"city":"Oslo"}', "9 C", "ok", 1, "message", None),
            ("call_0", '{"city":"Rome"}', "15 C", "ok", 1, "message", None),
            ("call_0", _JSON, "11 C", "ok", 1, "message", None),
        ],
    ),
    "an id that is given again in a trace, with executions": (
        [
            _span(1, _asks("c0"), 1, 2),
            _span(2, _ran("c0", **_result("11 C")), 3, 4, name="weather"),
            _span(3, _asks("c0", _ROME), 5, 6),
            _span(4, _ran("c0", **_result("20 C")), 7, 8, name="weather"),
        ],
        [("c0", _JSON, "11 C", "ok", 1, "span", 1_000), ("c0", '{"city":"Rome"}', "20 C", "ok", 1, "span", 1_000)],
    ),
    "two users at once, with a short id and without sessions": (
        [
            _span(1, _asks("c0"), 1, 2),
            _span(1, _asks("c0", _ROME), 1, 3, trace=2),
            _span(1, _gives("c0"), 4, 5, trace=3),
        ],
        [
            ("c0", _JSON, None, None, 0, "message", None),
            ("c0", '{"city":"Rome"}', None, None, 0, "message", None),
        ],
    ),
    "two requests of a tool, one of which ran": (
        [
            _span(1, _asks(None), 1, 2),
            _span(2, _asks(None, _ROME), 1, 2),
            _span(3, _ran(None, _ROME, **_result("20 C")), 3, 4),
        ],
        [
            (None, _JSON, None, None, 0, "message", None),
            (None, json.dumps(_ROME), "20 C", "ok", 1, "span", 1_000),
        ],
    ),
    "a tool in an agent in a tool of its name": (
        [
            _span(1, _ran("c1"), 1, 9),
            _span(2, _AGENT, 2, 8, parent=1),
            _span(3, _ran("c2"), 3, 7, parent=2),
        ],
        [("c1", None, None, "ok", 1, "span", 8_000), ("c2", None, None, "ok", 1, "span", 4_000)],
    ),
    "two equal calls and another in one answer, without ids": (
        [
            _span(1, _both(), 1, 2),
            _span(1, _turn(*({"arguments": one} for one in (_PARIS, _ROME, _PARIS)), results="123"), 3, 4, trace=2),
        ],
        [
            (None, _JSON, "1", "ok", 1, "message", None),
            (None, '{"city":"Rome"}', "2", "ok", 1, "message", None),
            (None, _JSON, "3", "ok", 1, "message", None),
        ],
    ),
    "equal calls without ids one after another, in one trace": (
        [
            _span(1, _asks(None), 1, 2),
            _span(2, _turn({"arguments": _PARIS}, results=["11 C"]), 3, 4),
            _span(3, _asks(None), 5, 6),
            _span(4, _turn({"arguments": _PARIS}, results=["12 C"]), 7, 8),
        ],
        [(None, _JSON, "11 C", "ok", 1, "message", None), (None, _JSON, "12 C", "ok", 1, "message", None)],
    ),
    "equal calls without ids of two users at once, in sessions": (
        [
            _span(1, _asks(None, **_IN_A), 1, 2),
            _span(1, _asks(None, **_IN_B), 1, 2, trace=2),
            _span(1, {**_turn({"arguments": _PARIS}, results=["12 C"]), **_IN_B}, 3, 4, trace=3),
        ],
        [(None, _JSON, None, None, 0, "message", None), (None, _JSON, "12 C", "ok", 1, "message", None)],
    ),
    "equal calls without ids of two users at once, without sessions": (
        [
            _span(1, _asks(None), 1, 2),
            _span(1, _asks(None), 1, 2, trace=2),
            _span(1, _turn({"arguments": _PARIS}, results=["12 C"]), 3, 4, trace=3),
        ],
        [(None, _JSON, None, None, 0, "message", None)] * 2,
    ),
    "a request without an id long before the result": (
        [
            _span(1, _asks(None), 1, 2),
            _span(1, _turn({"arguments": _PARIS}, results=["12 C"]), 100, 101, trace=2),
        ],
        [(None, _JSON, None, None, 0, "message", None)],
    ),
    "a tool that ran twice": (
        [
            _span(1, _ran(None, _PARIS, **_result("11 C")), 1, 2, name="weather"),
            _span(2, _ran(None, _PARIS, **_result("11 C")), 3, 4, name="weather"),
        ],
        [(None, _OTEL_JSON, "11 C", "ok", 1, "span", 1_000)] * 2,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("records", "rows"), [*_ONE.values(), *_SEVERAL.values()], ids=[*_ONE, *_SEVERAL])
def test_an_execution_is_one_row_in_every_order(
    tmp_path: Path, records: list[_Record], rows: list[tuple[Any, ...]]
) -> None:
    for number, batches in enumerate(_orders(records)):
        path = tmp_path / f"{number}.db"
        _export(path, batches)
        assert read(path, _ROWS) == rows


def test_the_time_of_waiting_is_apart(path: Path) -> None:
    records, _ = _ONE["a span that waits for a user"]
    _export(path, [records])
    assert read(path, "SELECT waiting_ms, duration_ms FROM complete_tool_interactions") == [(3_000, 5_000)]


def test_sums_count_each_execution_once(path: Path) -> None:
    records, _ = _ONE["a framework's span around the client's"]
    _export(path, [records, [_span(5, _asks("other"), 5, 6, parent=9)]])
    assert read(path, "SELECT tool_calls FROM agent_tree") == [(1,)]
    assert read(path, "SELECT tool_executions FROM days") == [(1,)]
    assert read(path, "SELECT count(*), sum(counted) FROM complete_tool_interactions") == [(2, 1)]


_id = st.sampled_from(["c1", "c2", _UNIQUE, None])
_step = st.integers(0, 12)
_session = st.sampled_from([{}, {}, {"session.id": "A"}, {"session.id": "B"}])
_arguments = st.sampled_from([None, _PARIS, _ROME])
_attributes = st.one_of(
    st.builds(lambda id, own, arguments: _asks(id, arguments or {}, **own), _id, _session, _arguments),
    st.builds(lambda id, text, own: _gives(id or "c1", text, **own), _id, st.sampled_from(["1", "2"]), _session),
    st.builds(
        lambda id, arguments, result, own: _ran(id, arguments, **result, **own),
        *(_id, _arguments, st.sampled_from([{}, _result("1"), _result("2")]), _session),
    ),
    st.builds(
        lambda arguments, id, text: _turn({"arguments": arguments, "id": id}, results=[text], id=id),
        *(_arguments, st.sampled_from([None, None, "c1"]), st.sampled_from(["1", "2"])),
    ),
    st.sampled_from([{}, _AGENT, _CHAT]),
)


@st.composite
def _records(draw: st.DrawFn) -> list[_Record]:
    records: list[_Record] = []
    for number in range(1, draw(st.integers(2, 7))):
        start, trace = draw(_step), draw(st.integers(1, 3))
        end = start + draw(_step)
        parent = draw(st.sampled_from([None, *range(1, number)]))
        for version in range(1 + (draw(st.integers(0, 4)) == 0)):
            form = draw(st.sampled_from([("call", "one"), ("run", "one"), ("run", "two")]))
            error = draw(st.integers(0, 3)) == 0
            own: dict[str, Any] = {"trace": trace, "parent": parent, "error": error, "name": form[0], "scope": form[1]}
            records.append(_span(number, draw(_attributes), start, end + version, **own))
    for _ in range(draw(st.integers(0, 3))):
        trace, span = draw(st.sampled_from([(0, 0), (1, 1), (2, 2), (1, 40)]))
        told: dict[str, Any] = {"tool_use_id": draw(_id), "duration_ms": draw(st.sampled_from([None, "2000"]))}
        told = {key: value for key, value in {**told, **draw(_session)}.items() if value is not None}
        records.append(_log(draw(_step), trace=trace, span=span, **told))
    return records


def _split(records: Sequence[_Record], chance: random.Random) -> list[list[_Record]]:
    batches: list[list[_Record]] = []
    for record in chance.sample(records, len(records)):
        if not batches or chance.random() < 0.5 or type(batches[-1][0]) is not type(record):
            batches.append([])
        batches[-1].append(record)
    return batches


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(records=_records(), seed=st.integers(0, 2**32))
def test_order_split_and_repetition_do_not_change_any_view(records: list[_Record], seed: int) -> None:
    chance = random.Random(seed)
    spans: list[_Record] = [record for record in records if isinstance(record, ReadableSpan)]
    logs: list[_Record] = [record for record in records if isinstance(record, ReadableLogRecord)]
    again = chance.choices(spans, k=2) if spans else []
    assert find_contents([logs, spans]) == find_contents(_split([*records, *again], chance))


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(records=_records(), seed=st.integers(0, 2**32))
def test_reindex_changes_nothing(records: list[_Record], seed: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        _export(path, _split(records, random.Random(seed)))
        rows = "SELECT * FROM complete_tool_interactions ORDER BY id"
        before = read(path, rows)
        done = reindex.reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs, read(path, rows)) == (0, 0, before)


def _message(time: int, name: str, *, trace: int = 1, span: int = 2, **attributes: Any) -> ReadableLogRecord:
    return make_log(
        trace=trace,
        span=span,
        event_name=name,
        body=json.dumps(attributes),
        attributes={},
        timestamp=_T + time * _SECOND,
        observed_timestamp=_T + time * _SECOND,
        resource=Resource({"service.name": "app"}),
    )


def _asked_by_record(city: str) -> dict[str, Any]:
    return {"tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": city}}}]}


_LOGGED: list[_Record] = [
    _span(1, _CHAT, 1, 3),
    _message(2, "gen_ai.choice", span=1, message=_asked_by_record("Paris")),
    _span(2, _CHAT, 4, 9),
    _message(4, "gen_ai.assistant.message", **_asked_by_record("Rome")),
    _message(5, "gen_ai.tool.message", content="20 C"),
    _message(6, "gen_ai.assistant.message", **_asked_by_record("Paris")),
    _message(7, "gen_ai.tool.message", content="11 C"),
]


@pytest.mark.slow
def test_log_records_without_call_ids_tell_the_result_together(tmp_path: Path) -> None:
    for number, batches in enumerate(_orders(_LOGGED)):
        path = tmp_path / f"{number}.db"
        _export(path, batches)
        assert read(path, _ROWS) == [(None, _JSON, "11 C", "ok", 1, "message", None)]
        done = reindex.reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs) == (0, 0)
