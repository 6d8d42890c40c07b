# SPDX-License-Identifier: Apache-2.0
"""Questions to a file, and that the answers are what the file holds."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.errors import FileRefusedError, FilterError, MigrationRequiredError, NotFoundError
from otel_sqlite_exporter.query import reading
from otel_sqlite_exporter.query.pages import Page
from tests import strategies
from tests.commands import NEXT, upgrade_to_next
from tests.conftest import clean_environment, exporting, make_spans, read
from tests.file_checks import FOREIGN, snapshot
from tests.sample_traces import MINUTE, MODELS, MS, NOON_NS, TRACES, write_traces
from tests.upgrades import RELEASED

FIND = {
    "find_sessions": "sessions",
    "find_traces": "traces",
    "find_spans": "spans",
    "find_events": "events",
    "find_logs": "logs",
    "find_llm_interactions": "complete_llm_interactions",
    "find_tool_interactions": "complete_tool_interactions",
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_traces(tmp_path_factory.mktemp("asked") / "otel.db")


@pytest.fixture
def database(asked: Path) -> TelemetryDatabase:
    return TelemetryDatabase(asked)


def all_pages(find: Callable[..., Page[Any]], **filters: Any) -> list[Any]:
    """Every record, page by page."""
    found: list[Any] = []
    cursor = None
    while True:
        page = find(cursor=cursor, **filters)
        found += page
        cursor = page.cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("name", [name for name in FIND if name != "find_logs"])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_all_pages_together_are_the_view_each_record_once(
    database: TelemetryDatabase, name: str, newest_first: bool, limit: int
) -> None:
    found = all_pages(getattr(database, name), limit=limit, newest_first=newest_first)
    expected = read(database.path, f"SELECT * FROM {FIND[name]}")
    assert sorted(map(repr, expected)) == sorted(repr(tuple(getattr(one, f) for f in one.__slots__)) for one in found)
    times = [one.end_time_unix_nano if name == "find_sessions" else one.start_time_unix_nano for one in found]
    if name != "find_events":
        assert times == sorted(times, reverse=newest_first)
    else:
        assert [one.id for one in found] == sorted((one.id for one in found), reverse=newest_first)


def test_a_page_says_how_many_there_are(database: TelemetryDatabase) -> None:
    first = database.find_spans(limit=7)
    assert (len(first), first.total, first.describe()) == (7, 5 * TRACES, "7 of 60")
    last = database.find_spans(limit=7, session_id="session-0", name="POST /chat")
    assert (len(last), last.total, last.cursor, last.describe()) == (4, 4, None, "4 of 4")
    second = database.find_spans(limit=7, cursor=first.cursor)
    assert second.total == 60
    assert second[0] not in first
    assert list(second[:2]) == [second[0], second[1]]


def test_a_total_that_takes_long_is_not_counted(database: TelemetryDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_COUNT_S", -1)
    monkeypatch.setattr(reading, "_STEPS_BETWEEN_LOOKS", 1)
    page = database.find_spans(limit=7)
    assert (len(page), page.total, page.describe()) == (7, None, "7 of more")
    assert database.find_spans(limit=60).total == 60


def test_a_cursor_is_right_whatever_is_written_meanwhile(path: Path) -> None:
    write_traces(path, 4)
    database = TelemetryDatabase(path)
    first = database.find_traces(limit=2)
    with exporting(path) as exporter:
        exporter.export(make_spans("newer", "newer still"))
    second = database.find_traces(limit=2, cursor=first.cursor)
    assert [trace.start_time_unix_nano for trace in (*first, *second)] == [
        NOON_NS + place * MINUTE for place in (3, 2, 1, 0)
    ]
    assert second.cursor is None


def test_a_cursor_belongs_to_its_list_and_order(database: TelemetryDatabase) -> None:
    cursor = database.find_spans(limit=1).cursor
    with pytest.raises(FilterError, match=r"^cursor: "):
        database.find_traces(limit=1, cursor=cursor)
    with pytest.raises(FilterError, match=r"^cursor: "):
        database.find_spans(limit=1, cursor=cursor, newest_first=False)


@pytest.mark.parametrize(
    ("name", "filters", "expected"),
    [
        ("find_spans", {"since": "2026-01-31T12:05Z", "until": NOON_NS + 6 * MINUTE}, 5),
        ("find_spans", {"service_name": "orders", "name": ["POST /chat", "nothing"]}, 6),
        ("find_spans", {"status": "error"}, 4),
        ("find_spans", {"min_duration_ms": 500}, 12),
        ("find_spans", {"kind": "INTERNAL", "scope_name": "asked", "session_id": "session-1"}, 20),
        ("find_sessions", {"since": NOON_NS + 11 * MINUTE}, 1),
        ("find_sessions", {"until": NOON_NS + MINUTE}, 1),
        ("find_sessions", {"user_id": "user-0"}, 2),
        ("find_sessions", {"min_total_tokens": 10**6}, 0),
        ("find_sessions", {"model": "o4-mini", "provider": ["openai", "nobody"], "agent_name": "planner"}, 2),
        ("find_sessions", {"model": "nothing"}, 0),
        ("find_traces", {"model": "o4-mini", "session_id": "session-0"}, 0),
        ("find_traces", {"model": "gpt-4.1"}, 8),
        ("find_traces", {"min_total_tokens": 120}, 12),
        ("find_traces", {"min_cost_usd": 0}, 0),
        ("find_traces", {"user_id": "user-1", "session_id": "session-0"}, 2),
        ("find_traces", {"status": "error"}, 0),  # their roots handled the errors
        ("find_events", {"phase": "start", "source": "event"}, 24),
        ("find_events", {"since": NOON_NS + 11 * MINUTE, "source": "span"}, 10),
        ("find_events", {"link_method": "span", "min_duration_ms": 400}, 24),
        ("find_llm_interactions", {"model": "o4-mini"}, 8),
        ("find_llm_interactions", {"model": ["o4-mini", "gpt-4.1"], "provider": "openai", "status": "error"}, 2),
        ("find_llm_interactions", {"user_id": "user-1", "agent_name": "planner", "operation": "chat"}, 12),
        ("find_llm_interactions", {"error_type": "RateLimitError"}, 3),
        ("find_llm_interactions", {"min_total_tokens": 120}, 2),
        ("find_llm_interactions", {"min_cost_usd": 0}, 0),
        ("find_tool_interactions", {"tool_name": "search"}, 6),
        ("find_tool_interactions", {"tool_call_id": "call-3", "status": "ok"}, 1),
        ("find_tool_interactions", {"status": "error"}, 1),
    ],
)
def test_every_filter_must_be_met(
    database: TelemetryDatabase, name: str, filters: dict[str, Any], expected: int
) -> None:
    assert len(getattr(database, name)(**filters, limit=100)) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"app.is_first": True}, 12),
        ({"app.is_first": ("!=", True)}, 12),
        ({"app.is_first": ("exists", True)}, 24),
        ({"app.is_first": ("exists", False)}, 36),
        ({"app.is_first": 1}, 0),
        ({'app."quoted".key': 3}, 2),
        ({'app."quoted".key': (">=", 10), "gen_ai.provider.name": "openai"}, 3),
        ({"gen_ai.usage.input_tokens": ("<", 101.5)}, 4),
        ({"gen_ai.usage.input_tokens": "100"}, 0),
        ({"gen_ai.usage.input_tokens": (">", "")}, 0),
        ({"gen_ai.request.model": ("<", "d")}, 8),
        ({"gen_ai.request.model": ("<", 5)}, 0),
        ({"gen_ai": ("exists", True)}, 0),
    ],
)
def test_attributes_are_asked_by_key(database: TelemetryDatabase, wanted: dict[str, Any], expected: int) -> None:
    assert len(database.find_spans(attributes=wanted, limit=100)) == expected


_plain = st.one_of(
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    strategies.texts,
    st.floats(allow_nan=False, allow_infinity=False),
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(strategies.keys, _plain, max_size=4), min_size=1, max_size=4))
def test_an_attribute_is_found_by_any_key_and_value(every: list[dict[str, Any]]) -> None:
    """Compared with what Python says of the attributes as they are read back."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "otel.db"
        with exporting(path) as exporter:
            for number, attributes in enumerate(every):
                exporter.export(make_spans(str(number), attributes=attributes))
        database = TelemetryDatabase(path)
        spans = database.find_spans()
        held = [json.loads(span.attributes) for span in spans]
        for attributes in held:
            for key, value in attributes.items():
                if "\0" in f"{key}{value}":
                    continue  # refused
                for operator, compare in (("=", _equal), ("!=", lambda a, b: not _equal(a, b)), (">=", _not_less)):
                    if operator == ">=" and isinstance(value, bool):
                        continue
                    expected = [one for one in held if key in one and compare(one[key], value)]
                    found = database.find_spans(attributes={key: (operator, value)})
                    assert sorted(map(repr, expected)) == sorted(repr(json.loads(span.attributes)) for span in found)
                assert len(database.find_spans(attributes={key: ("exists", True)})) == sum(key in one for one in held)


