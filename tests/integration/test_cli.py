# SPDX-License-Identifier: Apache-2.0
"""The command line, in processes of its own: what it prints where, its exit codes, and what it leaves untouched."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.cli.commands import PROGRAM
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.version import __version__
from tests.commands import NEXT, become_next, run, run_here, run_process, upgrade_to_next, write_sessions
from tests.conftest import clean_environment, span_names
from tests.file_checks import (
    foreign,
    foreign_copied_wal,
    foreign_leftover_wal,
    foreign_wal,
    snapshot,
    text_file,
    truncated_file,
)
from tests.upgrades import NEWEST


@pytest.fixture
def written(path: Path) -> Path:
    return write_sessions(path)


@pytest.fixture
def older(written: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the last release, in a process of the next."""
    become_next(monkeypatch)
    return written


def damaged(path: Path) -> None:
    migrations.migrate(str(path), busy_timeout_ms=0)
    truncated_file(path)


def folder(path: Path) -> None:
    path.mkdir()


def test_migrate_creates_a_file(path: Path) -> None:
    assert run_process("migrate", path) == (0, f"created {path} with schema version {NEWEST}\n", "")
    assert span_names(path) == []
    assert run_process("migrate", path) == (0, f"{path} has schema version {NEWEST}: nothing to do\n", "")


def test_the_path_is_the_argument_else_the_variable_else_otel_db(tmp_path: Path) -> None:
    variable = {"OTEL_EXPORTER_SQLITE_PATH": "variable.db"}
    assert run_process("migrate", "argument.db", cwd=tmp_path, **variable)[0] == 0
    assert os.listdir(tmp_path) == ["argument.db"]
    assert run_process("migrate", cwd=tmp_path, **variable)[0] == 0
    assert run_process("migrate", cwd=tmp_path)[0] == 0
    assert sorted(os.listdir(tmp_path)) == ["argument.db", "otel.db", "variable.db"]


def test_check_says_by_its_exit_code_whether_steps_are_pending(path: Path, written: Path, tmp_path: Path) -> None:
    before = snapshot(written)
    missing = tmp_path / "missing.db"
    hint = f"run `python -m otel_sqlite_exporter migrate {missing}`"
    assert run_process("migrate", "--check", missing) == (1, f"{missing} has no schema yet: {hint}\n", "")
    assert run_process("migrate", "--check", written) == (
        0,
        f"{written} has schema version {NEWEST}: nothing to do\n",
        "",
    )
    assert snapshot(written) == before


def test_dry_run_of_a_new_file_creates_nothing(tmp_path: Path) -> None:
    code, out, err = run_process("migrate", "--dry-run", tmp_path / "new.db")
    assert (code, err) == (0, "")
    assert "would create" in out
    assert re.search(r"^ +12  tables +\(quick\)$", out, re.MULTILINE)
    assert "no backup would be written" in out
    assert os.listdir(tmp_path) == []


def test_an_upgrade_prints_its_backup(older: Path) -> None:
    result = run_here("migrate", older)
    assert result.exit_code == 0
    first, backup = result.output.splitlines()
    assert first.startswith(f"upgraded {older} from {NEWEST} to schema version {NEXT.version} in ")
    copy = Path(backup.removeprefix("backup: "))
    assert span_names(copy) == [f"span {number:02}" for number in range(12)]
    assert span_names(older)[0] == "new span 00"


def test_an_upgrade_without_a_backup_writes_none(older: Path) -> None:
    result = run_here("migrate", "--no-backup", "--json", older)
    report = json.loads(result.output)
    assert report.pop("seconds") >= 0
    assert report == {
        "path": str(older),
        "from_version": NEWEST,
        "to_version": NEXT.version,
        "applied": [{"version": NEXT.version, "name": NEXT.name, "quick": False}],
        "backup": None,
        "replaced_views": False,
        "reindex_due": False,
    }
    assert not list(older.parent.glob("*.bak"))


def test_the_plan_of_an_upgrade_names_steps_and_backup_and_changes_nothing(older: Path) -> None:
    before = snapshot(older)
    plan = run_here("migrate", "--dry-run", older).output
    assert f"{NEXT.version}  {NEXT.name}  (slow on a large file)" in plan
    assert "a backup would be written beside it" in plan
    assert "no backup" in run_here("migrate", "--dry-run", "--no-backup", older).output
    check = run_here("migrate", "--check", "--json", older)
    assert check.exit_code == 1
    assert json.loads(check.output) == {
        "path": str(older),
        "schema_version": NEWEST,
        "pending": [{"version": NEXT.version, "name": NEXT.name, "quick": False}],
        "has_old_views": False,
        "reindex_due": False,
        "needs_backup": True,
    }
    assert snapshot(older) == before


