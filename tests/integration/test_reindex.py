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
from otel_sqlite_exporter.maintain import reindex
from otel_sqlite_exporter.maintain.reprice import reprice
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run
from tests.conftest import exporting, make_spans, read
from tests.file_checks import check_file
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_order import span_versions
from tests.integration.test_reprice import MINI
from tests.new_files import put_new_file

_T = 1_795_000_000_000_000_000
_VIEWS = ("spans", "events", "links", "logs", "traces", "sessions", "session_conflicts", "link_health", "agent_tree")
_ALL = (*_VIEWS, "complete_llm_interactions", "complete_tool_interactions")


def _contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
        return {view: sorted(file.execute(f"SELECT * FROM {view}"), key=repr) for view in _ALL}


def _write(path: Path, spans: list[ReadableSpan], **keywords: Any) -> None:
    put_new_file(path)
    exporter = SQLiteSpanExporter(path, pairing_window_ms=20, **keywords)
    for span in spans:
        export = exporter.export_open if span.end_time is None else exporter.export
        assert export([span]).name == "SUCCESS"
    exporter.shutdown()


def _reindex(path: Path, **keywords: Any) -> reindex.Reindexing:
    return reindex.reindex(resolve_settings(path, pairing_window_ms=20, **keywords))


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(spans=span_versions())
def test_a_file_of_the_current_rules_stays_as_it_is(spans: list[ReadableSpan]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        _write(path, spans)
        reprice(resolve_settings(path))
        before = _contents(path)
        done = _reindex(path)
        assert (done.changed_spans, done.unpriced_calls, done.recounted_calls) == (0, 0, 0)
        assert done.spans == len(before["spans"])
        assert _contents(path) == before


_SPOILED = """
    DELETE FROM _tool_interactions;
    DELETE FROM _llm_interactions;
"""


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(spans=span_versions())
def test_what_older_rules_did_not_find_is_found(spans: list[ReadableSpan]) -> None:
    """As in a file of before there were interactions, and after rules that named the session by other attributes. Of
    two versions of a span the file holds one, so what only the other named is not found again: one version is written.
    The two sides of one call share their ids, and are two spans."""
    versions = {(*span.context[:2], span.kind): span for span in spans if span.end_time is not None}
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
    columns: dict[str, list[str]] = {view: [] for view in contents}
    for view, column in read(path, _COLUMNS, json.dumps(list(contents))):
        columns[view].append(column)
    left = {}
    for view, rows in contents.items():
        kept = [place for place, name in enumerate(columns[view]) if name not in _IDS]
        left[view] = sorted(repr([row[place] for place in kept]) for row in rows)
    return left


_COLUMNS = (
    "SELECT v.value, c.name FROM json_each(?) AS v CROSS JOIN pragma_table_info(v.value) AS c ORDER BY v.key, c.cid"
)
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
    monkeypatch.setattr(reindex, "_BATCH", 2)
    with exporting(path, session_attributes=["old"]) as exporter:
        exporter.export(make_spans(*"abcdef", attributes={"old": "x", "session.id": "y"}))

    def stop(done: int, of: int) -> None:
        assert of == 6
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex.reindex(resolve_settings(path), stop)
    assert read(path, "SELECT session_id, spans FROM sessions ORDER BY 1") == [("x", 2), ("y", 4)]
    done = reindex.reindex(resolve_settings(path))
    assert (done.spans, done.changed_spans) == (2, 2)
    assert read(path, "SELECT session_id, spans FROM sessions") == [("y", 6)]
    assert read(path, "SELECT count(*) FROM _state WHERE name LIKE 'reindex%'") == [(0,)]


def test_a_span_that_runs_is_left_to_its_exporter(path: Path) -> None:
    (span,) = make_spans("runs", attributes={"old": "x", "session.id": "y"})
    with exporting(path, session_attributes=["old"]) as exporter:
        exporter.export_open([span])
        reindex.reindex(resolve_settings(path))
        assert read(path, "SELECT status FROM spans") == [("running",)]
        exporter.export([span])
    assert read(path, "SELECT status FROM spans") == [("ok",)]


def test_numbers_of_17_digits_are_what_they_were(path: Path) -> None:
    call: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.client.operation.time_to_first_chunk": 0.07468711599995004,
        "gen_ai.usage.input_tokens": 1,
        "llm.cost.total": 0.1 + 0.2,
        "openinference.span.kind": "LLM",
        "pydantic_ai.all_messages": "[]",
    }
    told = {"duration_ms": 0.1 + 0.2, "model": "m", "success": True, "tool_name": "t"}
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=call))
    with logging_to(path) as logs:
        logs.export(
            [make_log(event_name=name, attributes=told) for name in ("claude_code.api_request", "codex.tool_result")]
        )
    assert read(path, "SELECT duration_ms FROM _tool_interactions") == [(0.1 + 0.2,)]
    done = _reindex(path)
    assert (done.changed_spans, done.changed_logs) == (0, 0)


_COSTS = "SELECT name, cost_usd, cost_status, price_source, price_date FROM complete_llm_interactions ORDER BY 1"
_AS_OF_OLD = "UPDATE _llm_interactions SET cost_usd = 0.1 + 0.2, price_source = 'old prices', price_date = '2020-01-01'"
_KEPT = (0.1 + 0.2, "exact", "old prices", "2020-01-01")
_NONE = (None,) * 4


