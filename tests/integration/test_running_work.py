# SPDX-License-Identifier: Apache-2.0
"""What readers show of work that has not ended: up to now while its process runs, and interrupted when that is gone,
without waiting for a writer."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags
from sqlalchemy import select
from sqlalchemy.orm import Session

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.orm import Span, open_engine
from otel_sqlite_exporter.query.askable_views import SESSIONS, SPANS, TRACES
from otel_sqlite_exporter.query.overview import read_overview
from otel_sqlite_exporter.query.pages import ViewRow
from otel_sqlite_exporter.query.sql_builder import build_page
from otel_sqlite_exporter.sql.texts import read_folder
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.open_work import show_open_work
from tests.commands import run, run_process
from tests.conftest import export_all, exporting, read
from tests.file_checks import snapshot, table_scans
from tests.integration.test_processor import CALL, eventually, opened, tracing

TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
_HOUR_MS = 3_600_000
_FIND = ("find_spans", "find_traces", "find_sessions", "find_llm_interactions", "find_tool_interactions")


def open_span(
    trace: int, number: int, name: str, attributes: Mapping[str, Any], *, parent: int = 0, ended: bool = False
) -> ReadableSpan:
    """A span that began an hour ago."""
    start = time.time_ns() - _HOUR_MS * 1_000_000
    above = SpanContext(trace, parent, False, TraceFlags(1)) if parent else None
    context = SpanContext(trace, number, False, TraceFlags(1))
    end = start + 1_000_000 if ended else None
    return ReadableSpan(name, context, above, attributes=attributes, start_time=start, end_time=end)


def write(path: Path, trace: int = 1, session: str = "s") -> None:
    """A request of an agent that runs, with a call and a tool, and a step that is done."""
    named = {"session.id": session}
    with exporting(path) as exporter:
        exporter.export_open(
            [
                open_span(trace, 1, "invoke_agent", named | AGENT),
                open_span(trace, 2, "chat small", CALL | named, parent=1),
                open_span(trace, 3, "execute_tool search", TOOL, parent=1),
            ]
        )
        exporter.export([open_span(trace, 4, "done", {}, parent=1, ended=True)])


def change_process(path: Path, **columns: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for column, value in columns.items():
            connection.execute(f"UPDATE _exporter_runs SET {column} = ?", (value,))


def shown(path: Path, **filters: Any) -> dict[str, list[ViewRow]]:
    database = TelemetryDatabase(path)
    return {name: list(getattr(database, name)(**filters)) for name in _FIND}


def statuses(path: Path) -> dict[str, set[str]]:
    return {name: {row.status for row in rows} for name, rows in shown(path).items()}  # type: ignore[attr-defined]


def test_what_runs_lasts_until_now(path: Path) -> None:
    write(path)
    for name, rows in shown(path, status="running").items():
        assert {row.duration_ms >= _HOUR_MS for row in rows} == {True}, name  # type: ignore[attr-defined]
    assert {name: len(rows) for name, rows in shown(path, status="running", min_duration_ms=_HOUR_MS).items()} == {
        **dict.fromkeys(_FIND, 1),
        "find_spans": 3,
    }
    assert shown(path, status="interrupted") == {name: [] for name in _FIND}
    database = TelemetryDatabase(path)
    assert database.find_spans(status="running", limit=1).total == 3
    tree = database.get_trace("0")
    assert {node.span.duration_ms >= _HOUR_MS for node in tree if node.span.name != "done"} == {True}
    assert read(path, "SELECT status, duration_ms < 1000 * 60 FROM sessions") == [("running", 1)]
    ((health,),) = read(path, "SELECT last_write FROM exporter_health")
    _, shown_health, _ = run("sql", "SELECT last_write FROM exporter_health", path, "--json")
    assert json.loads(shown_health)["rows"] == [{"last_write": health}]


def test_what_runs_is_the_latest_of_the_sessions(path: Path) -> None:
    write(path, 1, "runs")
    with exporting(path) as exporter:
        export_all(exporter, "no session")
        exporter.export([open_span(2, 1, "ended", {"session.id": "ended"}, ended=True)])
    database = TelemetryDatabase(path)
    assert [one.session_id for one in database.find_sessions()] == ["runs", "ended"]
    assert [one.session_id for one in database.find_sessions(since="1m")] == ["runs"]
    overview = read_overview(str(path), busy_timeout_ms=1_000)
    assert overview.contents is not None
    assert [one["status"] for one in overview.contents.newest_sessions] == ["running", "ok"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_of_sessions_that_run_have_each_once(path: Path, newest_first: bool) -> None:
    for number in range(1, 6):
        write(path, number, f"s-{number}")
    database, cursor, found = TelemetryDatabase(path), None, []
    while True:
        page = database.find_sessions(limit=2, cursor=cursor, newest_first=newest_first)
        found += [one.session_id for one in page]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(found) == [f"s-{number}" for number in range(1, 6)]


def test_what_was_left_by_a_process_that_is_gone_is_interrupted_without_a_writer(path: Path) -> None:
    write(path)
    change_process(path, boot_id="before")
    before = snapshot(path)
    assert statuses(path) == {name: {"interrupted"} for name in _FIND} | {"find_spans": {"interrupted", "ok"}}
    assert shown(path, status="running") == {name: [] for name in _FIND}
    seen = {name: [row.to_dict() for row in rows] for name, rows in shown(path).items()}
    _, rows, _ = run("sql", "SELECT running, interrupted FROM traces", path, "--json")
    assert json.loads(rows)["rows"] == [{"running": 0, "interrupted": 3}]
    contents = read_overview(str(path), busy_timeout_ms=1_000).contents
    assert contents is not None
    assert (contents.link_health["running"], contents.link_health["orphan_starts"]) == (0, 3)
    _, rows, _ = run("report", "links", path, "--json")
    assert [(day["running"], day["orphan_starts"]) for day in json.loads(rows)["rows"]] == [(0, 3)]
    assert snapshot(path) == before
    with Session(open_engine(path)) as session:
        assert sorted(session.scalars(select(Span.status))) == ["interrupted"] * 3 + ["ok"]
    assert read(path, "SELECT DISTINCT status FROM spans") == [("running",), ("ok",)]  # plain SQL: as last known
    with exporting(path) as exporter:  # a writer says the same
        export_all(exporter, "next")
    for name, rows_of in seen.items():
        after = {row.id: row.to_dict() for row in shown(path)[name]}  # type: ignore[attr-defined]
        for row in rows_of:
            assert {k: v for k, v in after[row["id"]].items() if k != "finish_id"} == {
                k: v for k, v in row.items() if k != "finish_id"
            }


def test_a_process_of_another_machine_is_shown_as_it_last_was(path: Path) -> None:
    write(path)
    change_process(path, host="elsewhere", boot_id="before")
    ((last,),) = read(path, "SELECT last_write_unix_nano FROM _exporter_runs")
    assert statuses(path) == {name: {"running"} for name in _FIND} | {"find_spans": {"running", "ok"}}
    assert {row.end_time_unix_nano for row in shown(path, status="running")["find_spans"]} == {last}  # type: ignore[attr-defined]


def test_an_export_has_what_was_interrupted_and_not_what_runs(path: Path, tmp_path: Path) -> None:
    write(path)
    exported = tmp_path / "out.jsonl"
    assert run("export", path, "--output", exported)[0] == 0
    assert exported.read_text().count('"spanId"') == 1
    change_process(path, boot_id="before")
    (tmp_path / "out.jsonl").unlink()
    assert run("export", path, "--output", exported)[0] == 0
    assert exported.read_text().count('"spanId"') == 4
    copy = tmp_path / "copy.db"
    assert run("import", exported, "--into", copy)[0] == 0
    columns = "SELECT name, start_time_unix_nano, end_time_unix_nano, attributes FROM spans ORDER BY span_id"
    with exporting(path) as exporter:
        export_all(exporter, "next")
    assert read(copy, columns) == read(path, columns.replace("ORDER", "WHERE name <> 'next' ORDER"))


def test_a_call_that_gets_its_attributes_at_its_end_is_seen_as_its_span_before(path: Path) -> None:
    with tracing(path, open_delay_ms=10, schedule_delay_ms=10) as (tracer, processor):
        span = tracer.start_span("ChatModel.invoke")
        eventually(lambda: opened(path) == 1)
        found = shown(path, status="running")
        assert {name: len(rows) for name, rows in found.items()} == {
            **dict.fromkeys(_FIND, 0),
            "find_spans": 1,
            "find_traces": 1,
        }
        assert "ChatModel.invoke" in run_process("traces", "--status", "running", path)[1]
        assert "running" in run_process("trace", found["find_traces"][0].trace_id, path)[1]  # type: ignore[attr-defined]
        for name, value in CALL.items():
            span.set_attribute(name, value)
        span.end()
        assert processor.force_flush()
    assert statuses(path) == {name: {"ok"} for name in _FIND} | {"find_tool_interactions": set()}


def test_a_file_without_open_spans_gets_nothing(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "done")

    def look(connection: sqlite3.Connection) -> tuple[int | None, Sequence[Any]]:
        moment = show_open_work(connection)
        return moment, connection.execute("SELECT name FROM sqlite_temp_schema").fetchall()

    assert read_file(str(path), look, busy_timeout_ms=1_000) == (None, [])


def test_the_connection_of_a_reader_stays_read_only_and_lists_stay_by_index(path: Path) -> None:
    write(path)

    def look(connection: sqlite3.Connection) -> None:
        assert show_open_work(connection) is not None
        for statement in ("DELETE FROM _open_spans", "CREATE TEMP TABLE more (id)"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute(statement)
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM sessions ORDER BY end_time_unix_nano DESC, id DESC LIMIT 50"
        ).fetchall()
        assert [step[3] for step in plan if step[1] == 0] == ["MERGE (UNION ALL)"]
        for view in (SPANS, TRACES, SESSIONS):
            running = build_page(view, {"status": "running"}, limit=50)
            plan = connection.execute(f"EXPLAIN QUERY PLAN {running.sql}", running.parameters).fetchall()
            assert table_scans([step[3] for step in plan if "_open_spans" not in step[3]]) in (
                [],
                ["SCAN o"],
                ["SCAN o"] * 2,
            )
        for name, _ in read_folder("views"):
            connection.execute(f"SELECT * FROM {name}").fetchone()

    read_file(str(path), look, busy_timeout_ms=1_000)


def test_a_session_says_that_a_span_runs_whose_call_is_not_known_yet(path: Path) -> None:
    with tracing(path, open_delay_ms=10, schedule_delay_ms=10) as (tracer, _):
        span = tracer.start_span("ChatModel.invoke", attributes={"session.id": "s"})
        eventually(lambda: opened(path) == 1)
        told = run_process("session", "s", "--messages", path)[1]
        assert "no call of a model and no tool\n  a span is running: ChatModel.invoke, for " in told
        running = json.loads(run_process("show", "s", path, "--json")[1])["running"]
        assert running["name"] == "ChatModel.invoke"
        span.end()
    assert "running" not in run_process("session", "s", "--messages", path)[1]
    assert json.loads(run_process("show", "s", path, "--json")[1])["running"] is None


@pytest.mark.parametrize("command", ["spans", "traces", "sessions", "llm", "tools"])
def test_a_list_of_what_runs_says_that_no_process_writes_it(path: Path, command: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "done")
    assert "only SQLiteSpanProcessor" in run(command, "--status", "running", "--status", "interrupted", path)[2]
    assert not run(command, "--status", "ok", path)[2]
    with tracing(path, open_delay_ms=10, schedule_delay_ms=10) as (tracer, _):
        tracer.start_span("slow")
        eventually(lambda: opened(path) == 1)
    with exporting(path) as exporter:
        export_all(exporter, "done")
    assert not run(command, "--status", "running", path)[2]


def test_a_span_that_ends_later_has_a_finish_record_after_all_others(path: Path) -> None:
    """`tail` asks for the records after the last that it has shown."""
    with exporting(path) as exporter:
        exporter.export_open([open_span(1, 1, "long", {})])
        export_all(exporter, "short")
        (last,) = read(path, "SELECT max(id) FROM events")[0]
        exporter.export([open_span(1, 1, "long", {}, ended=True)])
    assert read(path, "SELECT name, phase FROM events WHERE id > ?", last) == [("long", "finish")]
    assert len({*read(path, "SELECT id FROM events")}) == 4


def test_the_ids_of_events_that_went_with_a_version_of_their_span_do_not_come_again(path: Path) -> None:
    """`tail` would not show the records that got them."""
    with exporting(path) as exporter:
        first = open_span(1, 1, "forked", {}, ended=True)
        first._events = [Event("note"), Event("note")]
        later = open_span(1, 1, "forked", {}, ended=True)
        exporter.export([first])
        (last,) = read(path, "SELECT max(id) FROM events")[0]
        later._end_time = (first.end_time or 0) + 1_000_000_000
        exporter.export([later])
        export_all(exporter, "next")
    assert read(path, "SELECT name, phase FROM events WHERE id > ? ORDER BY id", last)[-2:] == [
        ("next", "start"),
        ("next", "finish"),
    ]


def test_a_version_and_a_late_start_leave_the_ids_of_records_as_they_are(path: Path) -> None:
    with exporting(path) as exporter:
        first = open_span(1, 1, "forked", {}, ended=True)
        exporter.export([first])
        before = read(path, "SELECT id FROM events")
        later = open_span(1, 1, "forked", {}, ended=True)
        later._end_time = (first.end_time or 0) + 1_000_000_000
        exporter.export([later])
        exporter.export_open([open_span(1, 1, "forked", {"late": True})])
    assert read(path, "SELECT attributes FROM spans") == [('{"late":true}',)]
    assert read(path, "SELECT id FROM events") == before


@pytest.mark.parametrize("finished_first", [True, False])
def test_a_call_and_a_tool_keep_their_row_when_they_end(path: Path, finished_first: bool) -> None:
    finished = [
        open_span(1, 1, "invoke_agent", AGENT, ended=True),
        open_span(1, 2, "chat small", CALL, parent=1, ended=True),
        open_span(1, 3, "execute_tool search", TOOL, parent=1, ended=True),
    ]
    others = [
        open_span(2, 4, "chat small", CALL, ended=True),
        open_span(2, 5, "execute_tool search", TOOL, ended=True),
    ]
    write(path)
    running = find_ids(path)
    with exporting(path) as exporter:
        exporter.export([*finished, *others] if finished_first else [*others, *reversed(finished)])
    ended = find_ids(path)
    assert {status for _, status in ended.values()} == {"ok"}
    assert len({(key[0], id) for key, (id, _) in ended.items()}) == len(ended) == len(running) + 2
    assert {key: ended[key][0] for key in running} == {key: id for key, (id, _) in running.items()}


def find_ids(path: Path) -> dict[tuple[str, str | None], tuple[int, str | None]]:
    """Return the id and the status of each call and tool by its kind and its span."""
    database = TelemetryDatabase(path)
    calls = {("call", row.span_id): (row.id, row.status) for row in database.find_llm_interactions()}
    return calls | {("tool", row.span_id): (row.id, row.status) for row in database.find_tool_interactions()}
