# SPDX-License-Identifier: Apache-2.0
"""`doctor` says what is wrong with a file and what to do about it; with `--repair` it does what is safe."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.maintain import doctor
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.system.file_systems import find_network_type
from tests.commands import NEXT, become_next, run, run_here, run_process
from tests.conftest import export_all, exporting, in_new_process, make_spans, read, span_names
from tests.file_checks import foreign, garbage_page_file, snapshot, text_file, truncated_file
from tests.upgrades import NEWEST


def diagnose(path: Path, *options: str) -> tuple[int, dict[str, str]]:
    """The exit code, and what is said by check."""
    status, printed, errors = run("doctor", path, "--json", *options)
    assert errors == ""
    findings: list[dict[str, Any]] = json.loads(printed)["findings"]
    assert all(finding["remedy"] for finding in findings)
    return status, {finding["check"]: f"{finding['severity']}: {finding['what']}" for finding in findings}


@pytest.fixture
def written(path: Path) -> Path:
    with exporting(path) as exporter:
        export_all(exporter, "one", "two")
        exporter.export(make_spans("three", attributes={"session.id": "A"}))
    return path


def alter(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def spool(path: Path, *names: str) -> None:
    """Let a batch meet a lock."""
    with exporting(path, busy_timeout_ms=0) as exporter, closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        for name in names:
            assert exporter.export(make_spans(name)) is SpanExportResult.SUCCESS
        exporter.shutdown()


def test_of_a_sound_file_all_is_well_and_nothing_is_changed(written: Path) -> None:
    before = snapshot(written)
    assert run("doctor", written) == (0, f"{written}: all is well\n", "")
    assert diagnose(written) == (0, {})
    assert snapshot(written) == before


_ONE_SIDED = tuple(
    "INSERT INTO _events (id, trace_session, span, source, ordinal, phase, name, time_unix_nano, stem, related_event)"
    f" SELECT {columns} FROM _spans WHERE id = 1"
    for columns in (
        "1001, trace_session, id, 1, 0, 'start', 'a.start', 1, 'a', 1002",
        "1002, trace_session, id, 1, 1, 'finish', 'a.finish', 2, 'a', NULL",
    )
)
# What to do to a file, the check that finds it, and the beginning of what it says.
FAULTS: list[tuple[Callable[[Path], object], str, str]] = [
    (
        lambda path: alter(path, *_ONE_SIDED),
        "links",
        "problem: 1 record is linked from one side only",
    ),
    (
        lambda path: alter(path, "UPDATE _trace_sessions SET session = NULL, own_session = NULL WHERE own_session = 1"),
        "sessions",
        "problem: 1 span does not show its trace's session",
    ),
    (lambda path: spool(path, "kept"), "spool", "problem: 1 batch waits in "),
    (lambda path: path.chmod(0o644), "mode", "note: others may read"),
    (
        lambda path: alter(
            path,
            "UPDATE _spans SET end_time_source = 'open', finish_record = NULL WHERE id = 1",
            "INSERT INTO _open_spans SELECT 1, trace_session, 1 FROM _spans WHERE id = 1",
            "UPDATE _exporter_runs SET boot_id = 'another'",
        ),
        "running",
        "problem: 1 span runs in process",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "check", "what"), FAULTS, ids=[f"{check}" for _, check, _ in FAULTS])
def test_each_fault_is_found_and_repaired(
    written: Path, damage: Callable[[Path], object], check: str, what: str
) -> None:
    damage(written)
    status, found = diagnose(written)
    assert found[check].startswith(what)
    assert status == int(what.startswith("problem"))
    status, found = diagnose(written, "--repair")
    assert status == 0
    assert check not in found
    assert {"one", "two", "three"} <= set(span_names(written))
    assert read(written, "SELECT count(*) FROM events WHERE related_event_id IS NULL AND source = 'span'") == [(0,)]
    assert ("kept" in span_names(written)) == (check == "spool")


def test_rows_are_mended_after_a_copy_was_made(written: Path) -> None:
    FAULTS[0][0](written)
    status, printed, _ = run("doctor", written, "--repair")
    assert status == 0
    backup = Path(printed.splitlines()[0].removeprefix("backup: "))
    assert read(backup, "SELECT count(*) FROM events WHERE related_event_id IS NULL") == [(1,)]


@pytest.mark.slow
def test_a_span_of_another_machine_is_ended_only_when_that_is_said(written: Path) -> None:
    FAULTS[-1][0](written)
    alter(written, "UPDATE _exporter_runs SET host = 'elsewhere'")
    for options in ([], ["--assume-gone", "another"]):
        status, found = diagnose(written, "--repair", *options)
        assert (status, found["running"].partition(" on ")[0][:5]) == (0, "note:")
        assert read(written, "SELECT status FROM spans WHERE status = 'running'") == [("running",)]
    status, printed, _ = run("doctor", written, "--repair", "--assume-gone", "another", "--assume-gone", "elsewhere")
    assert (status, printed.splitlines()[0]) == (0, "marked 1 span as interrupted")
    assert read(written, "SELECT DISTINCT status FROM spans ORDER BY 1") == [("interrupted",), ("ok",)]
    assert diagnose(written)[1]["interrupted"] == "note: 1 span was cut off with its process"
    assert f"otel_sqlite_exporter spans --status interrupted {written}`" in run_here("doctor", written).stdout


def test_to_assume_that_a_host_is_gone_needs_a_repair(written: Path) -> None:
    code, out, err = run("doctor", written, "--assume-gone", "elsewhere")
    assert (code, out) == (2, "")
    assert err.endswith("Error: --assume-gone does something only with --repair\n")


def test_a_span_that_was_ended_by_mistake_is_completed_when_it_ends(path: Path) -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_span("lives")
    assert isinstance(span, Span)
    with exporting(path) as exporter:
        exporter.export_open([span])
        alter(path, "UPDATE _exporter_runs SET host = 'elsewhere'")
        assert run_process("doctor", path, "--repair", "--assume-gone", "elsewhere")[1].startswith("marked 1 span as")
        assert read(path, "SELECT status, end_time_source FROM spans") == [("interrupted", "estimated")]
        span.end()
        assert exporter.export([span]) is SpanExportResult.SUCCESS
    assert read(path, "SELECT status, end_time_source, end_time_unix_nano FROM spans") == [
        ("ok", "record", span.end_time)
    ]
    assert read(path, "SELECT running, interrupted FROM traces") == [(0, 0)]
    assert diagnose(path) == (0, {})


def test_rows_that_refer_to_nothing_are_named_and_keep_nothing_else_from_repair(written: Path) -> None:
    spool(written, "kept")
    alter(written, *_ONE_SIDED, "DELETE FROM _spans WHERE name = 'one'")  # without foreign keys
    orphans = "problem: 2 rows of _events refer to rows of _spans that are not there"
    status, printed, _ = run("doctor", written)
    assert status == 1
    assert f"problem: foreign keys: {orphans.removeprefix('problem: ')}" in printed
    assert "problem: links: 1 record is linked from one side only" in printed
    status, found = diagnose(written, "--repair")
    assert (status, found["foreign keys"]) == (1, orphans)
    assert "spool" not in found
    assert read(written, "SELECT name FROM spans ORDER BY name") == [("kept",), ("three",), ("two",)]
    assert read(written, "SELECT count(*) FROM _events WHERE span = 1") == [(2,)]


def test_a_link_of_one_side_is_undone(written: Path) -> None:
    alter(written, *_ONE_SIDED)
    assert diagnose(written)[1]["links"] == "problem: 1 record is linked from one side only"
    assert diagnose(written, "--repair") == (0, {})
    assert read(written, "SELECT count(*) FROM events WHERE related_event_id IS NULL") == [(2,)]


def test_what_no_dialect_reads_is_looked_for_in_the_newest_spans(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(path) as exporter:
        for number in range(4):
            exporter.export(make_spans(f"ask {number}", attributes={"model_name": "m", "prompt_tokens": number}))
    settings = resolve_settings(path)
    said = []
    for spans in (3, 4):
        monkeypatch.setattr(doctor, "_SAMPLED_SPANS", spans)
        said += [finding.what for finding in doctor.diagnose(settings) if finding.check == "dialects"]
    assert said == [
        "of what is as new as the newest 3 spans, 3 records look like model calls or tools, but no dialect reads them",
        "4 records look like model calls or tools, but no dialect reads them",
    ]


def test_each_step_that_may_take_long_is_told_before_it(written: Path) -> None:
    told: list[tuple[int, int, str]] = []
    assert doctor.diagnose(resolve_settings(written), lambda *step: told.append(step)) == []
    assert [(done, total) for done, total, _ in told] == [(number, 6) for number in range(6)]
    assert [step for *_, step in told][:2] == ["pages and indexes", "values"]


@pytest.mark.slow
def test_statistics_are_missed_in_a_large_file_alone_and_gathered(written: Path) -> None:
    with exporting(written) as exporter:
        assert exporter.export(make_spans(*["many"] * 10_000)) is SpanExportResult.SUCCESS
    assert diagnose(written) == (0, {})
    alter(written, "INSERT INTO sqlite_stat1 (rowid, tbl, idx, stat) VALUES (-1, '_spans', '_spans_error', '5 1')")
    assert diagnose(written) == (0, {})  # an index of a few spans says nothing about all of them
    alter(written, "DELETE FROM sqlite_stat1")
    assert diagnose(written) == (0, {"statistics": "note: the query planner has no statistics"})
    assert diagnose(written, "--repair") == (0, {})
    alter(written, "UPDATE sqlite_stat1 SET stat = '900 10 1' WHERE tbl = '_spans'")
    assert diagnose(written) == (0, {"statistics": "note: the query planner knows 900 of 10003 spans"})
    assert diagnose(written, "--repair") == (0, {})


def test_a_large_write_ahead_log_is_emptied(written: Path) -> None:
    with closing(sqlite3.connect(written)) as reader:
        reader.execute("SELECT * FROM spans").fetchone()
        Path(f"{written}-wal").touch()
        os.truncate(f"{written}-wal", 70_000_000)
        status, found = diagnose(written)
        assert (status, found["write-ahead log"].partition(":")[0]) == (1, "problem")
        assert diagnose(written, "--repair")[0] == 0
        assert os.path.getsize(f"{written}-wal") == 0


def test_what_was_lost_or_could_not_be_kept_is_a_note(written: Path) -> None:
    alter(written, "UPDATE _exporter_runs SET dropped = 3")
    with exporting(written) as exporter:
        exporter.export([None])  # type: ignore[list-item]
    assert diagnose(written) == (
        0,
        {"dropped": "note: 3 records were lost", "quarantine": "note: 1 record could not be a row"},
    )


def test_what_it_advises_to_ask_is_answered(written: Path) -> None:
    alter(written, "UPDATE _exporter_runs SET dropped = 3")
    with exporting(written) as exporter:
        exporter.export([None])  # type: ignore[list-item]
    advised = [shlex.split(line) for line in re.findall("`([^`]*SELECT[^`]*)`", run("doctor", written)[1])]
    assert [line[0] for line in advised] == ["python", "sqlite3"]
    assert run_process(*advised[0][3:])[0] == 0
    assert advised[1][1:3] == ["-readonly", str(written)]
    assert len(read(written, advised[1][3])) == 1


def test_a_variable_that_cannot_be_used_is_a_problem(written: Path) -> None:
    """Else it would look as if the file had a cap."""
    code, output, _ = run("doctor", written, OTEL_EXPORTER_SQLITE_RETENTION_DAYS="30 days")
    assert code == 1
    said = " ".join(output.split())
    assert "OTEL_EXPORTER_SQLITE_RETENTION_DAYS='30 days' cannot be used" in said
    assert "nothing is removed by its age" in said


def test_little_space_is_a_problem(small_disk: Path) -> None:
    with exporting(small_disk / "otel.db") as exporter:
        export_all(exporter, "one")
    status, found = diagnose(small_disk / "otel.db")
    assert (status, found["space"].partition(" MB")[0][:9]) == (1, "problem: ")


@pytest.mark.parametrize(("left", "severity"), [("otel.db", "note"), ("otel.db-wal", "problem")])
def test_a_network_file_system_is_named(
    written: Path, left: str, severity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (written.parent / left).touch()
    monkeypatch.setattr(doctor, "find_network_type", lambda path: "nfs4")
    (finding,) = (found for found in doctor.diagnose(resolve_settings(written)) if found.check == "file system")
    assert (finding.severity, "nfs4" in finding.what) == (severity, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "check"),
    [(truncated_file, "integrity"), (garbage_page_file, "integrity"), (foreign, "file"), (Path.unlink, "file")],
)
def test_what_cannot_be_repaired_is_not_touched(written: Path, make: Callable[[Path], object], check: str) -> None:
    if make is foreign:
        written.unlink()
    make(written)
    before = snapshot(written)
    status, found = diagnose(written, "--repair")
    assert (status, found[check][:8]) == (1, "problem:")
    assert snapshot(written) == before


def test_a_newer_and_an_older_file_are_named_with_the_remedy(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        become_next(later)
        older = run_here("doctor", written)
    assert older.exit_code == 1
    assert f"schema version {NEWEST} is older than {NEXT.version}" in older.output
    assert "migrate" in older.output
    alter(written, "PRAGMA user_version = 9999")
    status, printed, _ = run("doctor", written)
    assert status == 1
    assert "pip install -U" in printed


def test_older_views_are_worth_a_note(written: Path) -> None:
    alter(written, "UPDATE _state SET value = 0 WHERE name = 'views'")
    status, found = diagnose(written)
    assert (status, found["views"]) == (0, "note: the views are older than those of this version")


@pytest.mark.parametrize("make", [Path.mkdir, foreign, text_file], ids=["folder", "foreign", "text"])
def test_of_what_is_not_ours_the_mode_is_nobodys_concern(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "x.db"
    make(path)
    path.chmod(0o755)
    status, found = diagnose(path)
    assert status == 1
    assert found.keys() <= {"file", "integrity"}


def test_of_an_empty_file_it_is_said_that_it_has_no_schema(path: Path) -> None:
    path.touch(0o600)
    assert diagnose(path) == (1, {"version": f"problem: {path} has no schema yet"})


def test_recover_writes_what_waits_once(written: Path) -> None:
    spool(written, "a", "b", "c")
    assert span_names(written) == ["one", "three", "two"]
    status, printed, errors = run("recover", written)
    assert (status, errors) == (0, "")
    assert printed == f"wrote 3 records in 3 batches from the spool to {written}\n"
    assert span_names(written) == ["a", "b", "c", "one", "three", "two"]
    assert run("recover", written) == (0, f"nothing to do: no batch waits for {written}\n", "")
    assert json.loads(run("recover", written, "--json")[1])["records"] == 0


def test_recover_takes_a_spool_from_elsewhere_into_a_new_file(written: Path, tmp_path: Path) -> None:
    spool(written, "a")
    kept = Path(f"{written}-spool").rename(tmp_path / "kept")
    other = tmp_path / "other.db"
    assert run("recover", other, "--spool", kept)[0] == 0
    assert span_names(other) == ["a"]
    code, out, err = run("recover", other, "--spool", tmp_path / "typo")
    assert (code, out) == (2, "")
    assert err.endswith("Error: Invalid value for '--spool': File '" + f"{tmp_path}/typo' does not exist.\n")


@pytest.mark.parametrize(
    "make", [lambda path: None, Path.mkdir, foreign, text_file], ids=["none", "folder", "foreign", "text"]
)
def test_recover_refuses_a_path_without_a_file_of_ours_and_without_a_spool(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "x.db"
    make(path)
    status, printed, errors = run("recover", path)
    assert (status, printed) == (2, "")
    assert errors.startswith(f"Error: {path} ")
    assert errors.count("\n") == 1


def test_recover_makes_the_file_that_a_spool_is_of(written: Path) -> None:
    spool(written, "a")
    written.unlink()
    assert run("recover", written)[0] == 0
    assert span_names(written) == ["a"]


def test_recover_says_what_is_in_the_way(written: Path) -> None:
    spool(written, "a")
    Path(f"{written}-spool").write_bytes(b"something else, and long enough to be looked at")
    status, _, errors = run("recover", written)
    assert status == 2
    assert errors == f"Error: {written}-spool is not a spool of this package: move it away\n"
    assert diagnose(written)[1]["spool"].startswith("problem: ")


def test_what_was_lost_or_could_not_be_read_is_named(written: Path) -> None:
    os.truncate(os.open(f"{written}-lost", os.O_CREAT | os.O_WRONLY, 0o600), 7)
    Path(f"{written}-spool-bad").write_bytes(b"?")
    _, findings = diagnose(written)
    assert findings["dropped"].startswith("note: 7 records were lost")
    assert findings["spool"].startswith(f"note: {written}-spool-bad holds batches")


def test_neither_command_imports_the_sdk(written: Path) -> None:
    program = "import sys, json, click.testing\nfrom otel_sqlite_exporter.cli.commands import cli\n"
    program += "for c in ('recover', 'doctor'): click.testing.CliRunner().invoke(cli, [c, sys.argv[1]])\n"
    program += "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", program, str(written)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


MOUNTS = """\
22 1 0:20 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:50 / /data rw - nfs4 server:/data rw
31 30 0:51 / /data/with\\040space rw - ext4 /dev/sdb1 rw
32 22 0:52 / /remote rw - fuse.sshfs host:/ rw
"""


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("/otel.db", None),
        ("/data/otel.db", "nfs4"),
        ("/data", "nfs4"),
        ("/database/otel.db", None),
        ("/data/with space/otel.db", None),
        ("/remote/deep/otel.db", "fuse.sshfs"),
    ],
)
def test_network_file_systems_are_known(path: str, type: str | None) -> None:
    assert find_network_type(path, MOUNTS) == type


def write_as_on_a_network(path: str) -> None:
    from otel_sqlite_exporter.storage import connection

    vars(connection)["find_network_type"] = lambda path: "nfs4"
    with exporting(path) as exporter:
        export_all(exporter, "one")
        names = sorted(os.listdir(Path(path).parent))
        exporter.export(make_spans("two"))
    print(json.dumps(names))


def test_a_new_file_on_a_network_has_no_write_ahead_log(path: Path) -> None:
    assert in_new_process(write_as_on_a_network, path) == ["otel.db"]
    assert span_names(path) == ["one", "two"]
    assert read(path, "PRAGMA journal_mode") == [("delete",)]


def test_a_file_that_is_there_keeps_its_journal_also_while_others_have_it_open(path: Path) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "before")
        in_new_process(write_as_on_a_network, path)
        export_all(exporter, "later")
    assert span_names(path) == ["before", "later", "one", "two"]


def die_in_a_transaction(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE _spans SET name = 'never', attributes = json_object('x', hex(zeroblob(200000)))")
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_dead_writer_left_half_done_is_not_shown(written: Path) -> None:
    in_new_process(die_in_a_transaction, written, status=-signal.SIGKILL)
    assert os.path.exists(f"{written}-journal")
    _, printed, errors = run_process("info", written, "--json")
    assert "never" not in printed
    with exporting(written) as exporter:
        export_all(exporter, "next")
    assert span_names(written) == ["next", "one", "three", "two"]
    assert errors == "" or "Error:" in errors