def _equal(one: Any, other: Any) -> bool:
    return _comparable(one, other) and one == other


def _not_less(one: Any, other: Any) -> bool:
    if not _comparable(one, other):
        return False
    return one.encode() >= other.encode() if isinstance(one, str) else one >= other  # type: ignore[no-any-return]


def _comparable(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool)
    return isinstance(one, str) == isinstance(other, str)


def test_an_attribute_is_what_was_recorded(path: Path) -> None:
    attributes: dict[str, Any] = {"bytes": b"\x00\xff", "nan": math.inf, "list": ["a", "b"], "a.b": 7}
    with exporting(path) as exporter:
        exporter.export(make_spans("one", attributes=attributes))
    (span,) = TelemetryDatabase(path).find_spans()
    assert {key: span.attribute(key) for key in attributes} == attributes | {"list": ["a", "b"]}
    assert span.attribute("missing") is None
    assert span.attribute("missing", 5) == 5


def test_a_record_as_a_dict_can_be_written_as_json(database: TelemetryDatabase) -> None:
    (call,) = database.find_llm_interactions(limit=1)
    assert call.trace_id is not None
    assert call.span_id is not None
    shown = json.loads(json.dumps(call.to_dict()))
    assert shown["prompt"][0]["parts"][0]["content"] == "where is my order?"
    assert (
        shown["combined_attributes"]["gen_ai.request.model"]
        == call.request_model
        == call.attribute("gen_ai.request.model")
    )
    assert database.find_llm_interactions(limit=2).to_dicts()[0] == shown


