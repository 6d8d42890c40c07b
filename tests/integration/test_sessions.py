# SPDX-License-Identifier: Apache-2.0
"""Which session each span shows, through a real provider and a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.new_files import put_new_file


class _File:
    """A provider whose every span is a batch of its own, and the file it writes."""

    def __init__(self, path: Path, resource: Resource | None = None, **options: Any) -> None:
        self.path = path
        self.provider = TracerProvider(resource=resource)
        put_new_file(path)
        self.provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path, **options)))
        self.tracer: Tracer = self.provider.get_tracer("test")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as file:
            return file.execute(sql).fetchall()

    def sessions_by_span(self) -> dict[str, str | None]:
        return dict(self.rows("SELECT name, session_id FROM spans"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[_File]:
    file = _File(tmp_path / "otel.db")
    yield file
    file.provider.shutdown()


def test_a_session_on_the_root_alone_reaches_every_span_of_its_trace(file: _File) -> None:
    with file.tracer.start_as_current_span("root", attributes={"session.id": "S"}):
        with file.tracer.start_as_current_span("child"), file.tracer.start_as_current_span("grandchild"):
            pass
        assert file.sessions_by_span() == {"grandchild": None, "child": None}  # the root has not ended
    assert file.sessions_by_span() == {"grandchild": "S", "child": "S", "root": "S"}


def test_a_session_on_a_late_child_reaches_earlier_batches(file: _File) -> None:
    with file.tracer.start_as_current_span("root"):
        with file.tracer.start_as_current_span("first"):
            pass
        with file.tracer.start_as_current_span("late", attributes={"gen_ai.conversation.id": "C"}):
            pass
        assert file.sessions_by_span() == {"first": "C", "late": "C"}
    assert file.rows("SELECT session_id, source, spans, traces FROM sessions") == [
        ("C", "gen_ai.conversation.id", 3, 1)
    ]


def test_a_stronger_source_takes_the_trace_and_the_other_session_keeps_only_its_own(file: _File) -> None:
    with file.tracer.start_as_current_span("root"):
        with file.tracer.start_as_current_span("silent"):
            pass
        with file.tracer.start_as_current_span("weak", attributes={"gen_ai.conversation.id": "W"}):
            pass
        assert file.sessions_by_span()["silent"] == "W"
        with file.tracer.start_as_current_span("strong", attributes={"session.id": "S"}):
            pass
    assert file.sessions_by_span() == {"silent": "S", "weak": "W", "strong": "S", "root": "S"}
    conflicts = file.rows(
        "SELECT session_id, other_session_id, other_session_source, other_spans FROM session_conflicts"
    )
    assert conflicts == [("S", "W", "gen_ai.conversation.id", 1)]
    times = dict(file.rows("SELECT session_id, start_time_unix_nano FROM sessions"))
    assert times["W"] == file.rows("SELECT start_time_unix_nano FROM spans WHERE name = 'weak'")[0][0]


def test_a_session_that_no_span_shows_any_more_is_not_listed(tmp_path: Path) -> None:
    file = _File(tmp_path / "otel.db", Resource({"session.id": "of the resource"}))
    with file.tracer.start_as_current_span("root", attributes={"session.id": "S"}):
        with file.tracer.start_as_current_span("child"):
            pass
        assert file.sessions_by_span() == {"child": "of the resource"}
        assert file.rows("SELECT source FROM sessions") == [("resource:session.id",)]
    assert file.sessions_by_span() == {"child": "S", "root": "S"}
    assert file.rows("SELECT session_id FROM sessions") == [("S",)]
    file.provider.shutdown()


def test_two_traces_of_one_session_add_up(file: _File) -> None:
    usage: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 3,
    }
    for _ in range(2):
        root = file.tracer.start_span("root", attributes={**usage, "session.id": "S", "user.id": "ada"})
        root.record_exception(RuntimeError("x"))
        root.set_status(Status(StatusCode.ERROR))
        root.end()
    columns = "session_id, source, user_id, traces, spans, llm_calls, errors, input_tokens, output_tokens, total_tokens"
    assert file.rows(f"SELECT {columns} FROM sessions") == [("S", "session.id", "ada", 2, 2, 2, 2, 4, 6, 10)]
    assert file.rows("SELECT max(end_time_unix_nano) - min(start_time_unix_nano) FROM spans") == file.rows(
        "SELECT end_time_unix_nano - start_time_unix_nano FROM sessions"
    )


def test_names_that_sqlite_json_cannot_carry_come_again_without_harm(file: _File) -> None:
    for _ in range(2):
        file.tracer.start_span("a\0.start", attributes={"session.id": "a\0b"}).end()
        span = file.tracer.start_span("span", attributes={"session.id": '"\\\U0001f600'})
        span.add_event("odd\0.start")
        span.end()
    assert file.rows("SELECT received, written, quarantined FROM exporter_health") == [(4, 4, 0)]
    assert file.rows("SELECT session_id, spans FROM sessions ORDER BY 1") == [('"\\\U0001f600', 2), ("a\ufffdb", 2)]


def test_the_sources_are_a_setting(tmp_path: Path) -> None:
    file = _File(tmp_path / "otel.db", session_attributes=["chat", "session.id"])
    file.tracer.start_span("span", attributes={"session.id": "S", "chat": "mine"}).end()
    assert file.rows("SELECT session_id, source FROM sessions") == [("mine", "chat")]
    file.provider.shutdown()


def test_usage_of_an_agent_is_not_counted_beside_that_of_its_calls(file: _File) -> None:
    usage: dict[str, Any] = {"gen_ai.usage.input_tokens": 2, "gen_ai.usage.output_tokens": 3}
    with file.tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent", **usage}):
        file.tracer.start_span("call", attributes={"gen_ai.operation.name": "chat", **usage}).end()
    file.tracer.start_span("alone", attributes={"gen_ai.operation.name": "invoke_agent", **usage}).end()
    counted = dict(file.rows("SELECT name, counted FROM complete_llm_interactions"))
    assert counted == {"call": 1, "agent": 0, "alone": 1}


def test_the_session_of_a_request_overrules_the_conversations_of_agents_below_it(file: _File) -> None:
    """As a web service and Pydantic AI name them: the request ends last."""
    for number in range(2):
        call: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
        with file.tracer.start_as_current_span("POST /chat", attributes={"session.id": "S"}):
            run = {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": f"run {number}"}
            with file.tracer.start_as_current_span("agent", attributes=run):
                file.tracer.start_span("call", attributes=call).end()
                file.tracer.start_span("tool", attributes={"gen_ai.operation.name": "execute_tool"}).end()
            assert file.rows("SELECT session_id FROM spans WHERE name = 'agent'")[-1:] == [(f"run {number}",)]
    assert file.rows("SELECT session_id, source, traces, spans, llm_calls, input_tokens FROM sessions") == [
        ("S", "session.id", 2, 8, 2, 10)
    ]
    expected = [("S", "run 0"), ("S", "run 1")]
    for view in ("complete_llm_interactions", "complete_tool_interactions"):
        query = f"SELECT session_id, conversation_id FROM {view} WHERE name IN ('call', 'tool') ORDER BY id"
        assert file.rows(query) == expected
    assert file.rows("SELECT name, conversation_id FROM spans WHERE name IN ('POST /chat', 'tool') ORDER BY id") == [
        *(("tool", "run 0"), ("POST /chat", None)),
        *(("tool", "run 1"), ("POST /chat", None)),
    ]
    assert file.rows("SELECT session_id, other_session_id, resolution FROM session_conflicts ORDER BY 2") == [
        ("S", "run 0", "overruled"),
        ("S", "run 1", "overruled"),
    ]


def test_a_session_of_the_same_strength_stays_apart_from_that_of_the_entry_span(file: _File) -> None:
    with file.tracer.start_as_current_span("root", attributes={"session.id": "S"}):
        file.tracer.start_span("same", attributes={"session.id": "T"}).end()
        file.tracer.start_span("weaker", attributes={"gen_ai.conversation.id": "T"}).end()
        file.tracer.start_span("weak", attributes={"gen_ai.conversation.id": "W"}).end()
    # A session that some span names by a source of the same strength is not overruled where another names it weaker.
    assert file.sessions_by_span() == {"same": "T", "weaker": "T", "weak": "S", "root": "S"}
    conflicts = "SELECT other_session_id, other_session_source, resolution FROM session_conflicts ORDER BY 1"
    assert file.rows(conflicts) == [
        ("T", "session.id", "apart"),
        ("W", "gen_ai.conversation.id", "overruled"),
    ]


def test_a_weaker_session_of_the_entry_span_overrules_only_what_is_weaker(file: _File) -> None:
    """The trace shows the strongest session, which is that of a child."""
    with file.tracer.start_as_current_span("root", attributes={"gen_ai.conversation.id": "C"}):
        file.tracer.start_span("strong", attributes={"session.id": "S"}).end()
        file.tracer.start_span("weak", attributes={"thread_id": "W"}).end()
        file.tracer.start_span("silent").end()
    assert file.sessions_by_span() == {"strong": "S", "weak": "S", "silent": "S", "root": "C"}


def test_conversations_come_from_json_and_the_nearest_span_above(file: _File) -> None:
    metadata = '{"thread_id": "t-1", "user_id": "ada", "langgraph_step": 1}'
    node: dict[str, Any] = {"thread.id": 7, "metadata": "not a map"}
    masked = {"gen_ai.conversation.id": "[redacted]", "thread_id": ""}
    with (
        file.tracer.start_as_current_span("graph", attributes={"metadata": metadata, "session.id": "S"}),
        file.tracer.start_as_current_span("node", attributes=node),
    ):
        file.tracer.start_span("inner", attributes={"gen_ai.conversation.id": "c-1", "thread_id": "t-2"}).end()
        file.tracer.start_span("masked", attributes=masked).end()
    assert dict(file.rows("SELECT name, conversation_id FROM spans")) == {
        **{"graph": "t-1", "node": "t-1", "inner": "c-1", "masked": "t-1"},
    }
    assert file.rows("SELECT DISTINCT session_id FROM spans") == [("S",)]
    assert file.rows("SELECT user_id FROM traces") == [("ada",)]
