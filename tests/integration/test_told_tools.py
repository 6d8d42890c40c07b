# SPDX-License-Identifier: Apache-2.0
"""A tool call that only log records tell is a row, whichever came first: they, the span of the model call, or that of
the execution."""

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
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read
from tests.file_checks import check_file
from tests.integration.test_content import DETAILS
from tests.integration.test_log_exporter import find_contents, logging_to, make_log
from tests.integration.test_statement_counts import count_statements

_Record = ReadableSpan | ReadableLogRecord
_T = 1_795_000_000_000_000_000
_RESOURCE = Resource({"service.name": "one"})
_CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small", "gen_ai.agent.name": "Ann"}
_TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}
_ASSISTANT = "gen_ai.assistant.message"
_ASKS = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}]}]
_GIVES = [*_ASKS, {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]}]
_FAILED = {"type": "tool_call_response", "id": "c1", "response": "42", "is_error": True}
_FAILS = [*_ASKS, {"role": "tool", "parts": [_FAILED]}]


def _span(number: int, attributes: dict[str, Any], *, start: int = 0, end: int = 10, trace: int = 1) -> ReadableSpan:
    return ReadableSpan(
        name=f"span {number}",
        context=SpanContext(trace, number, False, TraceFlags(1)),
        resource=_RESOURCE,
        attributes=attributes,
        start_time=_T + start,
        end_time=_T + end,
    )


def _log(span: int, name: str, body: Any, time: int = 5, *, trace: int = 1, **attributes: Any) -> ReadableLogRecord:
    return make_log(
        trace=trace,
        span=span,
        event_name=name,
        body=body,
        attributes=attributes,
        timestamp=_T + time,
        observed_timestamp=_T + time,
    )


def _call(id: str | None, name: str = "add") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": '{"a": 1}'}}


def _choice(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": list(calls)}}


def _export(path: Path, batches: Sequence[Sequence[_Record]]) -> None:
    with exporting(path) as spans, logging_to(path) as logs:
        for batch in batches:
            spans.export([record for record in batch if isinstance(record, ReadableSpan)])
            logs.export([record for record in batch if isinstance(record, ReadableLogRecord)])
    with closing(sqlite3.connect(path)) as file:
        check_file(file)


def _orders(records: Sequence[_Record]) -> list[list[list[_Record]]]:
    return [[list(records)], *([[record] for record in order] for order in permutations(records))]


_ROWS = """
    SELECT source, span_id, tool_name, tool_call_id, arguments, result, status, agent_name, dialect,
      start_time_unix_nano - ?, asked_by_span_id
    FROM complete_tool_interactions ORDER BY tool_call_id, source"""
_FIRST, _SECOND, _THIRD = (f"{number:016x}" for number in (1, 2, 3))
_JSON_ARGUMENTS = '{"a":1}'
_ANSWERS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "choice": ("gen_ai.choice", _choice(_call("c1")), {}),
    "choice beside its message": (
        "gen_ai.choice",
        {"index": 0, "message": {"content": None}, "tool_calls": [_call("c1")]},
        {},
    ),
    "choice in an attribute": ("gen_ai.choice", None, {"gen_ai.event.content": json.dumps(_choice(_call("c1")))}),
    "choice as JSON": ("gen_ai.choice", json.dumps(_choice(_call("c1"))), {}),
    "details": (DETAILS, None, {"gen_ai.output.messages": _ASKS}),
    "details as JSON": (DETAILS, None, {"gen_ai.output.messages": json.dumps(_ASKS)}),
}
_RESULTS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "tool message": ("gen_ai.tool.message", {"content": "42", "id": "c1"}, {}),
    "tool message in an attribute": (
        "gen_ai.tool.message",
        None,
        {"gen_ai.event.content": json.dumps({"content": "42", "tool_call_id": "c1"})},
    ),
    "user message of Anthropic": (
        "gen_ai.user.message",
        {"content": [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}]},
        {},
    ),
    "details": (DETAILS, None, {"gen_ai.input.messages": _GIVES}),
}


