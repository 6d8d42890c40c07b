# SPDX-License-Identifier: Apache-2.0
"""The command line as tests run it, and the files that it is given."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_sqlite_exporter.cli.commands import PROGRAM, cli
from otel_sqlite_exporter.maintain import doctor
from otel_sqlite_exporter.query import overview
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.storage.steps import Migration
from tests.conftest import clean_environment, exporting, make_spans
from tests.upgrades import NEWEST, RELEASED

NEXT = Migration(NEWEST + 1, "rename_spans", "UPDATE _spans SET name = 'new ' || name;\n")
COMMAND = [sys.executable, "-m", "otel_sqlite_exporter"]


def run(*arguments: object, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(**environment),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=180,
    )
    return done.returncode, done.stdout, done.stderr


def run_here(*arguments: object) -> Result:
    """The same in this process, where a test has made up a next release."""
    return CliRunner().invoke(cli, [*map(str, arguments)], prog_name=PROGRAM)


def run_on_terminal(*arguments: object, program: Sequence[str] = COMMAND, **environment: str) -> str:
    """What the command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    terminal = clean_environment(**{"TERM": "xterm-256color", "COLUMNS": "100"} | environment)
    with subprocess.Popen([*program, *map(str, arguments)], stdout=theirs, stderr=theirs, env=terminal) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            written += part
    os.close(ours)
    assert process.returncode == 0
    return written.decode()


def write_sessions(path: Path) -> Path:
    """Make a file of 12 sessions of a span each, that nobody has open."""
    with exporting(path) as exporter:
        for number in range(12):
            exporter.export(make_spans(f"span {number:02}", attributes={"session.id": f"session {number:02}"}))
    return path


def upgrade_to_next(path: Path) -> None:
    """Upgrade a file as the next release would."""
    steps = (*RELEASED, NEXT._replace(sql="-- quick\nCREATE TABLE _new (x TEXT) STRICT;\n"))
    migrations.migrate(str(path), busy_timeout_ms=0, backup=False, steps=steps)


def become_next(monkeypatch: pytest.MonkeyPatch, step: Migration = NEXT) -> None:
    """Let this process be of the next release, which has one more step."""
    steps = (*RELEASED, step)
    monkeypatch.setattr(migrations, "load_migrations", lambda: steps)
    monkeypatch.setattr(overview, "load_migrations", lambda: steps)
    monkeypatch.setattr(doctor, "load_migrations", lambda: steps)