def test_a_record_shows_itself_in_short(database: TelemetryDatabase) -> None:
    (call,) = database.find_llm_interactions(limit=1)
    assert call.trace_id is not None
    assert call.span_id is not None
    shown = repr(call)
    assert shown.startswith(f"LLMInteractionSummary(trace_id='{call.trace_id}', span_id=")
    assert f"model='{call.model}', start_id={call.start_id}" in shown
    assert "cost_usd" not in shown
    assert len(shown) < 2_000


def test_a_trace_is_a_tree(database: TelemetryDatabase) -> None:
    (trace,) = database.find_traces(limit=1, newest_first=False)
    tree = database.get_trace(trace.trace_id)
    assert tree.trace == trace
    assert [("  " * node.depth) + node.span.name for node in tree] == [
        "POST /chat",
        "  invoke_agent planner",
        "    chat gpt-4.1",
        "      execute_tool search",
        "    chat claude-haiku-4-5",
    ]
    (root,) = tree.roots
    (agent,) = root.children
    first, second = agent.children
    assert [call.model for call in first.llm_interactions] == ["gpt-4.1"]
    assert [tool.tool_name for tool in first.children[0].tool_interactions] == ["search"]
    assert (second.children, second.tool_interactions, agent.llm_interactions) == ((), (), ())
    shown = json.loads(json.dumps(tree.to_dict()))
    assert shown["trace_id"] == trace.trace_id
    assert [span["depth"] for span in shown["tree"]] == [node.depth for node in tree]
    assert [span["span_id"] for span in shown["tree"]] == [node.span.span_id for node in tree]
    assert shown["tree"][4]["llm_interactions"][0]["model"] == "claude-haiku-4-5"