@pytest.mark.slow
@pytest.mark.parametrize("answer", _ANSWERS.values(), ids=_ANSWERS)
@pytest.mark.parametrize("result", _RESULTS.values(), ids=_RESULTS)
def test_a_call_that_log_records_tell_is_a_row_with_its_result(
    tmp_path: Path, answer: tuple[str, Any, dict[str, Any]], result: tuple[str, Any, dict[str, Any]]
) -> None:
    records: list[_Record] = [
        _span(1, _CHAT),
        _log(1, *answer[:2], 9, **answer[2]),
        _span(2, _CHAT, start=20, end=30),
        _log(2, *result[:2], 20, **result[2]),
    ]
    every_order = (answer, result) == (_ANSWERS["choice"], _RESULTS["tool message"])
    orders = _orders(records) if every_order else [[records], [records[::-1]], *([[r] for r in records[::-1]],)]
    for number, batches in enumerate(orders):
        path = tmp_path / f"{number}.db"
        _export(path, batches)
        assert read(path, _ROWS, _T) == [
            ("message", _FIRST, "add", "c1", _JSON_ARGUMENTS, "42", "ok", "Ann", "gen_ai", 9, _FIRST)
        ]


def test_a_call_follows_its_log_record_into_another_session(tmp_path: Path) -> None:
    """A span may name another session than its trace shows; the log record comes before either is known."""
    records: list[_Record] = [
        _span(1, {"session.id": "root"}),
        _span(2, {**_CHAT, "session.id": "own"}),
        _log(2, "gen_ai.choice", _choice(_call("c1")), 9),
    ]
    for place, order in enumerate(permutations(records)):
        path = tmp_path / f"{place}.db"
        _export(path, [[record] for record in order])
        assert (
            read(path, "SELECT session_id FROM logs UNION ALL SELECT session_id FROM complete_tool_interactions")
            == [(read(path, "SELECT session_id FROM logs")[0][0],)] * 2
        )
        stored = "SELECT i.trace_session = l.trace_session FROM _tool_interactions AS i JOIN _logs AS l"
        assert read(path, stored) == [(1,)]


def test_calls_without_a_span_are_rows_too(path: Path) -> None:
    """Where only log records are exported."""
    _export(path, [[_log(1, "gen_ai.choice", _choice(_call("c1"), _call(None, "search")))]])
    assert read(path, _ROWS, _T) == [
        ("message", None, "search", None, _JSON_ARGUMENTS, None, None, None, None, 5, None),
        ("message", None, "add", "c1", _JSON_ARGUMENTS, None, None, None, None, 5, None),
    ]
    assert read(path, "SELECT DISTINCT trace_id FROM complete_tool_interactions") == [(f"{1:032x}",)]


def test_a_call_that_also_has_a_tool_span_is_one_row_that_knows_who_asked(tmp_path: Path) -> None:
    for id in ("c1", None):
        named = (
            {"gen_ai.tool.call.id": id, "gen_ai.tool.call.result": "42"} if id else {"gen_ai.tool.call.result": "42"}
        )
        records: list[_Record] = [
            _span(1, _CHAT),
            _log(1, "gen_ai.choice", _choice(_call(id)), 9),
            _span(3, {**_TOOL, **named}, start=12, end=15),
        ]
        for number, batches in enumerate(_orders(records)):
            path = tmp_path / f"{id}{number}.db"
            _export(path, batches)
            assert read(path, _ROWS, _T) == [
                ("span", _THIRD, "add", id, _JSON_ARGUMENTS, "42", "ok", "Ann", "gen_ai", 12, _FIRST)
            ]


