# SPDX-License-Identifier: Apache-2.0
"""The command line, in processes of its own: what it prints where, its exit codes, and what it leaves untouched."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_sqlite_exporter.cli.commands import PROGRAM, cli
from otel_sqlite_exporter.query import overview
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.storage.migrations import Migration
from otel_sqlite_exporter.version import __version__
from tests.conftest import clean_environment, exporting, make_spans, read, span_names
from tests.files import (
    foreign,
    foreign_copied_wal,
    foreign_leftover_wal,
    foreign_wal,
    garbage_page_file,
    snapshot,
    text_file,
    truncated_file,
)

NEWEST = migrations.load_migrations()[-1].version
NEXT = Migration(NEWEST + 1, "rename_spans", "UPDATE _spans SET name = 'new ' || name;\n")
COMMAND = [sys.executable, "-m", "otel_sqlite_exporter"]
VIEWS = [
    "spans",
    "events",
    "links",
    "traces",
    "sessions",
    "complete_llm_interactions",
    "complete_tool_interactions",
    "session_conflicts",
]


def run(*arguments: object, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(**environment),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def run_here(*arguments: object) -> Result:
    """The same in this process, where a test has made up a next release."""
    return CliRunner().invoke(cli, [*map(str, arguments)], prog_name=PROGRAM)


def run_on_terminal(*arguments: object, **environment: str) -> str:
    """What the command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    terminal = clean_environment(TERM="xterm-256color", COLUMNS="100", **environment)
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=theirs, stderr=theirs, env=terminal) as process:
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


@pytest.fixture
def written(path: Path) -> Path:
    """A file that holds 12 sessions of a span each, and that nobody has open."""
    with exporting(path) as exporter:
        for number in range(12):
            exporter.export(make_spans(f"span {number:02}", attributes={"session.id": f"session {number:02}"}))
    return path


@pytest.fixture
def newer(written: Path) -> Path:
    """The same, upgraded by a newer version of this package."""
    steps = (*migrations.load_migrations(), NEXT._replace(sql="-- quick\nCREATE TABLE _new (x TEXT) STRICT;\n"))
    migrations.migrate(str(written), busy_timeout_ms=0, backup=False, steps=steps)
    return written