def _spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)


@pytest.fixture
def without_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_SQLITE_COST", "off")


@pytest.mark.usefixtures("without_prices")
def test_a_cost_stays_where_what_it_was_computed_from_does(path: Path) -> None:
    """Also the day and the source of its price."""
    with exporting(path) as exporter:
        exporter.export(make_spans("kept", "other tokens", "other model", "other time", "stays", attributes=MINI))
        exporter.export(make_spans("was no call", attributes=MINI))
        reported = MINI | {"gen_ai.usage.cost": 7.0}
        exporter.export(make_spans("reported", attributes=reported))
    reprice(resolve_settings(path))
    named = "span = (SELECT id FROM _spans WHERE name = '{}')"
    _spoil(
        path,
        f"{_AS_OF_OLD} WHERE cost_status = 'exact'",
        *(
            f"UPDATE _llm_interactions SET {change}, dialect = 'old' WHERE {named.format(name)}"
            for name, change in {
                "kept": "finish_reasons = 'old'",
                "other tokens": "cached_input_tokens = 5",
                "other model": "request_model = 'gpt-4o'",
                "other time": "start_time_unix_nano = start_time_unix_nano - 1",
                "reported": "finish_reasons = 'old'",
            }.items()
        ),
        f"DELETE FROM _llm_interactions WHERE {named.format('was no call')}",
    )
    code, output, _ = run("reindex", path, OTEL_EXPORTER_SQLITE_COST="off")
    assert (code, "updated: 6 spans" in output) == (0, True)
    assert output.endswith(f"4 updated calls have no cost: run `python -m otel_sqlite_exporter reprice {path}`\n")
    assert read(path, _COSTS) == [
        ("kept", *_KEPT),
        ("other model", *_NONE),
        ("other time", *_NONE),
        ("other tokens", *_NONE),
        ("reported", 7.0, "reported", None, None),
        ("stays", *_KEPT),
        ("was no call", *_NONE),
    ]
    reprice(resolve_settings(path))
    before = _contents(path)
    assert "reprice" not in run("reindex", path)[1]
    assert _contents(path) == before


@pytest.mark.usefixtures("without_prices")
def test_the_cost_of_a_record_stays_where_its_start_does(path: Path) -> None:
    """Provider and model may be those of the start, of which only the finish is priced."""
    exporter = SQLiteLogRecordExporter(path)
    for trace in (1, 2, 3):
        for name, attributes in {
            "llm.call.start": {"llm.vendor": "openai", "llm.model": "gpt-4o-mini"},
            "llm.call.finish": {"llm.usage.input_tokens": 10, "llm.usage.output_tokens": 2},
        }.items():
            record = make_log(trace=trace, span=1, event_name=name, timestamp=_T + len(name), attributes=attributes)
            exporter.export([record])
    exporter.shutdown()
    reprice(resolve_settings(path))
    start = "event IN (SELECT event_id FROM logs WHERE event_name = 'llm.call.start' AND trace_id LIKE '%{}')"
    finish = start.replace("start", "finish")
    _spoil(
        path,
        f"{_AS_OF_OLD} WHERE cost_status = 'exact'",
        f"UPDATE _llm_interactions SET finish_reasons = 'old' WHERE {start.format(1)} OR {finish.format(2)}",
        f"UPDATE _llm_interactions SET request_model = 'gpt-4o' WHERE {start.format(3)}",
    )
    done = _reindex(path)
    assert (done.changed_logs, done.unpriced_calls) == (3, 1)
    costs = (
        "SELECT substr(trace_id, -1), cost_usd, cost_status, price_source, price_date FROM complete_llm_interactions"
    )
    assert sorted(read(path, costs), key=repr) == [("1", *_KEPT), ("2", *_KEPT), ("3", *_NONE)]
    assert _reindex(path).changed_logs == 0


def test_a_record_of_a_call_that_asks_for_a_tool_is_left_as_it_is(path: Path) -> None:
    exporter = SQLiteLogRecordExporter(path)
    answer = json.dumps([{"type": "tool_use", "id": "c1", "name": "add", "input": {}}])
    attributes = {"llm.vendor": "anthropic", "llm.model": "claude", "llm.response.content": answer}
    exporter.export([make_log(trace=1, span=1, event_name="llm.call.finish", timestamp=_T, attributes=attributes)])
    exporter.shutdown()
    assert _reindex(path).changed_logs == 0


def test_a_file_without_prices_is_not_to_be_repriced(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=MINI))
    _spoil(path, "UPDATE _llm_interactions SET dialect = 'old'")
    assert "reprice" not in run("reindex", path)[1]


def test_the_command_says_what_was_and_what_is(path: Path) -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 2}
    with exporting(path) as exporter:
        exporter.export(make_spans("call", attributes=attributes))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM _llm_interactions")
    code, output, error = run("reindex", path)
    assert (code, error) == (0, "")
    assert "updated: 1 span, 0 log records" in output
    assert "llm calls              1 (was 0)" in output
    done = json.loads(run("reindex", "--json", path)[1])
    assert (done["changed_spans"], done["after"]["counted_tokens"]) == (0, 3)
