# SPDX-License-Identifier: Apache-2.0
"""Assembled SQL is reviewed as text: assembled.sql holds what each question becomes. When it changes on purpose, run
`python -m tests.sql.test_assembled`, and read the difference."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.query.askable_views import (
    ASKABLE_VIEWS,
    EVENTS,
    LLM_INTERACTIONS,
    LOGS,
    SESSIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.conditions.text_search import TextSearch
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.sql_builder import (
    Select,
    build_count,
    build_ids,
    build_page,
    encode_cursor,
)
from otel_sqlite_exporter.storage.migrations import migrate
from tests.file_checks import table_scans
from tests.statistics import write_statistics

SNAPSHOT = Path(__file__).with_name("assembled.sql")
# The view events is made of three branches, whose rows SQLite merges in the order of a list: starts of spans, their
# finishes, and what has a row of its own.
_MERGED = ("MERGE (UNION ALL)", "LEFT", "RIGHT")
_RECORDS = (
    *("SCAN s", "SEARCH s USING INTEGER PRIMARY KEY (rowid<?)", "SEARCH s USING INDEX _spans_finish_record"),
    *("SCAN e", "SEARCH e"),
)
_SCANS = ["SCAN", "SEARCH", "SCAN"]
NS = 1_769_860_800_000_000_000


def _after(view: AskableView[Any], **row: Any) -> str:
    return encode_cursor(view, row, newest_first=True)


def _assemble() -> Mapping[str, Select]:
    page: Mapping[str, tuple[AskableView[Any], dict[str, Any]]] = {
        "newest sessions": (SESSIONS, {}),
        "sessions of a user in a range": (SESSIONS, {"since": NS, "until": NS + 1, "user_id": "ada"}),
        "traces of a session": (TRACES, {"session_id": "chat-17"}),
        "slow spans of two services": (SPANS, {"service_name": ["a", "b"], "min_duration_ms": 5}),
        "spans by attributes": (
            SPANS,
            {"attributes": {"a.b": "x", 'q"': 1, "n": (">", 1.5), "f": False, "g": ("!=", 2), "e": ("exists", False)}},
        ),
        "starts of events": (EVENTS, {"source": "event", "phase": "start"}),
        "severe logs": (LOGS, {"min_severity_number": 17}),
        "calls of a model": (LLM_INTERACTIONS, {"model": "gpt-4.1", "min_cost_usd": 0.5, "status": "error"}),
        "calls that count": (LLM_INTERACTIONS, {"counted": True}),
        "calls by attribute": (LLM_INTERACTIONS, {"attributes": {"gen_ai.request.temperature": ("<=", 0.2)}}),
        "executions of a tool": (TOOL_INTERACTIONS, {"tool_name": "search"}),
        "traces by a text": (
            TRACES,
            {
                "status": "ok",
                "filter": 'session:chat-17 model:gpt-4o*,o3 status:(error OR r*) -tool:A -tool:B attr.a:"x" cost!=1',
            },
        ),
        "traces by words": (TRACES, {"filter": 'a "b c" -d'}),
        "calls by a group": (LLM_INTERACTIONS, {"filter": "(cost>0.05 OR tokens:1k..2k) order has:error"}),
    }
    cursors = {
        "sessions": _after(SESSIONS, end_time_unix_nano=NS, id=7),
        "spans": _after(SPANS, start_time_unix_nano=NS, id=7),
        "events": _after(EVENTS, id=7),
        "calls": _after(LLM_INTERACTIONS, start_time_unix_nano=NS, id=7),
    }
    return {
        **{name: build_page(view, filters, limit=50) for name, (view, filters) in page.items()},
        "the oldest spans": build_page(SPANS, {}, limit=50, newest_first=False),
        **{
            f"the next {name}": build_page(view, {}, limit=50, cursor=cursors[name])
            for name, view in (
                ("sessions", SESSIONS),
                ("spans", SPANS),
                ("events", EVENTS),
                ("calls", LLM_INTERACTIONS),
            )
        },
        "how many spans in all": build_count(SPANS, {}),
        "how many calls count": build_count(LLM_INTERACTIONS, {"counted": True}),
        "how many spans": build_count(SPANS, {"session_id": "chat-17", "until": NS}),
        "traces that begin so": build_ids(TRACES, "trace_id", "4bf9", {}, limit=6),
        "calls of a trace that begin so": build_ids(LLM_INTERACTIONS, "span_id", "00f0", {"trace_id": "t"}, limit=6),
    }


def _render(statements: Mapping[str, Select]) -> str:
    parts = []
    for name, (sql, parameters) in statements.items():
        bound = "".join(f"-- :{key} = {value!r}\n" for key, value in parameters.items())
        parts.append(f"-- {name}\n{bound}{sql};\n")
    return "\n".join(parts)


def test_assembled_sql_is_as_it_was_reviewed() -> None:
    assert _render(_assemble()) == SNAPSHOT.read_text()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("assembled") / "otel.db"
    migrate(str(path), busy_timeout_ms=1_000)
    return path


@pytest.mark.parametrize("name", _assemble())
def test_assembled_sql_runs(file: Path, name: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        TextSearch(connection)
        assert connection.execute(*_assemble()[name]).fetchall() in ([], [(0,)])


def _plan(file: Path, select: Select, *, only_outermost: bool = False) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters).fetchall()
    steps = {0: _MERGED[0]} | {id: step for id, _, _, step in rows}
    outermost = [step for _, parent, _, step in rows if steps[parent] in _MERGED and step not in _MERGED]
    return outermost if only_outermost else [step for *_, step in rows]


@pytest.mark.parametrize("view", ASKABLE_VIEWS, ids=lambda view: view.name)
@pytest.mark.parametrize("is_analyzed", [False, True])
def test_a_page_is_read_from_an_index_in_order(
    tmp_path: Path, file: Path, view: AskableView[Any], is_analyzed: bool
) -> None:
    """Whether the first one or one after a cursor, with and without statistics: nothing is sorted."""
    path = tmp_path / "otel.db"
    shutil.copy(file, path)
    if is_analyzed:
        write_statistics(path)
    row = {column: NS if "time" in column else 5 for column in view.order}
    for cursor in (None, encode_cursor(view, row, newest_first=True)):
        plan = _plan(path, build_page(view, {}, limit=50, cursor=cursor), only_outermost=True)
        assert [step for step in plan if "ORDER BY" in step] == []
        if view is EVENTS:
            first = [step for step in plan if step.startswith(_RECORDS)]
            assert [step.partition(" ")[0] for step in first] == (_SCANS if cursor is None else ["SEARCH"] * 3)
            continue
        assert plan[0].startswith("SCAN" if cursor is None and view is not SESSIONS else "SEARCH")
        assert "_time " in f"{plan[0]} "


@pytest.mark.parametrize(
    "view", [view for view in ASKABLE_VIEWS if "session_id" in view.arguments], ids=lambda view: view.name
)
def test_what_is_of_one_session_is_searched(file: Path, view: AskableView[Any]) -> None:
    for filters in ({"session_id": "chat-17"}, {"filter": "-service:x session:chat-17 attr.a>1"}):
        plan = _plan(file, build_page(view, filters, limit=50))
        assert table_scans(plan) == []


@pytest.mark.parametrize("is_analyzed", [False, True])
@pytest.mark.parametrize(
    ("view", "column", "table"), [(SESSIONS, "session_id", "_sessions"), (TRACES, "trace_id", "_traces")]
)
def test_a_prefix_is_looked_up_in_the_index_of_ids(
    tmp_path: Path, file: Path, view: AskableView[Any], column: str, table: str, is_analyzed: bool
) -> None:
    """Not a span is read, however many the trace has."""
    path = tmp_path / "otel.db"
    shutil.copy(file, path)
    if is_analyzed:
        write_statistics(path)
    plan = _plan(path, build_ids(view, column, "4bf9", {}, limit=6))
    assert plan[0].endswith(f"INDEX sqlite_autoindex_{table}_1 ({column}>? AND {column}<?)")
    allowed = ("PRIMARY KEY", "_spans_key (trace=? AND span_id=?)", "CORRELATED SCALAR SUBQUERY")
    assert all(any(part in step for part in allowed) for step in plan[1:])


def test_a_page_is_a_sequence() -> None:
    page: Page[Any] = Page(SPANS.row_type, (), 0, None)
    assert (list(page), len(page), bool(page), page.describe()) == ([], 0, False, "0 of 0")


if __name__ == "__main__":
    SNAPSHOT.write_text(_render(_assemble()))
