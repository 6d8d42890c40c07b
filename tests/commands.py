# SPDX-License-Identifier: Apache-2.0
"""The command line as tests run it, and the files that it is given."""

from __future__ import annotations

import contextlib
import inspect
import os
import pty
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result

from otel_sqlite_exporter.cli.commands import PROGRAM, cli
from otel_sqlite_exporter.maintain import doctor
from otel_sqlite_exporter.query import overview
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.storage.steps import Migration
from tests.conftest import clean_environment, exporting, make_spans
from tests.forked_commands import run_forked
from tests.upgrades import NEWEST, RELEASED

NEXT = Migration(NEWEST + 1, "rename_spans", "UPDATE _spans SET name = 'new ' || name;\n")
COMMAND = [sys.executable, "-m", "otel_sqlite_exporter"]


_APART: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
"""Older releases of click mix the two outputs unless they are told not to."""


def run(*arguments: object, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command, in this process."""
    with contextlib.chdir(cwd or "."):
        done = run_here(*arguments, **environment)
    return done.exit_code, done.stdout, done.stderr


def run_here(*arguments: object, **environment: str) -> Result:
    """The same with all that click tells."""
    done = CliRunner(env=environment, **_APART).invoke(cli, [*map(str, arguments)], prog_name=PROGRAM)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def run_process(*arguments: object, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command in a process of its own, which a test needs that is about the start
    and the end of one, its memory or its log."""
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


def run_killed(chance: random.Random, *arguments: object) -> None:
    """Run a command that is killed after some CPU, each time more, until it has done its work."""
    killed = 0
    while (ended := run_forked(*arguments, cpu_s=0.04 * (1 + chance.random()) * 1.4**killed)).is_killed:
        killed += 1
    assert ended.code == 0, ended.output
    assert killed


def run_on_terminal(*arguments: object, **environment: str) -> str:
    """What the command writes to a terminal of 100 columns, in this process."""

    def show(terminal: int) -> None:
        with (
            open(terminal, "w", encoding="utf-8", closefd=False) as output,
            mock.patch.dict(os.environ, _describe_terminal(environment)),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            pytest.raises(SystemExit) as ended,
        ):
            cli([*map(str, arguments)], prog_name=PROGRAM)
        assert not ended.value.code

    return _read_terminal(show)


def run_program_on_terminal(program: Sequence[str], **environment: str) -> str:
    """What a program writes to a terminal of 100 columns."""

    def show(terminal: int) -> None:
        described = clean_environment(**_describe_terminal(environment))
        subprocess.run(program, stdout=terminal, stderr=terminal, env=described, check=True)

    return _read_terminal(show)


def _describe_terminal(environment: Mapping[str, str]) -> dict[str, str]:
    return {"TERM": "xterm-256color", "COLUMNS": "100", **environment}


def _read_terminal(show: Callable[[int], None]) -> str:
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(lambda: b"".join(_read_parts(ours)))
        try:
            show(theirs)
        finally:
            os.close(theirs)
        text = written.result().decode()
    os.close(ours)
    return text


def _read_parts(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return
        if not part:
            return
        yield part


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
