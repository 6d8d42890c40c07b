# SPDX-License-Identifier: Apache-2.0
"""Calls that events and log records tell, and tools that only messages tell, as rows of the interaction views."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.deliver.spool_format import dump_batches, load_batch
from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.model.rows import (
    NO_INTERACTIONS,
    EncodedLog,
    EncodedSpan,
    Interactions,
    LLMInteractionRow,
    Records,
    ToolCallRow,
    ToolInteractionRow,
    ToolResultRow,
)
from otel_sqlite_exporter.model.signals import LogFields
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer
from tests.conftest import read
from tests.file_checks import check_file

pytestmark = pytest.mark.core

_START = 1_795_000_000_000_000_000
_Record = EncodedSpan | EncodedLog
_EMPTY_LLM = LLMInteractionRow(0, 0, *(None,) * 18)
_EMPTY_TOOL = ToolInteractionRow(*(None,) * 6)
_BEGUN = _EMPTY_LLM._replace(request_model="gpt", provider="openai", prompt="[]", user_id="ada")
_DONE = _EMPTY_LLM._replace(response_model="gpt-1", input_tokens=3, output_tokens=4, total_tokens=7)


def _span(
    number: int, *, parent: int | None = None, events: Sequence[tuple[str, Interactions]] = (), end: int = 1000
) -> EncodedSpan:
    span = ReadableSpan(
        name=f"{number}",
        context=SpanContext(1, number, False, TraceFlags(1)),
        parent=None if parent is None else SpanContext(1, parent, False, TraceFlags(1)),
        start_time=_START + number,
        end_time=_START + end,
        events=[Event(name, {"of": name}, _START + 10 * place) for place, (name, _) in enumerate(events, 1)],
    )
    records = [(place, interactions) for place, (_, interactions) in enumerate(events)]
    return SpanEncoder(("session.id",)).encode_span(span, _START)._replace(record_interactions=records)


def _log(name: str, time: int, interactions: Interactions, *, span: int = 0, **attributes: Any) -> EncodedLog:
    values: dict[str, Any] = {
        "timestamp": _START + time,
        "event_name": name,
        "trace_id": 1 if span else 0,
        "span_id": span,
        "attributes": attributes,
    }
    fields = LogFields._make(values.get(field) for field in LogFields._fields)
    return LogEncoder(("session.id",)).encode_log(fields, _START)._replace(interactions=interactions)


def _write(path: Path, *batches: Sequence[_Record]) -> None:
    migrate(str(path), busy_timeout_ms=1_000)
    with closing(open_writer(str(path), busy_timeout_ms=1_000)) as connection:
        writer = Writer(connection, resolve_settings(path, pairing_window_ms=10**6))
        for batch in batches:
            spans = [record for record in batch if isinstance(record, EncodedSpan)]
            logs = [record for record in batch if isinstance(record, EncodedLog)]
            writer.write(Records(spans, logs), Run.begin("traces", resolve_settings()))
        check_file(connection)


def _orders(records: Sequence[_Record]) -> list[list[list[_Record]]]:
    return [[list(records)], *([[record] for record in order] for order in permutations(records))]


_CALL = """
    SELECT name, provider, request_model, model, user_id, prompt, total_tokens, status, start_time_unix_nano - ?,
      duration_ms, start_id IS NULL, finish_id IS NULL, counted, source
    FROM complete_llm_interactions"""


def test_start_and_finish_events_of_a_span_are_one_call(path: Path) -> None:
    events = [("llm.call.start", Interactions(_BEGUN)), ("llm.call.finish", Interactions(_DONE))]
    _write(path, [_span(1, events=events)])
    assert read(path, _CALL, _START) == [
        ("llm.call.finish", "openai", "gpt", "gpt-1", "ada", "[]", 7, "ok", 10, 1e-5, 0, 0, 1, "event")
    ]
    assert read(path, "SELECT llm_calls, total_tokens FROM traces") == [(1, 7)]


@pytest.mark.parametrize("span", [1, 0])
def test_log_records_are_one_call_whichever_comes_first(tmp_path: Path, span: int) -> None:
    session = {"session.id": "s"}
    records: list[_Record] = [
        _log("llm.call.start", 10, Interactions(_BEGUN), span=span, **session),
        _log("llm.call.finish", 20, Interactions(_DONE), span=span, **session),
        _span(1),
    ]
    for number, batches in enumerate(_orders(records)):
        path = tmp_path / f"{number}.db"
        _write(path, *batches)
        assert read(path, _CALL, _START) == [
            ("llm.call.finish", "openai", "gpt", "gpt-1", "ada", "[]", 7, "ok", 10, 1e-5, 0, 0, 1, "event")
        ]
        assert read(path, "SELECT span_id, session_id FROM complete_llm_interactions") == [
            (f"{span:016x}" if span else None, "s")
        ]
        assert read(path, "SELECT llm_calls, total_tokens FROM sessions") == [(1, 7)]


def test_a_start_without_a_finish_is_a_call_that_runs(path: Path) -> None:
    _write(path, [_log("llm.call.start", 10, Interactions(_BEGUN), span=1)])
    rows = read(path, "SELECT status, start_id IS NULL, finish_id IS NULL FROM complete_llm_interactions")
    assert rows == [("running", 0, 1)]


def test_what_the_attributes_of_both_say_is_merged_and_null_deletes_nothing(path: Path) -> None:
    _write(
        path,
        [
            _log("llm.call.start", 10, Interactions(_BEGUN), span=1, a=1, both="start", kept="k", text="1"),
            _log("llm.call.finish", 20, Interactions(_DONE), span=1, both="finish", kept=None, deep={"x": [True]}),
        ],
    )
    merged = """
        SELECT j.key, j.type, j.value FROM complete_llm_interactions AS c, json_each(c.combined_attributes) AS j
        ORDER BY j.key"""
    assert read(path, merged) == [
        ("a", "integer", 1),
        ("both", "text", "finish"),
        ("deep", "object", '{"x":[true]}'),
        ("kept", "text", "k"),
        ("text", "text", "1"),
    ]


def test_a_record_that_reports_its_duration_began_that_long_ago(path: Path) -> None:
    _write(path, [_log("api_request", 5_000_000, Interactions(_DONE._replace(duration_ms=2.0)))])
    assert read(path, "SELECT start_time_unix_nano - ?, duration_ms FROM complete_llm_interactions", _START) == [
        (3_000_000, 2.0)
    ]


def test_a_span_repeats_the_call_that_is_recorded_in_it(tmp_path: Path) -> None:
    """In any order, and also where an agent stands around it."""
    agent = _span(1)._replace(interactions=Interactions(_DONE._replace(is_aggregate=1)))
    call = _span(2, parent=1)._replace(interactions=Interactions(_DONE))
    record = _log("api_request", 20, Interactions(_DONE), span=2)
    records: list[_Record] = [agent, call, record]
    for number, batches in enumerate(_orders(records)):
        path = tmp_path / f"{number}.db"
        _write(path, *batches)
        assert read(path, "SELECT name, counted FROM complete_llm_interactions ORDER BY name") == [
            ("1", 0),
            ("2", 0),
            ("api_request", 1),
        ]


def _asking(number: int, *ids: str | None) -> EncodedSpan:
    calls = [ToolCallRow(id, "search", f'{{"q":"{id}"}}') for id in ids]
    return _span(number, end=100)._replace(interactions=Interactions(_DONE, tool_calls=calls))


_TOOLS = """
    SELECT source, tool_name, tool_call_id, arguments, result, status, asked_by_span_id FROM complete_tool_interactions
    ORDER BY tool_call_id"""


def test_a_tool_that_only_messages_tell_is_a_row_with_its_result(tmp_path: Path) -> None:
    answered = Interactions(_DONE, tool_results=[ToolResultRow("a", '"found"')])
    records = [_asking(1, "a", "b"), _span(2)._replace(interactions=answered)]
    for number, batches in enumerate(_orders(records)):
        path = tmp_path / f"{number}.db"
        _write(path, *batches)
        assert read(path, _TOOLS) == [
            ("message", "search", "a", '{"q":"a"}', '"found"', "ok", f"{1:016x}"),
            ("message", "search", "b", '{"q":"b"}', None, None, f"{1:016x}"),
        ]


def test_a_tool_that_has_a_span_is_one_row_that_knows_who_asked(tmp_path: Path) -> None:
    tool = _EMPTY_TOOL._replace(tool_name="search", tool_call_id="a", arguments="{}", result="1")
    records = [_asking(1, "a"), _span(3)._replace(interactions=Interactions(tool=tool))]
    for number, batches in enumerate(_orders(records)):
        path = tmp_path / f"{number}.db"
        _write(path, *batches)
        assert read(path, _TOOLS) == [("span", "search", "a", "{}", "1", "ok", f"{1:016x}")]


def test_a_tool_span_without_a_call_id_is_found_by_name_and_time(tmp_path: Path) -> None:
    tool = Interactions(tool=_EMPTY_TOOL._replace(tool_name="search"))
    for number, batches in enumerate(_orders([_asking(1, "a"), _span(200, end=300)._replace(interactions=tool)])):
        path = tmp_path / f"{number}.db"
        _write(path, *batches)
        assert read(path, _TOOLS) == [("span", "search", "a", '{"q":"a"}', None, "ok", f"{1:016x}")]


def test_a_later_version_of_a_tool_span_gives_its_request_back(path: Path) -> None:
    tool = Interactions(tool=_EMPTY_TOOL._replace(tool_name="search", tool_call_id="a"))
    _write(path, [_asking(1, "a")], [_span(3)._replace(interactions=tool)], [_span(3, end=2000)])
    assert [row[:3] for row in read(path, _TOOLS)] == [("message", "search", "a")]


def test_interactions_go_through_the_spool_as_they_are() -> None:
    span = _asking(1, "a", None)
    tool = Interactions(tool=_EMPTY_TOOL, tool_results=[ToolResultRow("a", "1")], tool_calls=[])
    span = span._replace(record_interactions=[(0, Interactions(_BEGUN, None, [], [])), (2, tool)])
    log = _log("llm.call.start", 10, Interactions(_BEGUN))
    run = Run.begin("traces", resolve_settings())
    (content,) = dump_batches(Records([span, _span(5)], [log]), run, 7)
    loaded, _, _ = load_batch(content)
    assert loaded.spans[0].record_interactions == span.record_interactions
    assert loaded.logs[0].interactions.llm == _BEGUN
    assert loaded.spans[1].interactions is NO_INTERACTIONS
    assert dump_batches(loaded, run, 7) == [content]


def test_the_triggers_keep_one_row_a_call_when_links_change(path: Path) -> None:
    """A start that comes late, and is nearer than the one that its finish was linked with."""
    finish = _log("llm.call.finish", 100, Interactions(_DONE), span=1)
    first = _log("llm.call.start", 20, Interactions(_BEGUN._replace(request_model="first")), span=2)
    own = _log("llm.call.start", 50, Interactions(_BEGUN._replace(request_model="own")), span=1)
    _write(path, [first], [finish], [own])
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT request_model, status FROM complete_llm_interactions ORDER BY 1").fetchall()
    assert rows == [("first", "running"), ("own", "ok")]


def test_a_call_whose_own_event_reports_it_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    span = _span(1, events=[("llm.call.finish", Interactions(_DONE))])
    _write(path, [span._replace(interactions=Interactions(_DONE))])
    counted = "SELECT source, counted FROM complete_llm_interactions ORDER BY source"
    assert read(path, counted) == [("event", 0), ("span", 1)]
