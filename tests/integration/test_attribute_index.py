# SPDX-License-Identifier: Apache-2.0
"""An index of an attribute holds what the views show, whatever is written after it was made, and changes no answer."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteLogRecordExporter, TelemetryDatabase
from otel_sqlite_exporter.cli.outputs import index_output
from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.maintain import attribute_index
from otel_sqlite_exporter.maintain.attribute_index import (
    AttributeIndex,
    drop_attributes,
    index_attributes,
    read_attributes,
)
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, EVENTS, SCORES, SPANS, AskableView
from otel_sqlite_exporter.query.indexes import indexed_filters
from otel_sqlite_exporter.query.indexes.indexed_filters import find_among
from otel_sqlite_exporter.query.sql_builder import build_count, build_page
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.steps import Migration
from tests.commands import run_here
from tests.conftest import ROOT, exporting, read
from tests.integration import test_histories as histories
from tests.integration import test_legacy as legacy
from tests.integration.test_running_work import open_span
from tests.legacy_files import write_typical
from tests.upgrades import NEXT_STEP, NEXT_VIEWS, SLOW, migrate

VALUES: dict[str, Any] = {
    "text": "x",
    "dotted.key": "5",
    "number": 5,
    "real": 5.5,
    "yes": True,
    "bytes": b"\x00\x01",
    "not a number": float("nan"),
    "great": 2**70,
    "long": "ä" * 1_500,
    "array": ("a", "b"),
    "map": {"inner": [1, None]},
    'quo"ted': "q",
    "back\\slash": 1,
    "it's": "s",
}
KEYS = [*VALUES]
FINDS = ("find_sessions", "find_traces", "find_spans", "find_llm_interactions", "find_logs")
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small", "session.id": "s"}


def build(path: Path, *keys: str) -> tuple[AttributeIndex, ...]:
    return index_attributes(resolve_settings(path), keys).indexes


def drop(path: Path, *keys: str) -> None:
    drop_attributes(resolve_settings(path), keys)


def change(path: Path, sql: str, *parameters: Any) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, parameters)


def check(path: Path, *keys: str) -> int:
    """Compare the index with the views, and return the number of its rows."""
    expected = {
        (key, source, id, entry)
        for source, view in (("span", "spans"), ("event", "events"), ("log", "logs"))
        for id, text in read(
            path, f"SELECT id, attributes FROM {view}" + " WHERE source = 'event'" * (view == "events")
        )
        for key, value in json.loads(text).items()
        if key in keys and (entry := as_entry(value)) is not None
    }
    rows = read(path, "SELECT key, source, id, value FROM indexed_attributes")
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    return len(rows)


def as_entry(value: Any) -> Any:
    """What the index holds of a value as JSON has it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, (dict, list)) else value
    return text[:1_000] if isinstance(text, str) else text


def write_values(path: Path, trace: int = 1, values: Mapping[str, Any] = VALUES) -> None:
    """A span, its event and a log record with these attributes, and a span without any."""
    events = [Event("note", values)]
    context, start = SpanContext(trace, 1, False, TraceFlags(1)), 1_795_000_000_000_000_000 + trace
    span = ReadableSpan(
        "chat", context, attributes={**values, **CALL}, events=events, start_time=start, end_time=start + 9
    )
    with exporting(path) as exporter:
        exporter.export([span, open_span(trace, 2, "other", {}, ended=True)])
    write_logs(path, values)


def write_logs(path: Path, *values: Mapping[str, Any]) -> None:
    """Log records with these attributes."""
    exporter = SQLiteLogRecordExporter(path)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    for attributes in values:
        provider.get_logger("tests").emit(LogRecord(timestamp=5, body="said", attributes=attributes))
    exporter.shutdown()


def test_it_holds_values_of_every_type_under_every_key(path: Path) -> None:
    write_values(path)
    kinds = {(index.spans, index.span_events, index.log_records, index.is_complete) for index in build(path, *KEYS)}
    assert kinds == {(1, 1, 1, True)}
    assert check(path, *KEYS) == 3 * len(KEYS)
    write_values(path, 2)
    assert check(path, *KEYS) == 6 * len(KEYS)


def test_it_holds_the_current_values_of_spans_that_end_or_go(path: Path) -> None:
    build_empty(path, "state")
    with exporting(path) as exporter:
        exporter.export_open([open_span(1, number, "work", {"state": "runs"}) for number in (1, 2)])
        assert check(path, "state") == 2
        exporter.export([open_span(1, 1, "work", {"state": "done"}, ended=True)])
    assert read(path, "SELECT value FROM indexed_attributes ORDER BY 1") == [("done",), ("runs",)]
    change(path, """UPDATE _spans SET attributes = '{"state":"changed"}' WHERE name = 'work'""")
    assert check(path, "state") == 2