def test_ids_may_be_shortened_as_long_as_they_are_one(database: TelemetryDatabase) -> None:
    ids = sorted(trace.trace_id for trace in database.find_traces())
    assert [database.get_trace(id[:12]).trace.trace_id for id in ids] == ids
    assert database.get_session("session-1").session_id == "session-1"
    with pytest.raises(NotFoundError, match=r"several sessions start with 'sess': session-0, session-1, session-2;"):
        database.get_session("sess")
    with pytest.raises(NotFoundError, match=r"there is no trace 'xyz': `traces` lists them"):
        database.get_trace("xyz")
    with pytest.raises(NotFoundError, match=r"there is no session '%': `sessions` lists them"):
        database.get_session("%")
    for text in ("", None):
        with pytest.raises(FilterError, match=r"^session_id: "):
            database.get_session(text)  # type: ignore[arg-type]


def test_a_prefix_resolves_to_the_whole_id(database: TelemetryDatabase) -> None:
    ids = [trace.trace_id for trace in database.find_traces()]
    assert [database.resolve_trace_id(id) for id in ids] == ids
    assert [database.resolve_trace_id(id[:12].upper()) for id in ids] == ids
    assert database.resolve_session_id("session-2") == "session-2"
    with pytest.raises(NotFoundError, match=r"'sess': session-0, session-1, session-2"):
        database.resolve_session_id("sess")
    with pytest.raises(NotFoundError, match=r"'SESSION-1'"):
        database.resolve_session_id("SESSION-1")
    with pytest.raises(NotFoundError, match=r"'xyz'"):
        database.resolve_trace_id("xyz")
    with pytest.raises(FilterError, match=r"^trace_id: "):
        database.resolve_trace_id("")


def test_an_id_that_begins_another_is_itself(path: Path) -> None:
    with exporting(path) as exporter:
        for session in ("chat", "chat-2", "chat-3"):
            exporter.export(make_spans("span", attributes={"session.id": session}))
    assert TelemetryDatabase(path).get_session("chat").session_id == "chat"
    assert TelemetryDatabase(path).resolve_session_id("chat") == "chat"


def test_a_span_and_a_call_are_found_by_trace_and_span(database: TelemetryDatabase) -> None:
    (call,) = database.find_llm_interactions(limit=1)
    assert call.trace_id is not None
    assert call.span_id is not None
    assert database.get_llm_interaction(call.trace_id, call.span_id) == call
    assert database.get_llm_interaction(call.trace_id[:16], call.span_id[:12]) == call
    assert database.get_span(call.trace_id, call.span_id).name == call.name
    root = database.get_trace(call.trace_id).trace.root_span_id
    with pytest.raises(NotFoundError, match=r"there is no span .*: `calls` lists them"):
        database.get_llm_interaction(call.trace_id, root)


def test_start_and_finish_lead_to_each_other(database: TelemetryDatabase) -> None:
    (call,) = database.find_llm_interactions(limit=1)
    assert call.trace_id is not None
    assert call.span_id is not None
    start, finish = database.related(call)
    assert (start.phase, finish.phase, start.span_id) == ("start", "finish", call.span_id)
    assert database.related(start) == (finish,)
    assert database.related(finish) == (start,)
    assert database.related(database.get_span(call.trace_id, call.span_id)) == (start, finish)
    (tool,) = database.find_tool_interactions(limit=1)
    assert [event.phase for event in database.related(tool)] == ["start", "finish"]
    (streamed,) = database.find_events(name="llm.stream.start", limit=1)
    assert [(event.name, event.phase) for event in database.related(streamed)] == [("llm.stream.finish", "finish")]
    with pytest.raises(FilterError, match=r"^record: SessionSummary has no start and no finish"):
        database.related(database.get_session("session-0"))  # type: ignore[arg-type]


def test_a_record_that_is_linked_with_none_has_no_relation(path: Path) -> None:
    tracer = TracerProvider(shutdown_on_exit=False)
    tracer.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    with tracer.get_tracer("tests").start_as_current_span("span") as span:
        span.add_event("step.start")
    tracer.shutdown()
    database = TelemetryDatabase(path)
    (event,) = database.find_events(source="event")
    assert (event.phase, database.related(event)) == ("start", ())


