# SPDX-License-Identifier: Apache-2.0
"""OTEL_EXPORTER_SQLITE_DEBUG traces connections and statements of every edge, and no telemetry."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanProcessor, TelemetryDatabase
from otel_sqlite_exporter.storage.connection import open_reader
from otel_sqlite_exporter.storage.traced_connection import mask_literals
from otel_sqlite_exporter.storage.transactions import BoundedConnection
from tests.commands import run_process
from tests.conftest import HANG_S, clean_environment, export_all, exporting, in_new_process, read, span_names, using
from tests.new_files import put_new_file

SECRET = "Rumpelstiltskin"
DEBUG: dict[str, Any] = {"OTEL_EXPORTER_SQLITE_DEBUG": "connection,sql"}
VERSIONS = rf"^[-\d]+ [:\d]+ \+\d{{4}} otel-sqlite-exporter .*, SQLite {re.escape(sqlite3.sqlite_version)}, \w+$"
STATEMENT = re.compile(r"^[:.\d]+ (\d+/\d+) +(\d+\.\d{3}) ms +(\d+) rows  (.+)$", re.MULTILINE)


def write_secrets(path: str) -> None:
    attributes = {
        "session.id": SECRET,
        "user.id": SECRET,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": SECRET,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": SECRET}]}]),
    }
    spans = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    spans.add_span_processor(SQLiteSpanProcessor(path))
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    with spans.get_tracer("tests").start_as_current_span(SECRET, attributes=attributes) as span:
        span.add_event(f"{SECRET}.start")
        logs.get_logger("tests").emit(body=SECRET, event_name=SECRET)
    spans.shutdown()
    logs.shutdown()


def ask_for_secrets(path: str) -> None:
    from sqlalchemy import select, text
    from sqlalchemy.orm import Session

    from otel_sqlite_exporter.orm import Span, open_engine

    database = TelemetryDatabase(path)
    assert database.find_spans(session_id=SECRET).records
    assert database.find_llm_interactions(model=SECRET).records
    with Session(open_engine(path)) as session:
        assert session.scalars(select(Span).where(Span.name == SECRET)).all()
        assert session.execute(text(f"SELECT name FROM spans WHERE name = '{SECRET}'")).all()


def test_a_trace_names_every_statement_of_every_edge_and_no_telemetry(path: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    environment = DEBUG | {"OTEL_EXPORTER_SQLITE_DEBUG_FILE": str(trace)}
    in_new_process(write_secrets, path, **environment)
    assert read(path, "SELECT session_id, model FROM complete_llm_interactions") == [(SECRET, SECRET)]
    in_new_process(ask_for_secrets, path, **environment)
    statement = f"SELECT name, \"{SECRET}\" /* {SECRET} */ FROM spans WHERE name = '{SECRET}' -- {SECRET}"
    for arguments in (
        ["sql", statement],
        ["search", SECRET],
        ["session", SECRET[:5]],
        ["sql", "SELECT json('{') FROM spans"],
    ):
        code, out, err = run_process(*arguments, path, **environment)
        assert (code == 0) == (SECRET in out), err
    written = trace.read_text()
    assert SECRET not in written
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    assert len(re.findall(VERSIONS, written, re.MULTILINE)) == 6
    assert len(re.findall(rf" opened {re.escape(str(path))} in ", written)) >= 2
    assert f" opened file://{path}?mode=ro" in written
    opened, closed = (re.findall(rf"^[:.\d]+ (\d+/\d+) {what}", written, re.MULTILINE) for what in ("opened", "closed"))
    assert sorted(opened) == sorted(closed)
    statements = [(int(rows), sql) for _, _, rows, sql in STATEMENT.findall(written)]
    for rows, beginning in (
        (0, "PRAGMA foreign_keys = ON"),
        (0, "BEGIN IMMEDIATE"),
        (1, "INSERT INTO _spans (id, "),
        (1, "INSERT INTO _logs "),
        (1, "SELECT name, \"...\" FROM spans WHERE name = '...'"),
        (1, "SELECT name FROM spans WHERE name = '...'"),
    ):
        assert any(rows == found and sql.startswith(beginning) for found, sql in statements), beginning
    assert re.search(r" ms SQLITE_ERROR  SELECT", written)


def test_a_locked_file_shows_what_waited_and_for_how_long(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "before")
    with closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        _, _, err = run_process("reindex", path, OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="60", **DEBUG)
    (waited,) = re.findall(r" (\d+\.\d{3}) ms SQLITE_BUSY  .+$", err, re.MULTILINE)
    assert float(waited) > 50


def test_without_a_file_the_trace_goes_to_standard_error_also_where_that_is_replaced(path: Path) -> None:
    code = f"""
import io, sys
sys.stderr = io.StringIO()
from tests.integration.test_debugging import write_secrets
write_secrets({str(path)!r})
assert sys.stderr.getvalue() == "", sys.stderr.getvalue()
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=clean_environment(**DEBUG), capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert re.search(VERSIONS, done.stderr.splitlines()[0])
    assert STATEMENT.search(done.stderr)


@pytest.mark.parametrize(
    ("names", "has_connections", "has_statements"),
    [("connection", True, False), ("SQL", False, True), ("", False, False)],
)
def test_only_what_is_named_is_traced(path: Path, names: str, has_connections: bool, has_statements: bool) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "one")
    code, out, err = run_process("traces", path, OTEL_EXPORTER_SQLITE_DEBUG=names)
    assert code == 0
    assert "one" in out
    assert (" opened " in err, STATEMENT.search(err) is not None) == (has_connections, has_statements)
    assert bool(err) == bool(names)