def test_a_call_that_attributes_tell_too_is_one_row(tmp_path: Path) -> None:
    for id in ("c1", None):
        part = {"type": "tool_call", "id": id, "name": "add", "arguments": {"a": 1}}
        messages = json.dumps([{"role": "assistant", "parts": [{k: v for k, v in part.items() if v is not None}]}])
        records: list[_Record] = [
            _span(1, {**_CHAT, "gen_ai.output.messages": messages}),
            _log(1, "gen_ai.choice", _choice(_call(id)), 9),
        ]
        for number, batches in enumerate(_orders(records)):
            path = tmp_path / f"{id}{number}.db"
            _export(path, batches)
            assert read(path, "SELECT tool_name, tool_call_id, span_id FROM complete_tool_interactions") == [
                ("add", id, _FIRST)
            ]


@pytest.mark.slow
@pytest.mark.parametrize("is_run", [True, False], ids=["a tool that ran", "a tool that was asked for"])
def test_a_prompt_says_that_a_tool_failed(path: Path, is_run: bool) -> None:
    asks = _span(1, {**_CHAT, "gen_ai.output.messages": json.dumps(_ASKS)})
    runs = _span(2, {**_TOOL, "gen_ai.tool.call.id": "c1"}, start=20, end=30)
    knows = _span(3, {**_CHAT, "gen_ai.input.messages": json.dumps(_FAILS)}, start=40, end=50)
    for spans in permutations((asks, runs, knows) if is_run else (asks, knows)):
        path.unlink(missing_ok=True)
        _export(path, [[span] for span in spans])
        assert read(path, "SELECT status, result, counted FROM complete_tool_interactions") == [("error", "42", 1)]


def test_a_prompt_that_repeats_an_answer_asks_for_nothing_new(tmp_path: Path) -> None:
    """But where the answer was not recorded, it is all that tells of the call."""
    again: list[_Record] = [
        _span(2, _CHAT, start=20, end=30),
        _log(2, _ASSISTANT, {"tool_calls": [_call("c1"), _call(None, "search")]}, 20),
    ]
    records: list[_Record] = [_span(1, _CHAT), _log(1, "gen_ai.choice", _choice(_call("c1")), 9), *again]
    rows = "SELECT span_id, tool_name, tool_call_id FROM complete_tool_interactions"
    for number, batches in enumerate(_orders(records)):
        path = tmp_path / f"{number}.db"
        _export(path, batches)
        assert read(path, rows) == [(_FIRST, "add", "c1")]
    path = tmp_path / "only.db"
    _export(path, [again])
    assert read(path, rows) == [(_SECOND, "add", "c1")]


def test_records_outside_of_a_trace_tell_of_no_call(path: Path) -> None:
    _export(path, [[_log(0, "gen_ai.choice", _choice(_call("c1")), trace=0)]])
    assert read(path, "SELECT count(*) FROM complete_tool_interactions") == [(0,)]


def test_a_later_version_of_a_span_keeps_what_log_records_tell(path: Path) -> None:
    told = [
        _log(1, "gen_ai.choice", _choice(_call("c2")), 9),
        _log(1, "gen_ai.tool.message", {"content": "42", "id": "c2"}, 0),
    ]
    _export(path, [[_span(1, _CHAT)], told, [_span(1, {**_CHAT, "gen_ai.agent.name": "Bea"}, end=20)]])
    assert read(path, "SELECT tool_call_id, result, status, agent_name FROM complete_tool_interactions") == [
        ("c2", "42", "ok", "Bea")
    ]


def test_a_call_shows_the_session_of_its_span(path: Path) -> None:
    told = [_log(1, "gen_ai.choice", _choice(_call("c1")))]
    _export(path, [told, [_span(1, {**_CHAT, "session.id": "A"})]])
    assert read(path, "SELECT session_id FROM complete_tool_interactions") == [("A",)]


