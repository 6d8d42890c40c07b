# SPDX-License-Identifier: Apache-2.0
"""Pins and notes: by code and command, in lists, and out of a file and into another in any order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter import Annotations, SQLiteLogRecordExporter, TelemetryDatabase
from otel_sqlite_exporter.errors import ArgumentError, MissingFileError, NotFoundError
from otel_sqlite_exporter.model.mark_rows import LATEST_NS, LONGEST_LABEL, LONGEST_NOTE, MarkRow
from otel_sqlite_exporter.storage.migrations import migrate
from otel_sqlite_exporter.write.row_tables.stored_marks import add_marks
from tests.commands import run
from tests.conftest import exporting, make_spans, read
from tests.strategies import texts

HOSTILE = "<script>\x1b[2J\u202e'; DROP TABLE _marks; --"
_MARKS = (
    "SELECT kind, session_id, trace_id, is_set, text, time_unix_nano FROM _marks ORDER BY session_id, trace_id, kind"
)


@pytest.fixture
def marked(path: Path) -> Path:
    """A file with three sessions, one of them with a name that is hostile."""
    with exporting(path) as exporter:
        for session in ("chat-1", "chat-2", HOSTILE):
            exporter.export(make_spans("work", attributes={"session.id": session}))
    return path


def find_trace(path: Path, session: str) -> str:
    (trace,) = TelemetryDatabase(path).find_traces(session_id=session)
    return trace.trace_id


def test_a_pin_and_a_note_show_in_the_lists_and_go_again(marked: Path) -> None:
    annotations, database = Annotations(marked), TelemetryDatabase(marked)
    trace_id = find_trace(marked, "chat-2")
    assert annotations.pin(session_id="chat-1", label="a bug") == "chat-1"
    assert annotations.note("why\nand how", trace_id=trace_id[:12]) == trace_id
    session = database.get_session("chat-1")
    assert (session.pinned, session.pin_label, session.note) == (1, "a bug", None)
    (trace,) = database.find_traces(trace_id=trace_id)
    assert (trace.pinned, trace.pin_label, trace.note) == (0, None, "why\nand how")
    assert [one.session_id for one in database.find_sessions(pinned=True)] == ["chat-1"]
    assert len(database.find_sessions(pinned=False)) == 2
    assert [one.session_id for one in database.find_sessions(filter="pinned:yes pin:a*")] == ["chat-1"]
    assert len(database.find_sessions(filter="-pinned:yes")) == 2
    assert [one.trace_id for one in database.find_traces(filter="note:*how")] == [trace_id]
    annotations.unpin(session_id="chat-1")
    annotations.remove_note(trace_id=trace_id)
    assert read(marked, "SELECT * FROM marks") == []
    assert list(database.find_sessions(pinned=True)) == []


def test_what_was_said_last_counts_also_by_a_clock_that_was_ahead(marked: Path) -> None:
    with closing(sqlite3.connect(marked)) as connection, connection:
        add_marks(connection, [MarkRow(0, "chat-1", "", 1, "from the future", LATEST_NS)])
    annotations = Annotations(marked)
    annotations.unpin(session_id="chat-1")
    assert TelemetryDatabase(marked).get_session("chat-1").pinned == 0
    annotations.pin(session_id="chat-1")
    assert TelemetryDatabase(marked).get_session("chat-1").pinned == 1


def test_what_is_not_there_and_what_is_too_long_is_refused(marked: Path, tmp_path: Path) -> None:
    annotations = Annotations(marked)
    with pytest.raises(NotFoundError, match="there is no session 'chat-9': `sessions` lists them"):
        annotations.pin(session_id="chat-9")
    with pytest.raises(NotFoundError, match="several sessions start with 'chat-'"):
        annotations.pin(session_id="chat-")
    with pytest.raises(NotFoundError, match="there is no trace 'ffff'"):
        annotations.note("x", trace_id="ffff")
    for place in ({}, {"session_id": "chat-1", "trace_id": "a"}):
        with pytest.raises(ArgumentError, match="give either session_id or trace_id"):
            annotations.unpin(**place)
    with pytest.raises(ArgumentError, match="give at most 200"):
        annotations.pin(session_id="chat-1", label="x" * (LONGEST_LABEL + 1))
    with pytest.raises(ArgumentError, match="give at most 10,000"):
        annotations.note("x" * (LONGEST_NOTE + 1), session_id="chat-1")
    with pytest.raises(ArgumentError, match="it is empty"):
        annotations.note(" \n", session_id="chat-1")
    missing = tmp_path / "missing.db"
    with pytest.raises(MissingFileError):
        Annotations(missing).pin(session_id="chat-1")
    assert not missing.exists()
    assert read(marked, "SELECT * FROM marks") == []


def test_commands_pin_and_note_and_say_so(marked: Path) -> None:
    trace_id = find_trace(marked, "chat-2")
    assert run("pin", "--trace", trace_id[:8], "--label", "slow", marked) == (0, f"pinned trace {trace_id}\n", "")
    assert run("note", marked, "--session", "chat-1", "--text", "a note")[1] == "noted on session chat-1\n"
    assert "a note" in run("sessions", marked)[1]
    assert "slow" in run("traces", marked, "--pinned")[1]
    assert "chat-1" not in run("traces", marked, "--pinned")[1]
    found = json.loads(run("sessions", marked, "--json", "--filter", "note:*")[1])["sessions"]
    assert [(one["session_id"], one["note"], one["pinned"]) for one in found] == [("chat-1", "a note", 0)]
    assert run("unpin", "--trace", trace_id, marked)[1] == f"trace {trace_id} is not pinned\n"
    assert run("note", marked, "--session", "chat-1", "--remove")[1] == "session chat-1 has no note\n"
    assert "pin" not in run("traces", marked)[1].splitlines()[1].split()
    for wrong in (
        ["note", marked, "--session", "chat-1"],
        ["note", marked, "--remove", "--text", "x"],
        ["pin", marked],
    ):
        code, _, said = run(*wrong)
        assert code == 2
        assert "give either" in said
    assert run("pin", marked, "--session", "nope")[::2] == (
        2,
        "Error: there is no session 'nope': `sessions` lists them\n",
    )


def test_hostile_ids_and_texts_are_shown_without_what_steers_a_terminal(marked: Path) -> None:
    annotations = Annotations(marked)
    assert annotations.pin(session_id=HOSTILE, label=HOSTILE[:LONGEST_LABEL]) == HOSTILE
    annotations.note(f"{HOSTILE}\0\ud800", session_id=HOSTILE)
    session = TelemetryDatabase(marked).get_session(HOSTILE)
    assert (session.pin_label, session.note) == (HOSTILE, f"{HOSTILE}\0\ufffd")
    for command in (
        ["sessions", marked],
        ["pin", marked, "--session", HOSTILE],
        ["sql", "SELECT * FROM marks", marked],
    ):
        code, printed, said = run(*command)
        assert code == 0
        assert not {"\x1b", "\u202e", "\0"} & {*printed, *said}


def _import(path: Path, *exports: bytes) -> None:
    for number, content in enumerate(exports):
        source = path.with_name(f"{path.name}-{number}.jsonl")
        source.write_bytes(content)
        code, _, said = run("import", source, "--into", path)
        assert code == 0, said


def _export(path: Path, *options: str) -> bytes:
    output = path.with_name("exported.jsonl")
    assert run("export", path, "--output", output, *options)[0] == 0
    return output.read_bytes()


_ids = st.sampled_from(["chat-1", "chat-2"]) | texts.filter(
    lambda text: "\0" not in text and text.isprintable() and text
)
_traces = st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}")


@st.composite
def _marks(draw: st.DrawFn) -> MarkRow:
    kind, is_session = draw(st.integers(0, 1)), draw(st.booleans())
    place = (draw(_ids), "") if is_session else ("", draw(st.sampled_from(["0" * 31 + "1", "0" * 31 + "2"]) | _traces))
    text = draw(texts).encode("utf-8", "replace").decode()
    return MarkRow(kind, *place, draw(st.integers(0, 1)), text, draw(st.integers(1, 5) | st.integers(1, LATEST_NS)))


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(marks=st.lists(_marks(), max_size=8), cut=st.integers(0, 8), seed=st.randoms())
def test_marks_come_out_of_files_and_into_others_in_any_order(marks: list[MarkRow], cut: int, seed: Any) -> None:
    with TemporaryDirectory() as folder:
        whole = _write_marks(Path(folder, "whole.db"), marks)
        shuffled = seed.sample(marks, len(marks))
        parts = [
            _write_marks(Path(folder, f"{number}.db"), part)
            for number, part in enumerate((shuffled[:cut], shuffled[cut:]))
        ]
        merged = _write_marks(Path(folder, "merged.db"), ())
        exports = [_export(part) for part in parts]
        _import(merged, *exports, *reversed(exports))
        assert read(merged, _MARKS) == read(whole, _MARKS)
        assert read(merged, "SELECT count(*) FROM _logs") == [(0,)]
        assert _sort(_export(merged)) == _sort(_export(whole))


def _write_marks(path: Path, marks: Sequence[MarkRow]) -> Path:
    migrate(str(path), busy_timeout_ms=5_000)
    with closing(sqlite3.connect(path)) as connection, connection:
        add_marks(connection, marks)
    return path


def _sort(exported: bytes) -> list[str]:
    return sorted(json.dumps(record) for record in _read_records(exported))


def _read_records(exported: bytes) -> Iterator[Any]:
    for line in exported.splitlines():
        for resource in json.loads(line).get("resourceLogs", []):
            for scope in resource["scopeLogs"]:
                yield from scope["logRecords"]


def test_an_export_of_a_session_has_its_marks_and_those_of_its_traces(marked: Path, tmp_path: Path) -> None:
    annotations = Annotations(marked)
    trace_id = find_trace(marked, "chat-1")
    annotations.pin(session_id="chat-1", label="one")
    annotations.note("of the trace", trace_id=trace_id)
    annotations.pin(session_id="chat-2")
    _import(tmp_path / "session.db", _export(marked, "--session", "chat-1"))
    found = read(tmp_path / "session.db", "SELECT kind, session_id, trace_id, text FROM marks ORDER BY id")
    assert found == [("pin", "chat-1", None, "one"), ("note", None, trace_id, "of the trace")]
    _import(tmp_path / "trace.db", _export(marked, "--trace", trace_id))
    assert read(tmp_path / "trace.db", "SELECT text FROM marks") == [("of the trace",)]
    assert b"otel_sqlite_exporter.pin" not in _export(marked, "--signal", "traces")
    assert "1 span, 0 log records, 2 pins and notes" in run("export", marked, "--session", "chat-1")[2]


def test_a_mark_that_was_taken_away_takes_it_away_elsewhere(marked: Path, tmp_path: Path) -> None:
    annotations, copy = Annotations(marked), tmp_path / "copy.db"
    annotations.pin(session_id="chat-1")
    _import(copy, _export(marked))
    assert TelemetryDatabase(copy).get_session("chat-1").pinned == 1
    annotations.unpin(session_id="chat-1")
    _import(copy, _export(marked))
    assert TelemetryDatabase(copy).get_session("chat-1").pinned == 0


def test_redaction_masks_a_note_and_leaves_out_what_has_no_session_then(marked: Path, tmp_path: Path) -> None:
    annotations = Annotations(marked)
    annotations.note("ask ada@example.org", session_id="chat-1")
    annotations.pin(session_id="chat-2", label="x")
    masked = _export(marked, "--redact-values", r"[a-z]+@[a-z.]+|chat-2")
    assert b"ada@" not in masked
    _import(tmp_path / "masked.db", masked)
    assert read(tmp_path / "masked.db", "SELECT session_id, text FROM marks") == [("chat-1", "ask [redacted]")]


def _make_record(name: str, attributes: dict[str, Any], scope: str = "otel_sqlite_exporter") -> bytes:
    record = {
        "timeUnixNano": "5",
        "eventName": name,
        "body": {"stringValue": "x"},
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
    }
    scopes = [{"scope": {"name": scope}, "logRecords": [record]}]
    return json.dumps({"resourceLogs": [{"resource": {}, "scopeLogs": scopes}]}).encode()


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"session.id": {"stringValue": "chat-1"}},
        {"otel_sqlite_exporter.is_set": {"boolValue": True}},
        {"session.id": {"intValue": "7"}, "otel_sqlite_exporter.is_set": {"boolValue": True}},
        {"session.id": {"stringValue": "a\0b"}, "otel_sqlite_exporter.is_set": {"boolValue": True}},
        {"session.id": {"stringValue": "chat-1"}, "otel_sqlite_exporter.is_set": {"stringValue": "true"}},
    ],
)
def test_a_mark_that_is_not_one_costs_itself(marked: Path, tmp_path: Path, attributes: dict[str, Any]) -> None:
    source = tmp_path / "odd.jsonl"
    source.write_bytes(_make_record("otel_sqlite_exporter.pin", attributes) + b"\n" + _make_record("other", {}))
    assert run("import", source, "--into", marked)[0] == 1
    assert read(marked, "SELECT count(*) FROM _marks") == [(0,)]
    assert read(marked, "SELECT count(*) FROM _quarantine") == [(1,)]
    assert read(marked, "SELECT event_name FROM logs") == [("other",)]


def test_a_record_in_the_form_of_a_mark_is_none_if_another_scope_wrote_it(marked: Path, tmp_path: Path) -> None:
    source = tmp_path / "other.jsonl"
    source.write_bytes(_make_record("otel_sqlite_exporter.pin", {}, scope="other"))
    assert run("import", source, "--into", marked)[0] == 0
    assert read(marked, "SELECT event_name FROM logs") == [("otel_sqlite_exporter.pin",)]


def test_an_application_cannot_pin_by_telemetry(marked: Path) -> None:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(marked)))
    attributes: dict[str, str | bool] = {"session.id": "chat-1", "otel_sqlite_exporter.is_set": True}
    record = LogRecord(timestamp=5, event_name="otel_sqlite_exporter.pin", body="x", attributes=attributes)
    provider.get_logger("otel_sqlite_exporter").emit(record)
    provider.shutdown()
    assert read(marked, "SELECT count(*) FROM _marks") == read(marked, "SELECT count(*) FROM logs") == [(0,)]
    ((reason,),) = read(marked, "SELECT reason FROM _quarantine")
    assert "pins and notes come into a file by `import`, `pin` and `note` alone" in reason


def test_marks_stay_where_the_file_is_derived_again(marked: Path) -> None:
    Annotations(marked).pin(session_id="chat-1", label="kept")
    before = read(marked, _MARKS)
    assert run("reindex", marked)[0] == 0
    assert read(marked, _MARKS) == before


@pytest.mark.parametrize("command", ["pin", "unpin", "note --text x", "score --name x --value 1"])
def test_a_command_without_a_target_names_both_options(marked: Path, command: str) -> None:
    name, *options = command.split()
    for place in ([], ["--session", "chat-1", "--trace", "a"]):
        code, _, told = run(name, *options, *place, marked)
        assert (code, "give either --session ID or --trace ID" in told) == (2, True)