def test_nothing_is_opened_or_created_until_something_is_asked(tmp_path: Path) -> None:
    database = TelemetryDatabase(tmp_path / "none.db")
    assert database.path == str(tmp_path / "none.db")
    with pytest.raises(FileRefusedError, match=r"none.db does not exist: give the path"):
        database.find_spans()
    assert os.listdir(tmp_path) == []


def test_the_file_is_the_one_that_the_environment_names(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_PATH", str(asked))
    assert TelemetryDatabase().find_spans().total == 60


@pytest.mark.parametrize("make", FOREIGN, ids=lambda make: make.__name__)
def test_a_file_of_another_program_is_refused_and_not_touched(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = snapshot(path)
    with pytest.raises(FileRefusedError, match=r"of another program"):
        TelemetryDatabase(path).find_spans()
    assert snapshot(path) == before


def test_a_file_without_a_schema_names_the_command(path: Path) -> None:
    path.touch()
    with pytest.raises(FileRefusedError, match=r"has no schema yet: run `python -m otel_sqlite_exporter migrate"):
        TelemetryDatabase(path).find_spans()


def test_a_newer_file_is_read(path: Path) -> None:
    write_traces(path, 1)
    upgrade_to_next(path)
    with closing(sqlite3.connect(path)) as connection:
        view = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'spans'").fetchone()[0]
        connection.executescript(
            f"DROP VIEW spans; {view.replace('s.attribute_types,', '7 AS added, s.attribute_types,', 1)}"
        )
    assert NEXT.version > RELEASED[-1].version
    database = TelemetryDatabase(path)
    assert [span.trace_id for span in database.find_spans()] == [database.find_traces()[0].trace_id] * 5


def test_a_file_that_is_too_old_names_the_command(path: Path) -> None:
    write_traces(path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP VIEW logs; UPDATE _state SET value = 0 WHERE name = 'views'")
    before = snapshot(path)
    with pytest.raises(MigrationRequiredError, match=r"is too old for this question: run `python -m"):
        TelemetryDatabase(path).find_logs()
    assert snapshot(path) == before


def test_what_an_exporter_has_written_can_be_asked_while_it_is_at_work(path: Path) -> None:
    database = TelemetryDatabase(path)
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
        before = snapshot(path)
        assert [span.name for span in database.find_spans()] == ["one"]
        assert snapshot(path) == before
        exporter.export(make_spans("two"))
        assert sorted(span.name for span in database.find_spans()) == ["one", "two"]


def test_asking_needs_no_opentelemetry(asked: Path) -> None:
    code = f"""\
import sys
from otel_sqlite_exporter import TelemetryDatabase
from tests import strategies
database = TelemetryDatabase({str(asked)!r})
assert len(database.get_trace(database.find_traces()[0].trace_id).nodes) == 5
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(*sorted(loaded & {{"opentelemetry", "click", "rich", "sqlalchemy", "pandas", "polars", "pyarrow"}}))"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(), check=False
    )
    assert (done.stdout, done.stderr) == ("\n", "")


def test_models_and_times_are_as_the_file_says(database: TelemetryDatabase) -> None:
    assert {call.model for call in database.find_llm_interactions()} == set(MODELS)
    (session,) = database.find_sessions(session_id="session-0")
    assert session.start_time_unix_nano == NOON_NS
    assert session.end_time_unix_nano == NOON_NS + 9 * MINUTE + 500 * MS


def test_the_planner_has_fresh_statistics_whatever_is_written(path: Path) -> None:
    """Without waiting for a quiet moment: with every doubling, in the batch that brings it."""
    noted = "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE idx = '_spans_start_time'"
    known = []
    with exporting(path) as exporter:
        for batch in range(1, 9):
            exporter.export(make_spans(*[f"span {batch}"] * 512))
            tables = read(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'")
            known.append(read(path, noted)[0][0] if tables == [(1,)] else None)
    assert known[0] is None
    assert [None not in known[1:], known[1] == known[2], known[3] == known[6]] == [True, True, True]
    for spans, said in zip(range(512, 4097, 512), known, strict=True):
        assert said is None or spans / 6 < said < spans * 2  # told from 1,000 rows
