# SPDX-License-Identifier: Apache-2.0
"""A value in a file that cannot be read: each command does its work or says one sentence, and `doctor` names it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from opentelemetry.trace import Link

from otel_sqlite_exporter.cli.commands import cli
from tests.integration.test_failed_requests import recording
from tests.integration.test_log_exporter import logging_to, make_log

CALL = {"session.id": "chat", "gen_ai.operation.name": "chat", "gen_ai.request.model": "small", "n": (1, 2)}
NO_JSON = '{"a":'
NO_TEXT = b"\xe3("
WRONG: list[tuple[str, str, Any]] = [
    ("_spans", "attributes", NO_JSON),
    ("_spans", "attributes", NO_TEXT),
    ("_spans", "attribute_types", "17"),
    ("_spans", "texts", NO_JSON),
    ("_spans", "start_attributes", NO_JSON),
    ("_spans", "kind", 17),
    ("_spans", "span_id", "not hex"),
    ("_events", "attribute_types", "word"),
    ("_links", "attributes", "17"),
    ("_logs", "body", NO_JSON),
    ("_logs", "severity_text", NO_TEXT),
    ("_resources", "attributes", NO_JSON),
    ("_traces", "trace_id", "ab"),
]
COMMANDS = (
    *("info", "sessions", "spans", "tail", "export", "session chat --messages", "search small", "report errors"),
    *("reindex", "reprice --all", "index"),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "otel.db"
    with recording(path) as tracer, tracer.start_as_current_span("one", attributes=CALL) as span:
        tracer.start_span("two", attributes=CALL, links=[Link(span.get_span_context())]).end()
    with logging_to(path) as logs:
        logs.export([make_log(body="said", attributes={"n": (1, 2)})])
    return path


def spoil(path: Path, table: str, column: str, value: Any) -> None:
    with closing(sqlite3.connect(path)) as connection:
        place = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
        connection.execute("INSERT INTO _events (source, name, time_unix_nano, attributes) VALUES (2, 'e', 1, '{}')")
        connection.execute(f"UPDATE {table} SET {column} = {place} WHERE id = (SELECT max(id) FROM {table})", (value,))
        connection.commit()


@pytest.mark.parametrize(("table", "column", "value"), WRONG)
def test_no_command_ends_in_a_traceback(sound: Path, tmp_path: Path, table: str, column: str, value: Any) -> None:
    path = tmp_path / "otel.db"
    shutil.copy(sound, path)
    spoil(path, table, column, value)
    found = CliRunner().invoke(cli, ["doctor", str(path)])
    assert found.exit_code == 1
    assert table in found.stdout
    assert value is NO_TEXT or column in found.stdout
    for command in COMMANDS:
        done = CliRunner().invoke(cli, [*command.split(), str(path)])
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exc_info)
        if done.exit_code == 2:
            assert done.stderr.startswith("Error: "), command
            assert done.stderr.count("\n") == 1, command


def test_a_sound_file_has_no_such_value(sound: Path) -> None:
    assert CliRunner().invoke(cli, ["doctor", str(sound)]).exit_code == 0