@pytest.fixture
def older(written: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, in a process whose package has one more step."""
    steps = (*migrations.load_migrations(), NEXT)
    monkeypatch.setattr(migrations, "load_migrations", lambda: steps)
    monkeypatch.setattr(overview, "load_migrations", lambda: steps)
    return written


def damaged(path: Path) -> None:
    migrations.migrate(str(path), busy_timeout_ms=0)
    truncated_file(path)


def folder(path: Path) -> None:
    path.mkdir()


def test_migrate_creates_a_file(path: Path) -> None:
    assert run("migrate", path) == (0, f"created {path} with schema version {NEWEST}\n", "")
    assert span_names(path) == []
    assert run("migrate", path) == (0, f"{path} has schema version {NEWEST}: nothing to do\n", "")


def test_the_path_is_the_argument_else_the_variable_else_otel_db(tmp_path: Path) -> None:
    variable = {"OTEL_EXPORTER_SQLITE_PATH": "variable.db"}
    assert run("migrate", "argument.db", cwd=tmp_path, **variable)[0] == 0
    assert os.listdir(tmp_path) == ["argument.db"]
    assert run("migrate", cwd=tmp_path, **variable)[0] == 0
    assert run("migrate", cwd=tmp_path)[0] == 0
    assert sorted(os.listdir(tmp_path)) == ["argument.db", "otel.db", "variable.db"]


def test_check_says_by_its_exit_code_whether_steps_are_pending(path: Path, written: Path, tmp_path: Path) -> None:
    before = snapshot(written)
    missing = tmp_path / "missing.db"
    hint = f"run `python -m otel_sqlite_exporter migrate {missing}`"
    assert run("migrate", "--check", missing) == (1, f"{missing} has no schema yet: {hint}\n", "")
    assert run("migrate", "--check", written) == (0, f"{written} has schema version {NEWEST}: nothing to do\n", "")
    assert snapshot(written) == before


def test_dry_run_of_a_new_file_creates_nothing(tmp_path: Path) -> None:
    code, out, err = run("migrate", "--dry-run", tmp_path / "new.db")
    assert (code, err) == (0, "")
    assert "would create" in out
    assert re.search(r"^ +1  initial +\(quick\)$", out, re.MULTILINE)
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
        "needs_backup": True,
    }
    assert snapshot(older) == before


def test_info_of_an_older_file_names_the_command(older: Path) -> None:
    result = run_here("info", older)
    assert result.exit_code == 0
    assert f"{NEWEST}, {NEXT.version} is needed: run `{PROGRAM} migrate {older}`" in result.output
    assert "newest sessions (10 of 12)" in result.output


def test_a_step_that_fails_is_one_sentence(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (*migrations.load_migrations()[:-1], NEXT._replace(sql="INSERT INTO _nothing VALUES (1);"))
    monkeypatch.setattr(migrations, "load_migrations", lambda: steps)
    result = run_here("migrate", older)
    assert result.exit_code == 2
    assert re.fullmatch(r"Error: step .* failed and was rolled back, .*\n", result.output)


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


def test_a_newer_file_is_refused_untouched(newer: Path) -> None:
    before = snapshot(newer)
    for arguments in (["migrate"], ["migrate", "--dry-run"]):
        code, out, err = run(*arguments, newer)
        assert (code, out) == (2, "")
        assert re.fullmatch(r"Error: .* has schema version .*pip install -U.*not touched\n", err)
    assert snapshot(newer) == before


def test_info_reads_a_newer_file_and_says_so(newer: Path) -> None:
    before = snapshot(newer)
    code, out, err = run("info", newer)
    assert (code, err) == (0, "")
    assert f"{NEXT.version}, newer than {NEWEST}" in out
    assert "newest sessions (10 of 12)" in out
    assert snapshot(newer) == before


def test_info_counts_what_the_views_show(written: Path) -> None:
    before = snapshot(written)
    code, out, err = run("info", "--json", written)
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert snapshot(written) == before
    contents = shown.pop("contents")
    assert shown == {
        "package_version": __version__,
        "path": str(written),
        "schema_version": NEWEST,
        "package_schema_version": NEWEST,
        "file_bytes": written.stat().st_size,
        "wal_bytes": 0,
    }
    assert list(contents["counts"]) == VIEWS
    for view in VIEWS:
        assert [(contents["counts"][view],)] == read(written, f"SELECT count(*) FROM {view}")
    times = read(written, "SELECT min(start_time), max(start_time) FROM spans")
    assert [(contents["first_span_time"], contents["last_span_time"])] == times
    newest = [session["session_id"] for session in contents["newest_sessions"]]
    assert newest == [f"session {number:02}" for number in range(11, 1, -1)]
    assert contents["exporter_health"]["written"] == contents["exporter_health"]["received"] == 12
    assert contents["link_health"]["linked"] == contents["link_health"]["records"] == 24


def test_info_in_a_pipe_is_aligned_plain_text(written: Path) -> None:
    code, out, err = run("info", written, FORCE_COLOR="1")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert not [line for line in out.splitlines() if line != line.rstrip()]
    assert re.findall(r"^  (?:spans|events|session_conflicts|complete_tool_interactions) +\d+$", out, re.MULTILINE) == [
        "  spans                         12",
        "  events                        24",
        "  complete_tool_interactions     0",
        "  session_conflicts              0",
    ]
    assert "newest sessions (10 of 12)" in out
    assert re.search(r"^  session 11 +- +\d{4}-\d\d-\d\dT\d\d:\d\dZ +1 +1 +0 +0 +-$", out, re.MULTILINE)
    assert "session 01" not in out


def test_info_on_a_terminal_is_coloured_unless_told_otherwise(written: Path) -> None:
    coloured = run_on_terminal("info", written)
    assert "\x1b[" in coloured
    plain = run_on_terminal("info", written, NO_COLOR="1")
    assert "\x1b" not in plain
    assert re.sub("\x1b[^m]*m", "", coloured) == plain
    for text in ("newest sessions (10 of 12)", "session 11", str(__version__), "link health"):
        assert text in plain


@pytest.mark.parametrize("show", [lambda path: run("info", path)[1], lambda path: run_on_terminal("info", path)])
def test_what_an_application_recorded_cannot_steer_the_terminal(path: Path, show: Callable[[Path], str]) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("span", attributes={"session.id": "[bold]한국\x1b[2J\n\u202ex"}))
    assert r"[bold]한국\x1b[2J\n\u202ex" in re.sub(r"\s{2,}", "", show(path))


def test_info_survives_an_output_that_lacks_characters(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("span", attributes={"session.id": "한국"}))
    code, out, err = run("info", path, PYTHONIOENCODING="latin-1")
    assert (code, err) == (0, "")
    assert r"\ud55c\uad6d" in out


def test_info_shows_what_a_running_exporter_has_written_and_leaves_it_alone(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
        before = snapshot(path)
        shown = json.loads(run("info", "--json", path)[1])
        assert snapshot(path) == before
        assert shown["contents"]["counts"]["spans"] == 1
        assert shown["wal_bytes"] == os.path.getsize(f"{path}-wal") > 0
        exporter.export(make_spans("two"))
    assert span_names(path) == ["one", "two"]


def test_info_of_a_file_without_a_schema_names_the_command(path: Path) -> None:
    path.touch()
    code, out, err = run("info", path)
    assert (code, err) == (0, "")
    assert f"none yet, {NEWEST} is needed: run `{PROGRAM} migrate {path}`" in out
    assert path.stat().st_size == 0


def test_info_of_a_missing_file_says_so_and_creates_nothing(tmp_path: Path) -> None:
    code, out, err = run("info", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"Error: {tmp_path}/otel\.db does not exist: .+\n", err)
    assert os.listdir(tmp_path) == []


def test_info_of_a_file_with_a_damaged_page_says_how_to_recover(written: Path) -> None:
    garbage_page_file(written)
    before = snapshot(written)
    code, out, err = run("info", written)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: .* is damaged .* \.recover\n", err)
    assert snapshot(written) == before


def test_a_locked_file_is_one_sentence(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        code, out, err = run("migrate", path, OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS="50")
    assert (code, out, err) == (2, "", f"Error: {path}: SQLite says: database is locked\n")


def test_an_error_of_the_system_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out, err = run("migrate", tmp_path / "file" / "otel.db")
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"Error: {tmp_path}/file.*: Not a directory\n", err)


def test_a_path_that_is_no_file_is_one_sentence() -> None:
    code, out, err = run("migrate", ":memory:")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: path=':memory:' cannot be used: .+\n", err)


def test_a_wrong_command_shows_how_it_is_used() -> None:
    code, out, err = run("migrate", "--fast")
    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: {PROGRAM} migrate [OPTIONS] [PATH]\n")


def test_version_and_help(tmp_path: Path) -> None:
    assert run("--version") == (0, f"otel-sqlite-exporter, version {__version__}\n", "")
    code, out, err = run("--help", cwd=tmp_path)
    assert (code, err) == (0, "")
    for word in (f"Usage: {PROGRAM} ", "migrate", "info", "OTEL_EXPORTER_SQLITE_PATH", "Exit codes"):
        assert word in out
    assert os.listdir(tmp_path) == []


def test_a_reader_that_goes_away_is_no_error(written: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*COMMAND, "info", str(written)],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        check=False,
        timeout=60,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (2, b"")


def test_an_interrupt_is_one_sentence(written: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, bytes(fcntl.fcntl(theirs, fcntl.F_GETPIPE_SZ)))  # full: the command waits when it first writes
    code = f"""\
import signal, sys
from otel_sqlite_exporter.cli import commands, render
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background starts programs that ignore it
print("ready", file=sys.stderr, flush=True)
commands.cli(["info", {str(written)!r}], prog_name="test")"""
    with (
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=theirs, stderr=subprocess.PIPE, env=clean_environment()
        ) as process,
        open(ours, "rb") as output,
    ):
        os.close(theirs)
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == b"Error: interrupted\n"
        output.read()
        assert process.wait(30) == 2
        assert process.stderr.read() == b""


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
    unwanted = "opentelemetry|sqlalchemy|rich|orjson"
    if arguments == ["--help"]:
        unwanted += r"|otel_sqlite_exporter\.(query|storage|sql)"
    assert [module for module in modules if re.match(rf"({unwanted})(\.|$)", module)] == []
