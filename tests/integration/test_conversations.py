# SPDX-License-Identifier: Apache-2.0
"""Conversations beside sessions: in the views, the reader, the commands and the reports; and conflicts of sessions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run
from tests.conftest import read
from tests.integration.test_log_exporter import make_log
from tests.new_files import put_new_file

_T = 1_795_000_000_000_000_000
_CHAT: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
_TOOL: dict[str, Any] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}


def _span(number: int, parent: int | None, attributes: dict[str, Any], *, remote: bool = False) -> ReadableSpan:
    above = None if parent is None else SpanContext(1, parent, remote, TraceFlags(1))
    context = SpanContext(1, number, False, TraceFlags(1))
    return ReadableSpan(f"s{number}", context, above, attributes=attributes, start_time=_T + number, end_time=_T + 100)


def _write(path: Path, spans: Sequence[ReadableSpan], logs: Sequence[Any] = ()) -> Path:
    put_new_file(path)
    span_exporter, log_exporter = SQLiteSpanExporter(path), SQLiteLogRecordExporter(path)
    assert span_exporter.export(spans).name == "SUCCESS"
    assert log_exporter.export(logs).name == "SUCCESS"
    span_exporter.shutdown()
    log_exporter.shutdown()
    return path


@pytest.fixture
def two_runs(path: Path) -> Path:
    """A request with a session, and two runs of agents below it, each with a call and a tool; the tool is only asked by
    a log record of its own conversation."""
    spans = [
        _span(1, None, {"session.id": "S"}),
        _span(2, 1, {"gen_ai.conversation.id": "run-1"}),
        _span(3, 2, _CHAT),
        _span(4, 2, _TOOL),
        _span(5, 1, {"thread_id": "run-2"}),
        _span(6, 5, _CHAT),
    ]
    attributes = {"llm.vendor": "anthropic", "llm.model": "m-1", "gen_ai.conversation.id": "run-3"}
    finish: dict[str, Any] = {"trace": 1, "event_name": "llm.call.finish", "timestamp": _T + 50}
    logs = [
        make_log(span=6, attributes={**attributes, "gen_ai.conversation.id": None}, **finish),
        make_log(span=6, attributes=attributes, **finish),
    ]
    return _write(path, spans, logs)


def test_calls_and_tools_of_a_conversation_are_found(two_runs: Path) -> None:
    database = TelemetryDatabase(two_runs)
    assert [span.name for span in database.find_spans(conversation_id="run-1", newest_first=False)] == [
        "s2",
        "s3",
        "s4",
    ]
    (call,) = database.find_llm_interactions(conversation_id="run-1")
    assert (call.session_id, call.conversation_id, call.name) == ("S", "run-1", "s3")
    assert {call.source for call in database.find_llm_interactions(conversation_id="run-2")} == {"span", "event"}
    assert [call.source for call in database.find_llm_interactions(conversation_id=["run-3", "none"])] == ["event"]
    (tool,) = database.find_tool_interactions(conversation_id=["run-1", "run-2"])
    assert (tool.tool_name, tool.conversation_id) == ("add", "run-1")


def test_commands_and_reports_take_a_conversation(two_runs: Path) -> None:
    _, printed, _ = run("llm", two_runs, "--conversation", "run-1", "--json")
    assert [call["span_id"] for call in json.loads(printed)["llm_interactions"]] == [f"{3:016x}"]
    _, printed, _ = run("tools", two_runs, "--conversation", "run-1", "--json")
    assert [tool["conversation_id"] for tool in json.loads(printed)["tool_interactions"]] == ["run-1"]
    report = TelemetryDatabase(two_runs).run_report("tools", group_by="conversation")
    assert [row[:2] for row in report.rows] == [("run-1", 1)]


def test_a_number_in_thread_id_names_no_conversation(path: Path) -> None:
    """Whatever else the attributes tell: each has a text in which a view looks for names."""
    beside = {"note": "conversation threadId"}
    values: list[Any] = [5, -5, 1.5, 1e20, "5", True, [5], "t-5"]
    spans = [
        _span(2 * number + one, None, {"thread.id": value} | more)
        for number, value in enumerate(values, 1)
        for one, more in enumerate(({}, beside))
    ]
    call = {"llm.vendor": "anthropic", "llm.model": "m-1"}
    logs = [make_log(event_name="llm.call.finish", attributes=call | dict(span.attributes or {})) for span in spans]
    _write(path, spans, logs)
    for view in ("spans", "complete_llm_interactions"):
        told = "SELECT conversation_id, count(*) FROM {} WHERE conversation_id IS NOT NULL GROUP BY 1"
        assert read(path, told.format(view)) == [("t-5", 2)]


def test_all_records_of_the_trace_show_the_session_of_the_entry_span(two_runs: Path) -> None:
    for view in ("spans", "logs", "events", "complete_llm_interactions", "complete_tool_interactions"):
        assert read(two_runs, f"SELECT DISTINCT session_id FROM {view}") == [("S",)]
    assert read(two_runs, "SELECT session_id, spans, logs, traces FROM sessions") == [("S", 6, 2, 1)]


def test_each_entry_span_of_a_distributed_trace_overrules_what_is_weaker(path: Path) -> None:
    spans = [
        _span(1, None, {"gen_ai.conversation.id": "C"}),
        _span(2, 1, {"thread_id": "T"}),
        _span(3, 2, {"session.id": "S"}, remote=True),
        _span(4, 3, {"gen_ai.conversation.id": "D"}),
    ]
    for order in (spans, spans[::-1]):
        path.unlink(missing_ok=True)
        exporter = SQLiteSpanExporter(path)
        for span in order:
            assert exporter.export([span]).name == "SUCCESS"
        exporter.shutdown()
        assert read(path, "SELECT DISTINCT session_id FROM spans") == [("S",)]


def test_reindex_by_other_sources_overrules_others(two_runs: Path) -> None:
    settings = resolve_settings(two_runs, session_attributes=["thread_id", "session.id", "gen_ai.conversation.id"])
    reindex(settings)
    expected = [("s1", "S"), ("s2", "run-2"), ("s3", "run-2"), ("s4", "run-2"), ("s5", "run-2"), ("s6", "run-2")]
    assert read(two_runs, "SELECT name, session_id FROM spans ORDER BY name") == expected
    assert reindex(settings).changed_spans == 0


def test_info_and_doctor_name_traces_with_several_sessions(path: Path) -> None:
    _write(path, [_span(1, None, {"session.id": "S"}), _span(2, 1, {"thread_id": "T"})])
    assert "several sessions" not in run("info", path)[1] + run("doctor", path)[1]
    _write(path, [_span(3, 1, {"session.id": "U"})])
    command = (
        f"""`python -m otel_sqlite_exporter sql "SELECT * FROM session_conflicts WHERE resolution = 'apart'" {path}`"""
    )
    choose = f"to choose one, set session_attributes and run `python -m otel_sqlite_exporter reindex {path}`"
    what, remedy = "1 trace shows several sessions", f"list them with {command}; {choose}"
    assert run("info", path)[1].endswith(f"\nnote: {what}: {remedy}\n")
    assert run("doctor", path)[:2] == (0, f"note: sessions: {what}\n  {remedy}\n")
    _, printed, _ = run("info", path, "--json")
    assert json.loads(printed)["contents"]["conflicting_traces"] == 1