def test_what_is_masked_tells_of_nothing(path: Path) -> None:
    with logging_to(path, capture_content=False) as logs:
        logs.export([_log(1, "gen_ai.choice", _choice(_call("c1")))])
    assert "add" not in repr(read(path, "SELECT * FROM complete_tool_interactions"))


_ids = st.sampled_from(["c1", "c2", None])
_step = st.integers(0, 6).map(lambda step: step * 10)
_span_attributes = st.one_of(
    st.builds(
        lambda parts, own: {
            **_CHAT,
            **own,
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}]),
        },
        st.lists(
            st.builds(lambda id: {"type": "tool_call", "name": "add", **({"id": id} if id else {})}, _ids), max_size=2
        ),
        st.sampled_from([{}, {"session.id": "A"}, {"gen_ai.agent.name": "Bea"}]),
    ),
    st.sampled_from([{}, _CHAT, *({**_CHAT, "gen_ai.input.messages": json.dumps(one)} for one in (_GIVES, _FAILS))]),
    st.builds(lambda id: {**_TOOL, **({"gen_ai.tool.call.id": id} if id else {})}, _ids),
)
_bodies = st.one_of(
    st.builds(
        lambda name, ids: (
            name,
            _choice(*map(_call, ids)) if name == "gen_ai.choice" else _choice(*map(_call, ids))["message"],
        ),
        st.sampled_from(["gen_ai.choice", _ASSISTANT]),
        st.lists(_ids, max_size=2),
    ),
    st.builds(
        lambda id, content: ("gen_ai.tool.message", {"id": id, "content": content}), _ids, st.sampled_from(["42", "43"])
    ),
)


@st.composite
def _records(draw: st.DrawFn) -> list[_Record]:
    records: list[_Record] = []
    for number in range(1, draw(st.integers(1, 4))):
        start, length = draw(_step), draw(_step)
        trace = draw(st.integers(1, 2))
        for version in range(draw(st.integers(1, 2))):
            times = {"start": start, "end": start + length + 5 * version, "trace": trace}
            records.append(_span(number, draw(_span_attributes), **times))
    for _ in range(draw(st.integers(1, 6))):
        name, body = draw(_bodies)
        records.append(_log(draw(st.integers(0, 4)), name, body, draw(_step), trace=draw(st.integers(1, 2))))
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
def test_reindex_changes_nothing_and_finds_what_older_rules_did_not(records: list[_Record], seed: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        _export(path, _split(records, random.Random(seed)))
        rows = f"SELECT * FROM ({_ROWS.replace('?', str(_T))}) ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"
        before = read(path, rows)
        done = reindex.reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs, read(path, rows)) == (0, 0, before)
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("DELETE FROM _tool_interactions")
            file.execute("DELETE FROM _tool_results")
        reindex.reindex(resolve_settings(path))
        assert read(path, rows) == before
        done = reindex.reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs, done.before) == (0, 0, done.after)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["spans", "logs"])
def test_the_number_of_statements_does_not_grow_with_the_batch(path: Path, first: str) -> None:
    with exporting(path) as spans, logging_to(path) as logs:

        def count(trace: int, calls: int) -> Any:
            numbers = range(1, calls + 1)
            chats = [_span(number, _CHAT, start=number, end=number + 5, trace=trace) for number in numbers]
            told = [
                record
                for number in numbers
                for record in (
                    _log(number, "gen_ai.choice", _choice(_call(f"c{number}")), number + 4, trace=trace),
                    _log(number, "gen_ai.tool.message", {"id": f"c{number - 1}", "content": "42"}, number, trace=trace),
                )
            ]
            if first == "spans":
                spans.export(chats)
                return count_statements(logs, lambda: logs.export(told))
            logs.export(told)
            return count_statements(spans, lambda: spans.export(chats))

        count(1, 1)
        assert count(2, 2) == count(3, 300)
    assert read(path, "SELECT count(*), count(result) FROM complete_tool_interactions WHERE span_id IS NOT NULL") == [
        (303, 300)
    ]