def build_empty(path: Path, *keys: str) -> None:
    with exporting(path) as exporter:
        exporter.export([open_span(99, 1, "first", {}, ended=True)])
    build(path, *keys)


@pytest.mark.parametrize("is_before", [True, False])
def test_it_holds_what_spans_share(path: Path, is_before: bool) -> None:
    keys = ["gen_ai.input.messages", "gen_ai.tool.definitions", "tail", "list", "number"]
    more = {"tail": "ends in ]", "number": 7, "list": ["[", "]"]}
    if is_before:
        build_empty(path, *keys)
    with exporting(path) as exporter:
        exporter.export([histories._call(number, number + 3, more) for number in range(4)])
    build(path, *keys)
    assert read(path, "SELECT count(*) FROM _spans WHERE texts IS NOT NULL") == [(3,)]
    assert check(path, *keys) == 4 * len(keys)


def test_a_log_record_that_is_removed_leaves_it(path: Path) -> None:
    write_logs(path, {"n": 1}, {"n": 2})
    build(path, "n")
    change(path, "DELETE FROM _logs WHERE id = 1")
    assert read(path, "SELECT id, value FROM indexed_attributes") == [(2, 2)]


CONDITIONS: list[dict[str, Any]] = [
    *({"attributes": {key: VALUES[key]}} for key in ("text", "dotted.key", "real", "yes", "long", 'quo"ted', "it's")),
    {"attributes": {"number": (">", 4)}},
    {"attributes": {"number": ("<", 5)}},
    {"attributes": {"number": ("<=", 5), "text": "x"}},
    {"attributes": {"number": "5"}},
    {"attributes": {"yes": 1}},
    {"attributes": {"text": (">", "w")}},
    {"attributes": {"long": (">", "ä" * 1_200)}},
    {"attributes": {"long": "ä" * 1_000}},
    {"attributes": {"number": ("!=", 5)}},
    {"attributes": {"map": ("exists", True)}},
    {"attributes": {"number": 5}, "session_id": "s"},
    {"filter": "attr.number:5"},
    {"filter": "attr.number:5..6 session:s"},
    {"filter": "attr.text:x* -attr.number:4"},
    {"filter": 'attr.text:(x,xxxx*) attr."it\'s":*'},
    {"filter": "attr.long:ä* attr.text:?"},
    {"filter": "attr.text:x OR attr.number:6"},
]


def answers(path: Path) -> list[Any]:
    database = TelemetryDatabase(path)
    return [getattr(database, find)(**filters).to_dicts() for find in FINDS for filters in CONDITIONS]


def test_filters_find_the_same_with_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for trace, number in enumerate((5, 4, 5, 6), 1):
        write_values(path, trace, VALUES | {"number": number, "text": "x" * number})
    before = answers(path)
    assert sum(map(bool, before)) > 40
    build(path, *KEYS)
    assert answers(path) == before
    monkeypatch.setattr(indexed_filters, "FEW", 1)
    assert answers(path) == before


def find_plan(path: Path, view: AskableView[Any], build_select: Any, filters: dict[str, Any]) -> str:
    with closing(sqlite3.connect(path)) as connection:
        select = build_select(view, filters, among=find_among(connection, view, filters))
        plan = connection.execute(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters).fetchall()
    return "\n".join(step for *_, step in plan)


_INDEXED = [view for view in ASKABLE_VIEWS if view not in (EVENTS, SCORES)]


@pytest.mark.parametrize("view", _INDEXED, ids=lambda view: view.name)
def test_pages_and_counts_of_a_view_use_it(path: Path, view: AskableView[Any]) -> None:
    write_values(path)
    build(path, "number", "text")
    questions: list[tuple[str, Any, dict[str, Any]]] = [
        ("page", partial(build_page, limit=5), {"attributes": {"number": (">", 4)}}),
        ("count", build_count, {"attributes": {"number": (">", 4)}}),
        ("filter", partial(build_page, limit=5), {"filter": "session:s attr.number>4"}),
        ("pattern", build_count, {"filter": "attr.text:x*"}),
    ]
    for name, select, filters in questions:
        plan = find_plan(path, view, select, filters)
        assert "SEARCH a USING PRIMARY KEY (attribute=? AND value>? AND value<?)" in plan, name
        assert not re.search(r"^SCAN [slitx]( |$)", plan, re.MULTILINE), plan