def test_a_step_that_fails_is_one_sentence(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become_next(monkeypatch, NEXT._replace(sql="INSERT INTO _nothing VALUES (1);"))
    result = run_here("migrate", written)
    assert result.exit_code == 2
    assert re.fullmatch(r"Error: step .* failed and was rolled back, .*\n", result.output)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [foreign, foreign_wal, foreign_leftover_wal, foreign_copied_wal, text_file, folder, damaged],
    ids=lambda make: make.__name__,
)
def test_what_is_not_ours_or_damaged_is_refused_untouched(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "one" / "file.db"
    path.parent.mkdir()
    make(path)
    before = None if path.is_dir() else snapshot(path)
    for command in ("migrate", "info"):
        code, out, err = run(command, path)
        assert (code, out) == (2, "")
        assert re.fullmatch(rf"Error: {re.escape(str(path))} is .+\n", err)
    assert run_here("migrate", "--check", path).exit_code == 2
    assert before is None or snapshot(path) == before


def test_a_newer_file_is_refused_untouched(written: Path) -> None:
    upgrade_to_next(written)
    before = snapshot(written)
    for arguments in (["migrate"], ["migrate", "--dry-run"]):
        code, out, err = run(*arguments, written)
        assert (code, out) == (2, "")
        assert re.fullmatch(r"Error: .* has schema version .*pip install -U.*not touched\n", err)
    assert snapshot(written) == before


@pytest.mark.slow
def test_a_locked_file_is_one_sentence(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        code, out, err = run_process("migrate", path, OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="50")
    assert (code, out, err) == (2, "", f"Error: {path}: SQLite says: database is locked\n")


def test_an_error_of_the_system_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out, err = run("migrate", tmp_path / "file" / "otel.db")
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"Error: {tmp_path}/file.*: Not a directory\n", err)


def test_a_path_that_is_no_file_is_one_sentence() -> None:
    code, out, err = run("migrate", ":memory:")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: ':memory:' cannot be used: give the path of a file; .+\n", err)


def test_a_wrong_command_shows_how_it_is_used() -> None:
    code, out, err = run("migrate", "--fast")
    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: {PROGRAM} migrate [OPTIONS] [PATH]\n")


def test_version_and_help(tmp_path: Path) -> None:
    assert run_process("--version") == (0, f"otel-sqlite-exporter, version {__version__}\n", "")
    code, out, err = run_process("--help", cwd=tmp_path)
    assert (code, err) == (0, "")
    for word in (f"Usage: {PROGRAM} ", "migrate", "info", "OTEL_EXPORTER_SQLITE_PATH", "Exit codes"):
        assert word in out
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("arguments", [["--help"], ["migrate"], ["info"]])
def test_no_command_imports_opentelemetry_and_help_imports_no_reader(written: Path, arguments: list[str]) -> None:
    if arguments != ["--help"]:
        arguments = [*arguments, str(written)]
    code = f"""\
import sys
from otel_sqlite_exporter.cli.commands import cli
cli({arguments!r}, prog_name="test", standalone_mode=False)
print(*sys.modules, file=sys.stderr)"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=clean_environment(), check=True
    )
    modules = done.stderr.split()
    assert "otel_sqlite_exporter.cli.commands" in modules
    unwanted = "opentelemetry|sqlalchemy|rich"
    if arguments == ["--help"]:
        # `migrate` looks whether a file is of another layout, and `info` whether the compiled core can be loaded.
        unwanted += r"|orjson|otel_sqlite_exporter\.(query|storage|sql|settings)"
    assert [module for module in modules if re.match(rf"({unwanted})(\.|$)", module)] == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["reindex", "reprice", "index"])
def test_a_file_that_is_not_there_is_not_made_to_be_worked_on(tmp_path: Path, command: str) -> None:
    path = tmp_path / "folder" / "typo.db"
    code, out, err = run(command, path)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {path} does not exist: give the path of a file")
    assert f"`python -m otel_sqlite_exporter migrate {path}`" in err
    assert list(tmp_path.iterdir()) == []
    empty = tmp_path / "empty.db"
    empty.touch()
    code, out, err = run(command, empty)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {empty} has no schema yet")
    assert empty.stat().st_size == 0
