# SPDX-License-Identifier: Apache-2.0
"""What `info` shows of a file on a terminal, in a pipe and to programs, without changing anything."""

from __future__ import annotations

import fcntl
import json
import lzma
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_sqlite_exporter.cli.commands import PROGRAM
from otel_sqlite_exporter.version import __version__
from tests.commands import (
    COMMAND,
    NEXT,
    become_next,
    run,
    run_here,
    run_on_terminal,
    run_process,
    upgrade_to_next,
    write_sessions,
)
from tests.conftest import CORE_STATE, HANG_S, clean_environment, exporting, make_spans, read, span_names
from tests.file_checks import garbage_page_file, snapshot
from tests.upgrades import NEWEST

VIEWS = [
    "spans",
    "events",
    "links",
    "logs",
    "traces",
    "sessions",
    "complete_llm_interactions",
    "complete_tool_interactions",
    "metrics",
    "metric_points",
    "exemplars",
    "session_conflicts",
]


@pytest.fixture
def written(path: Path) -> Path:
    return write_sessions(path)


def test_info_of_an_older_file_names_the_command(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become_next(monkeypatch)
    result = run_here("info", written)
    assert result.exit_code == 0
    assert f"{NEWEST}, {NEXT.version} is needed: run `{PROGRAM} migrate {written}`" in result.output
    assert "newest sessions (10 of 12)" in result.output


def test_info_of_a_file_that_lacks_columns_names_the_command(path: Path) -> None:
    frozen = Path(__file__).parents[1] / "frozen_files" / "version_0014.db.xz"
    path.write_bytes(lzma.decompress(frozen.read_bytes()))
    code, out, err = run("info", path)
    assert (code, err) == (0, "")
    assert f"14, {NEWEST} is needed: run `{PROGRAM} migrate {path}`" in out


def test_info_reads_a_newer_file_and_says_so(written: Path) -> None:
    upgrade_to_next(written)
    before = snapshot(written)
    code, out, err = run("info", written)
    assert (code, err) == (0, "")
    assert f"{NEXT.version}, newer than {NEWEST}" in out
    assert "newest sessions (10 of 12)" in out
    assert snapshot(written) == before


def test_info_counts_what_the_views_show(written: Path) -> None:
    before = snapshot(written)
    code, out, err = run("info", "--json", written)
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert snapshot(written) == before
    contents = shown.pop("contents")
    assert shown == {
        "package_version": __version__,
        "compiled_core": CORE_STATE,
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
    health = contents["exporter_health"]
    assert health["written"] == health["received"] == 12
    assert health["dropped"] == health["spooled"] == health["replayed"] == 0
    assert contents["link_health"]["linked"] == contents["link_health"]["records"] == 24


def test_info_in_a_pipe_is_aligned_plain_text(written: Path) -> None:
    code, out, err = run_process("info", written, FORCE_COLOR="1")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert not [line for line in out.splitlines() if line != line.rstrip()]
    assert re.search(rf"^  compiled core \(of this Python\) +{CORE_STATE}$", out, re.MULTILINE)
    assert re.findall(r"^  (?:spans|events|session_conflicts|complete_tool_interactions) +\d+$", out, re.MULTILINE) == [
        "  spans                         12",
        "  events                        24",
        "  complete_tool_interactions     0",
        "  session_conflicts              0",
    ]
    assert "newest sessions (10 of 12)" in out
    assert re.search(r"^  session 11 +- +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z +1 +1 +0 +0 +-$", out, re.MULTILINE)
    assert "session 01" not in out
    headings = out.partition("newest sessions (10 of 12)\n")[2].splitlines()[0].split()
    assert set(headings) < set(run("sessions", written)[1].splitlines()[1].split())


def test_info_on_a_terminal_is_coloured_unless_told_otherwise(written: Path) -> None:
    coloured = run_on_terminal("info", written)
    assert "\x1b[" in coloured
    plain = run_on_terminal("info", written, NO_COLOR="1")
    assert "\x1b" not in plain
    assert re.sub("\x1b[^m]*m", "", coloured) == plain
    for text in ("newest sessions (10 of 12)", "session 11", str(__version__), CORE_STATE, "link health"):
        assert text in plain


@pytest.mark.parametrize("show", [lambda path: run("info", path)[1], lambda path: run_on_terminal("info", path)])
def test_what_an_application_recorded_cannot_steer_the_terminal(path: Path, show: Callable[[Path], str]) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("span", attributes={"session.id": "[bold]한국\x1b[2J\n\u202ex"}))
    assert r"[bold]한국\x1b[2J\n\u202ex" in re.sub(r"\s{2,}", "", show(path))


def test_info_survives_an_output_that_lacks_characters(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("span", attributes={"session.id": "한국"}))
    code, out, err = run_process("info", path, PYTHONIOENCODING="latin-1")
    assert (code, err) == (0, "")
    assert r"\ud55c\uad6d" in out


def test_info_shows_what_a_running_exporter_has_written_and_leaves_it_alone(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
        before = snapshot(path)
        shown = json.loads(run_process("info", "--json", path)[1])
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


def test_a_log_whose_file_is_gone_is_named_before_a_new_file_is_offered(tmp_path: Path) -> None:
    (tmp_path / "otel.db-wal").write_bytes(b"pages")
    code, out, err = run("info", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert f"{tmp_path}/otel.db-wal may hold its last batches" in err
    assert "migrate" not in err
    assert os.listdir(tmp_path) == ["otel.db-wal"]


def test_info_of_a_file_with_a_damaged_page_says_how_to_recover(written: Path) -> None:
    garbage_page_file(written)
    before = snapshot(written)
    code, out, err = run("info", written)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: .* is damaged .* \.recover\n", err)
    assert snapshot(written) == before


def test_a_reader_that_goes_away_is_no_error(written: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*COMMAND, "info", str(written)],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        check=False,
        timeout=180,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["info"], ["llm"], ["export"], ["tail", "--json"]])
def test_an_output_that_is_full_is_named(written: Path, arguments: list[str], unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments, str(written)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=clean_environment(PYTHONUNBUFFERED=unbuffered),
            check=False,
            timeout=180,
        )
    assert (done.returncode, done.stderr) == (2, b"Error: standard output: No space left on device\n")


def test_an_output_file_that_is_full_is_named(written: Path) -> None:
    named = "Error: /dev/full: No space left on device\n"
    assert run("export", written, "--output", "/dev/full") == (2, "", named)


@pytest.mark.parametrize(
    ("redirect", "arguments", "refused"),
    [
        (">&-", ["export"], "--output: standard output is closed: give a file"),
        ("<&-", ["import", "-", "--into"], "standard input is closed: give a file"),
    ],
)
def test_a_stream_that_is_closed_is_named(written: Path, redirect: str, arguments: list[str], refused: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *COMMAND, *arguments, str(written)],
        capture_output=True,
        env=clean_environment(),
        check=False,
        timeout=180,
    )
    assert (done.returncode, done.stderr.decode()) == (2, f"Error: {refused}\n")


def test_an_interrupt_is_one_sentence(written: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, bytes(fcntl.fcntl(theirs, fcntl.F_GETPIPE_SZ)))  # full: the command waits when it first writes
    code = f"""\
import sys
from otel_sqlite_exporter.cli import commands
from otel_sqlite_exporter.cli.outputs import maintain_output
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
        assert process.wait(HANG_S) == 2
        assert process.stderr.read() == b""