def test_a_frequent_value_is_found_in_the_order_of_the_list(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_values(path)
    write_values(path, 2)
    build(path, "number")
    monkeypatch.setattr(indexed_filters, "FEW", 1)
    assert "_spans_start_time" in find_plan(path, SPANS, partial(build_page, limit=5), {"attributes": {"number": 5}})
    assert "SEARCH a USING PRIMARY KEY" in find_plan(path, SPANS, build_count, {"filter": "attr.number:5"})


def test_sql_of_the_document_uses_it(path: Path) -> None:
    write_values(path)
    build(path, "number")
    document = (ROOT / "docs/attribute_index.md").read_text(encoding="utf-8")
    statements = re.findall(r"```sql\n(.*?)```", document, re.DOTALL)
    assert len(statements) == 3
    for statement in statements:
        plan = "\n".join(step for *_, step in read(path, f"EXPLAIN QUERY PLAN {statement}"))
        assert re.search(r"SEARCH a USING PRIMARY KEY \(attribute=\?( AND value[>=<]\?)*\)", plan), plan
        assert "SCAN s" not in plan.splitlines()


class StoppedError(Exception):
    pass


def stop(done: int, of: int) -> None:
    raise StoppedError


def test_a_build_that_is_stopped_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribute_index, "_ROWS", 1)
    write_values(path)
    with pytest.raises(StoppedError):
        index_attributes(resolve_settings(path), ["number"], progress=stop)
    ((index,), filters) = read_attributes(resolve_settings(path)), {"attributes": {"number": 5}}
    assert not index.is_complete
    assert read(path, "SELECT * FROM indexed_attributes") == []
    assert show_incomplete(path) == [f"index --attribute number {path}"] * 2
    assert re.search(r"^  indexed attributes +number \(not complete\)$", run_here("info", path).stdout, re.MULTILINE)
    with closing(sqlite3.connect(path)) as connection:
        assert find_among(connection, SPANS, filters) is None
    assert len(TelemetryDatabase(path).find_spans(attributes={"number": 5})) == 1
    write_values(path, 2)
    seen: list[tuple[int, int]] = []
    index_attributes(resolve_settings(path), ["number"], progress=lambda done, of: seen.append((done, of)))
    assert seen[-1][0] == seen[-1][1] == len(seen)
    assert check(path, "number") == 6
    assert index_attributes(resolve_settings(path), ["number"]).read_ids == 0
    assert show_incomplete(path) == []


def show_incomplete(path: Path) -> list[str]:
    """The commands that `index --list` and `doctor` give to complete an index."""
    shown = run_here("index", "--list", path).stdout + run_here("doctor", path).stdout
    return re.findall(r"run `python -m otel_sqlite_exporter (index --attribute .*)` to complete it", shown)


def test_info_names_the_indexes_of_a_file(path: Path) -> None:
    write_values(path)
    assert " index" not in run_here("info", path).stdout
    build(path, "text", "number")
    assert run_here("index", path).exit_code == 0
    shown = run_here("info", path).stdout
    assert re.findall(r"^  (indexed attributes|search index) +(.*)$", shown, re.MULTILINE) == [
        ("indexed attributes", "number, text"),
        ("search index", "yes"),
    ]
    contents = json.loads(run_here("info", path, "--json").stdout)["contents"]
    assert contents["indexed_attributes"] == {"number": True, "text": True}
    assert contents["has_search_index"] is True


def test_a_drop_that_is_stopped_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_values(path)
    build(path, "number", "text")
    monkeypatch.setattr(attribute_index, "_end_drops", lambda connection: stop(0, 0))
    with pytest.raises(StoppedError):
        drop(path, "number")
    monkeypatch.undo()
    assert check(path, "text") == 3
    write_values(path, 2)
    drop(path, "number")
    assert check(path, "text") == 6
    assert read(path, "SELECT DISTINCT key FROM _attribute_keys") == [("text",)]
    assert read(path, "SELECT count(*) FROM _attribute_values") == [(6,)]


