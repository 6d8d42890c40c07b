# SPDX-License-Identifier: Apache-2.0
"""Commands that do not end by themselves: those that follow a file, and statements and views without an end."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from tests.commands import COMMAND, run_here
from tests.conftest import HANG_S, clean_environment, exporting, make_spans

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 7}
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
ANNOUNCED = """\
import sqlite3, sys
from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.storage import connection
allow = connection.allow_signals
def announce(opened):
    print("asking", file=sys.stderr, flush=True)
    allow(opened)
connection.allow_signals = announce
cli(sys.argv[1:], prog_name="test")
"""


def test_ended_calls_are_followed_until_an_interrupt(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("chat gpt-4o", attributes=CALL | {"session.id": "chat-1"}))
        shown = run_here("tail", "--calls", path).stdout
        assert "  call  gpt-4o  ok  " in shown
        (call,) = TelemetryDatabase(path).find_llm_interactions()
        assert "  7 in tokens  $" in shown
        assert shown.endswith(f"  session=chat-1  span={call.span_id}\n")
        command = [*COMMAND, "tail", "-f", "--calls", "--json", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["session_id"] == "chat-1"
            exporter.export(make_spans("chat gpt-4o", attributes=CALL | {"session.id": "chat-2"}))
            followed = json.loads(process.stdout.readline())
            assert (followed["kind"], followed["session_id"], followed["input_tokens"]) == ("llm", "chat-2", 7)
            process.send_signal(signal.SIGINT)
            assert process.wait(HANG_S) == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", ["spans", "info", "sql"])
def test_a_view_without_an_end_can_be_interrupted(path: Path, command: str) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
    with closing(sqlite3.connect(path)) as connection:
        columns = ", ".join(f"i AS {name}" for _, name, *_ in connection.execute("PRAGMA table_info(spans)").fetchall())
        for view in ("spans", "row_counts"):
            connection.execute(f"DROP VIEW {view}")
        connection.execute(f"CREATE VIEW spans AS WITH RECURSIVE n(i) AS ({ENDLESS}) SELECT {columns} FROM n")
        connection.execute("CREATE VIEW row_counts AS SELECT count(*) AS spans FROM spans")
    arguments = ["sql", "SELECT count(*) FROM spans"] if command == "sql" else [command]
    program = [sys.executable, "-c", ANNOUNCED, *arguments, str(path)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=clean_environment()) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "asking\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().endswith("interrupted\n")
        assert process.wait(HANG_S) == 2


def test_a_statement_gives_up_after_its_time(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
    done = run_here("sql", "--timeout", "0.1", f"SELECT max(i) FROM ({ENDLESS})", path)
    assert (done.exit_code, done.stderr) == (2, "Error: --timeout: the statement took longer than 0.1 s\n")
    assert run_here("sql", "--timeout", "60", "SELECT 1 AS one", path).exit_code == 0
