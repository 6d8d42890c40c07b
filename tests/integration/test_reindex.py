# SPDX-License-Identifier: Apache-2.0
"""What a file derives from its records can be derived anew: it changes where the rules have, and nowhere else."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.ingest.upkeep import reindexing
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run
from tests.conftest import exporting, make_spans, read
from tests.files import check_file
from tests.integration.test_log_exporter import make_log
from tests.integration.test_order import _batches

_VIEWS = ("spans", "events", "links", "logs", "traces", "sessions", "session_conflicts", "link_health", "agent_tree")
_ALL = (*_VIEWS, "complete_llm_interactions", "complete_tool_interactions")


def _contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
        return {view: sorted(file.execute(f"SELECT * FROM {view}"), key=repr) for view in _ALL}


def _write(path: Path, spans: list[ReadableSpan], **keywords: Any) -> None:
    exporter = SQLiteSpanExporter(path, pairing_window_ms=20, **keywords)
    for span in spans:
        export = exporter.export_open if span.end_time is None else exporter.export
        assert export([span]).name == "SUCCESS"
    exporter.shutdown()


def _reindex(path: Path, **keywords: Any) -> reindexing.Reindexing:
    return reindexing.reindex(resolve_settings(path, pairing_window_ms=20, **keywords))


@settings(max_examples=25, deadline=None)
@given(spans=_batches())
def test_a_file_of_the_current_rules_stays_as_it_is(spans: list[ReadableSpan]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        _write(path, spans)
        before = _contents(path)
        done = _reindex(path)
        assert (done.changed_spans, done.recounted_calls) == (0, 0)
        assert done.spans == len(before["spans"])
        assert _contents(path) == before


_SPOILED = """
    DELETE FROM _tool_interactions;
    DELETE FROM _llm_interactions;
"""


@settings(max_examples=25, deadline=None)
@given(spans=_batches())
def test_what_older_rules_did_not_find_is_found(spans: list[ReadableSpan]) -> None:
    """As in a file of before there were interactions, and after rules that named the session by other attributes. Of
    two versions of a span the file holds one, so what only the other named is not found again."""
    versions = {span.name: span for span in spans if span.end_time is not None}
    assume(versions)
    finished = list(versions.values())
    with TemporaryDirectory() as folder:
        path, other = Path(folder, "otel.db"), Path(folder, "older.db")
        _write(path, finished)
        _write(other, finished, session_attributes=("gen_ai.conversation.id",))
        with closing(sqlite3.connect(other)) as file:
            file.executescript(_SPOILED)
        _reindex(other)
        expected = _without_ids(_contents(path), path)
        assert _without_ids(_contents(other), other) == expected
        again = _reindex(other)
        assert (again.changed_spans, again.recounted_calls, again.before) == (0, 0, again.after)


def _without_ids(contents: dict[str, list[tuple[Any, ...]]], path: Path) -> dict[str, list[str]]:
    """Ids of records are the file's own."""
    left = {}
    for view, rows in contents.items():
        columns = [name for (name,) in read(path, "SELECT name FROM pragma_table_info(?)", view)]
        kept = [place for place, name in enumerate(columns) if name not in _IDS]
        left[view] = sorted(repr([row[place] for place in kept]) for row in rows)
    return left


_IDS = {"id", "event_id", "related_event_id", "start_id", "finish_id"}


def _log_file(path: Path) -> None:
    exporter = SQLiteLogRecordExporter(path)
    attributes = {"session.id": "one", "other.session": "two"}
    names = ("call.start", "call.finish", "note")
    exporter.export(
        [make_log(event_name=name, timestamp=1000 + place, attributes=attributes) for place, name in enumerate(names)]
    )
    exporter.shutdown()


def test_log_records_name_their_session_by_the_attributes_of_now(path: Path) -> None:
    _log_file(path)
    before = _contents(path)
    assert _reindex(path).changed_logs == 0
    assert _contents(path) == before
    done = _reindex(path, session_attributes=("other.session",))
    assert (done.logs, done.changed_logs) == (3, 3)
    assert read(path, "SELECT session_id, logs FROM sessions") == [("two", 3)]
    assert read(path, "SELECT linked FROM link_health") == [(2,)]
    assert _reindex(path, session_attributes=("other.session",)).changed_logs == 0


def test_a_run_that_was_stopped_goes_on_where_it_stood(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindexing, "_BATCH", 2)
    with exporting(path, session_attributes=["old"]) as exporter:
        exporter.export(make_spans(*"abcdef", attributes={"old": "x", "session.id": "y"}))

    def stop(done: int, of: int) -> None:
        assert of == 6
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindexing.reindex(resolve_settings(path), stop)
    assert read(path, "SELECT session_id, spans FROM sessions ORDER BY 1") == [("x", 2), ("y", 4)]
    done = reindexing.reindex(resolve_settings(path))
    assert (done.spans, done.changed_spans) == (2, 2)
    assert read(path, "SELECT session_id, spans FROM sessions") == [("y", 6)]
    assert read(path, "SELECT count(*) FROM _reindexing") == [(0,)]


def test_a_span_that_runs_is_left_to_its_exporter(path: Path) -> None:
    (span,) = make_spans("runs", attributes={"old": "x", "session.id": "y"})
    with exporting(path, session_attributes=["old"]) as exporter:
        exporter.export_open([span])
        reindexing.reindex(resolve_settings(path))
        assert read(path, "SELECT status FROM spans") == [("running",)]
        exporter.export([span])
    assert read(path, "SELECT status FROM spans") == [("ok",)]


def test_the_command_says_what_was_and_what_is(path: Path) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 2}
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=attributes))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM _llm_interactions")
    code, output, error = run("reindex", path)
    assert (code, error) == (0, "")
    assert "written anew: 1 spans, 0 log records" in output
    assert "llm calls              1 (was 0)" in output
    done = json.loads(run("reindex", "--json", path)[1])
    assert (done["changed_spans"], done["after"]["counted_tokens"]) == (0, 3)