def test_the_last_drop_leaves_a_file_as_before(path: Path) -> None:
    write_values(path)
    before = read(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY name")
    build(path, "number")
    assert len(read(path, "SELECT name FROM sqlite_schema")) > len(before)
    drop(path, "number")
    assert read(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY name") == before
    assert read(path, "SELECT count(*) FROM _attribute_values") == [(0,)]
    with pytest.raises(NotFoundError, match="has no index of 'number': its indexed attributes are none"):
        drop(path, "number")


_REBUILD = """PRAGMA defer_foreign_keys = ON;
CREATE TABLE _spans_new AS SELECT * FROM _spans;
DELETE FROM _spans;
INSERT INTO _spans SELECT * FROM _spans_new;
DROP TABLE _spans_new;
"""


def test_it_stays_through_steps_and_new_views(path: Path) -> None:
    write_values(path)
    build(path, "number", "text")
    triggers = read(
        path, "SELECT name, sql FROM sqlite_schema WHERE name LIKE '%value%' AND type = 'trigger' ORDER BY 1"
    )
    step = Migration(NEXT_STEP.version, "rebuilt", _REBUILD)
    migrate(path, step, NEXT_STEP._replace(version=NEXT_STEP.version + 1), views=NEXT_VIEWS)
    assert check(path, "number", "text") == 6
    assert triggers == read(
        path, "SELECT name, sql FROM sqlite_schema WHERE name LIKE '%value%' AND type = 'trigger' ORDER BY 1"
    )
    change(path, """UPDATE _spans SET attributes = '{"number":8}' WHERE id = 1""")
    assert check(path, "number", "text") == 5


def test_reindex_leaves_it(path: Path) -> None:
    write_values(path)
    build(path, "number")
    reindex(resolve_settings(path))
    write_values(path, 2)
    assert check(path, "number") == 6


def test_records_of_a_file_of_attribute_rows_come_into_it(tmp_path: Path) -> None:
    write_typical(tmp_path / "old.db")
    new = tmp_path / "new.db"
    build_empty(new, "llm.model", "session.id")
    legacy.migrate(tmp_path / "old.db")
    assert check(new, "llm.model", "session.id") > 2


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 1_001, "\ud800"])
def test_a_key_that_no_attribute_can_have_is_refused(path: Path, key: str) -> None:
    write_values(path)
    with pytest.raises(FilterError, match="is not the key of an attribute"):
        build(path, "number", key)
    assert read(path, "SELECT count(*) FROM _attribute_keys") == [(0,)]


def run(*arguments: object) -> tuple[int, str, str]:
    result = run_here("index", *arguments)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_says_what_an_index_costs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_values(path)
    code, out, _ = run("--attribute", "text", path)
    assert re.search(r"^  text: 1 span, 1 span event and 1 log record; [\d,]+ bytes in all$", out, re.MULTILINE)
    assert "us of CPU" not in out
    assert run("--drop", "--attribute", "text", path)[0] == 0
    monkeypatch.setattr(attribute_index, "_MEASURED_SPANS", 1)
    monkeypatch.setattr(index_output, "_WORTH_A_MEAN", 1)
    code, out, _ = run("--attribute", "number", "--attribute", "nothing", path)
    assert code == 0
    assert "us of CPU for each span that is written" in out
    assert re.search(
        r"^  number: 1 span, 1 span event and 1 log record; \d+ bytes each, [\d,]+ bytes in all$", out, re.MULTILINE
    )
    assert "  nothing: no record has it" in out
    assert run("--attribute", "number", path)[1].startswith(f"nothing to do: {path} has this index\n")
    code, out, _ = run("--list", "--json", path)
    assert [(one["key"], one["spans"], one["is_complete"]) for one in json.loads(out)["attributes"]] == [
        ("nothing", 0, True),
        ("number", 1, True),
    ]
    assert run("--drop", "--attribute", "number", path)[:2] == (
        0,
        f"removed the index of number from {path}\n",
    )
    code, _, err = run("--drop", "--attribute", "number", path)
    assert (code, "its indexed attributes are nothing" in err) == (2, True)
    for wrong in (["--drop"], ["--list", "--rebuild"], ["--rebuild", "--attribute", "number"]):
        assert run(*wrong, path)[0] == 2


def test_a_file_that_cannot_be_written_is_refused_and_stays(path: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    change(foreign, "CREATE TABLE theirs (x)")
    write_values(path)
    newer = tmp_path / "newer.db"
    newer.write_bytes(path.read_bytes())
    migrate(newer, SLOW, backup=False)
    for file in (foreign, newer, tmp_path / "none.db"):
        before = file.read_bytes() if file.exists() else None
        code, out, err = run("--attribute", "number", file)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert (file.read_bytes() if file.exists() else None) == before