def test_a_database_is_not_written_to_as_a_trace(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "one")
        before = path.read_bytes()
        code, _, err = run_process("traces", path, OTEL_EXPORTER_SQLITE_DEBUG_FILE=str(path), **DEBUG)
        assert code == 0
        assert f"OTEL_EXPORTER_SQLITE_DEBUG_FILE={str(path)!r} cannot be used: it is a database" in err
        os.link(path, path.parent / "link.txt")
        code, _, err = run_process(
            "traces", path, OTEL_EXPORTER_SQLITE_DEBUG_FILE=str(path.parent / "link.txt"), **DEBUG
        )
        assert (code, "cannot be used: it is a database" in err) == (0, True)
        assert STATEMENT.search(err)
        assert path.read_bytes() == before
        code, _, err = run_process("traces", path, OTEL_EXPORTER_SQLITE_DEBUG_FILE=str(path.parent), **DEBUG)
        assert code == 0
        assert "Is a directory" in err


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal", "-spool"])
@pytest.mark.parametrize("is_link", [False, True], ids=["path", "link"])
def test_no_file_of_a_database_that_is_not_made_yet_becomes_a_trace(path: Path, suffix: str, is_link: bool) -> None:
    trace = Path(f"{path}{suffix}")
    if is_link:
        (path.parent / "link").symlink_to(trace)
        trace = path.parent / "link"
    done = trace_export(path, trace)
    assert f"{str(trace)!r} cannot be used: it is a database or a file beside one; using standard error" in done.stderr
    assert STATEMENT.search(done.stderr)
    assert span_names(path) == [SECRET]


def test_a_database_at_the_path_of_a_trace_is_refused_and_the_export_returns(path: Path, tmp_path: Path) -> None:
    trace_export(path, tmp_path / "trace.txt")
    code, _, err = run_process(
        "traces", tmp_path / "trace.txt", OTEL_EXPORTER_SQLITE_DEBUG_FILE=str(tmp_path / "trace.txt"), **DEBUG
    )
    assert (code, "is not a SQLite file" in err) == (2, True)


@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/stdout", "/dev/fd/2"])
def test_a_pipe_gets_the_trace(path: Path, name: str) -> None:
    done = trace_export(path, Path(name))
    assert STATEMENT.search(done.stdout if name == "/dev/stdout" else done.stderr)
    assert "cannot be used" not in done.stderr
    assert span_names(path) == [SECRET]


def test_a_terminal_gets_the_trace(path: Path) -> None:
    ours, theirs = pty.openpty()
    with closing_descriptors(ours, theirs):
        done = trace_export(path, Path(os.ttyname(theirs)))
        assert done.stderr == ""
        assert re.search(VERSIONS, os.read(ours, 4096).decode().splitlines()[0])
    assert span_names(path) == [SECRET]


def test_a_fifo_without_a_reader_is_not_waited_for(path: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    done = trace_export(path, tmp_path / "fifo")
    assert f"{str(tmp_path / 'fifo')!r} cannot be used: " in done.stderr
    assert STATEMENT.search(done.stderr)
    assert span_names(path) == [SECRET]


def test_a_fifo_that_is_full_loses_lines_and_blocks_nobody(path: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with closing_descriptors(reader):
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        done = trace_export(path, tmp_path / "fifo")
        assert done.stderr == ""
        assert re.search(VERSIONS, os.read(reader, 65536).decode().splitlines()[0])
    assert span_names(path) == [SECRET]


@contextmanager
def closing_descriptors(*descriptors: int) -> Iterator[None]:
    try:
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def trace_export(path: Path, trace: Path) -> subprocess.CompletedProcess[str]:
    """Export in a process that traces to `trace`."""
    code = f"from tests.integration.test_debugging import write_secrets\nwrite_secrets({str(path)!r})"
    return subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(OTEL_EXPORTER_SQLITE_DEBUG_FILE=str(trace), **DEBUG),
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
        start_new_session=True,
    )


def test_without_the_variable_a_connection_has_no_method_of_its_own(path: Path) -> None:
    assert not any(callable(member) for member in vars(BoundedConnection).values())
    with exporting(path) as exporter:
        export_all(exporter, "one")
        with using(exporter) as connection:
            assert type(connection) is BoundedConnection
    with closing(open_reader(str(path), busy_timeout_ms=0)) as connection:
        assert type(connection) is BoundedConnection


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("SELECT  1\n FROM a", "SELECT 0 FROM a"),
        ("SELECT a1, ?2, :p3, @p4, $p5, 0x1F, 1.5e3, x'00'", "SELECT a1, ?2, :p3, @p4, $p5, 0, 0, x'...'"),
        ("SELECT 'it''s', \"a\"\"b\", '--', '/*' -- no\n, b", "SELECT '...', \"...\", '...', '...' , b"),
        ("SELECT /* it's\n * / */ a /* open", "SELECT a"),
        ("SELECT 'open", "SELECT '...'"),
        ("SELECT [it's], 'a]', [b", "SELECT [...], '...', [...]"),
        ("SELECT `it's ``\"`, 'a', `b", "SELECT `...`, '...', `...`"),
        ("SELECT $a::b('c), 'd', :e(\"", "SELECT $a::b(...), '...', :e(...)"),
        ("pragma cache_size = -16384 -- no", "pragma cache_size = -16384"),
        ("PRAGMA table_info('spans')", "PRAGMA table_info('spans')"),
    ],
)
def test_a_statement_is_shown_without_its_literals(sql: str, masked: str) -> None:
    assert mask_literals(sql) == masked


def test_a_long_statement_is_cut() -> None:
    assert mask_literals(f"SELECT {'?, ' * 1_000}?") == f"SELECT {'?, ' * 331} ... (2008 more characters)"
