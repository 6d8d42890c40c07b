# SPDX-License-Identifier: Apache-2.0
"""An export never raises and never waits for long. Where the file cannot be written, the batch goes to the spool beside
it, one log line says so, and it is in the file as soon as the file can be written; only where there can be no spool
either, the batch is lost, and counted."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import resource
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.storage import connection
from otel_sqlite_exporter.storage.migrations import migrate as migrate_file
from tests.commands import become_next
from tests.conftest import (
    HANG_S,
    beside_process,
    creating,
    exporting,
    health,
    in_new_process,
    make_spans,
    span_names,
    using,
)
from tests.file_checks import FOREIGN, NOT_SQLITE, garbage_header_file, settle, snapshot, truncated_file
from tests.upgrades import QUICK, write_development_file

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
LARGE = {"text": "x" * 10_000}
NOBODY = 65534


def export_once(path: Path, *names: str) -> None:
    with exporting(path) as exporter:
        assert exporter.export(make_spans(*names)) is SUCCESS


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """What was logged; each line must be of this level, without a traceback."""
    assert {(record.levelno, record.exc_info) for record in caplog.records} <= {(level, None)}
    return [record.message for record in caplog.records]


def assert_refused(path: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Three exports fail, nothing in the folder changes, and one line says so: it is returned."""
    before = snapshot(path)
    with creating(path, busy_timeout_ms=200) as exporter:
        assert [exporter.export(make_spans("a", "b")) for _ in range(3)] == [FAILURE] * 3
    assert snapshot(path) == before
    (line,) = lines(caplog, logging.ERROR)
    assert line.startswith(f"2 records could not be written to {path} and are lost: ")
    return line


def assert_spooled(path: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Three exports succeed without a change of the file, and one line says so: it is returned."""
    before = snapshot(path)
    with creating(path, busy_timeout_ms=200) as exporter:
        assert [exporter.export(make_spans(f"a{number}", f"b{number}")) for number in range(3)] == [SUCCESS] * 3
    after = snapshot(path)
    assert after.pop(f"{path.name}-spool")
    assert after == before
    assert os.stat(f"{path}-spool").st_mode & 0o777 == 0o600
    (line,) = lines(caplog, logging.WARNING)
    assert line.startswith(f"{path} cannot be written: ")
    assert f"2 records are kept in {path}-spool. The exporter will write them later." in line
    return line


@pytest.mark.slow
@pytest.mark.parametrize("make", FOREIGN, ids=lambda make: make.__name__)
@pytest.mark.row("Foreign file")
def test_a_file_of_another_program_is_refused_and_not_touched(
    path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    make(path)
    assert "give another path" in assert_refused(path, caplog)


@pytest.mark.slow
@pytest.mark.parametrize("make", [truncated_file, garbage_header_file, *NOT_SQLITE], ids=lambda make: make.__name__)
@pytest.mark.row("Damaged file", "No SQLite file")
def test_a_damaged_file_is_not_touched_and_the_batch_is_kept_until_it_is_moved_away(
    path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    export_once(path, "before")
    make(path)
    assert "move it away" in assert_spooled(path, caplog)
    path.rename(path.with_suffix(".damaged"))
    settle(path)
    assert span_names(path) == ["a0", "a1", "a2", "b0", "b1", "b2"]


@pytest.mark.row("Newer file")
def test_a_file_of_a_newer_version_is_not_touched_and_the_batch_is_kept(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export_once(path, "before")
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("PRAGMA user_version = 9999")
    assert "pip install -U otel-sqlite-exporter" in assert_spooled(path, caplog)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    export_once(path, "later")
    assert span_names(path) == ["a0", "a1", "a2", "b0", "b1", "b2", "before", "later"]


@pytest.mark.row("Older file")
def test_an_older_file_that_may_not_be_upgraded_is_not_touched_and_the_batch_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    migrate_file(str(path), busy_timeout_ms=5_000)
    become_next(monkeypatch, QUICK)
    before = snapshot(path)
    with exporting(path, auto_migrate="never") as exporter:
        assert exporter.export(make_spans("kept")) is SUCCESS
    assert {**snapshot(path), f"{path.name}-spool": b""} == {**before, f"{path.name}-spool": b""}
    (line,) = lines(caplog, logging.WARNING)
    assert "run `python -m otel_sqlite_exporter migrate" in line
    migrate_file(str(path), busy_timeout_ms=5_000)
    export_once(path, "later")
    assert span_names(path) == ["kept", "later"]


@pytest.mark.row("File made before 0.1.0")
def test_a_file_of_a_development_version_is_not_touched_and_the_batch_is_kept(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_development_file(path, 11)
    assert "was made before 0.1.0" in assert_spooled(path, caplog)


@pytest.mark.row("Foreign file")
def test_a_folder_is_refused_and_not_touched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "folder"
    (path / "inside").mkdir(parents=True)
    with exporting(path) as exporter:
        assert exporter.export(make_spans("a")) is FAILURE
    assert "is a folder: give the path of a file" in caplog.text
    assert (os.listdir(tmp_path), os.listdir(path)) == (["folder"], ["inside"])


def test_a_path_below_a_file_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("text")
    with exporting(tmp_path / "file" / "otel.db") as exporter:
        assert exporter.export(make_spans("a")) is FAILURE
    assert len(lines(caplog, logging.ERROR)) == 1
    assert (tmp_path / "file").read_text() == "text"


@pytest.mark.row("Spool full")
def test_a_spool_that_is_full_is_a_failure_and_keeps_what_it_has(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_once(path, "before")
    limit = 3_300  # far from a multiple of a batch (1,320 bytes, give or take some): so no later one fits by chance
    with exporting(path, busy_timeout_ms=0, spool_limit_bytes=limit) as exporter:
        with beside_process(hold_lock, path, "write"):
            results = [exporter.export(make_spans(f"{number:02}")) for number in range(20)]
        kept = results.index(FAILURE)
        assert results == [SUCCESS] * kept + [FAILURE] * (20 - kept)
        assert 0 < os.path.getsize(f"{path}-spool") <= limit
    export_once(path, "later")
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "is full" in caplog.text
    assert span_names(path) == [*(f"{number:02}" for number in range(kept)), "before", "later"]
    assert health(path, "spooled", "replayed", "dropped") == (kept, kept, 20 - kept)


@pytest.mark.row("SQLite library too old")
def test_a_sqlite_that_is_too_old_keeps_the_batches_for_a_newer_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as older:  # as if this Python had been built with it
        older.setattr(connection.check_sqlite_version, "__defaults__", ((3, 37, 2),))
        assert "this Python uses SQLite 3.37.2, and 3.38.0 or newer is needed" in assert_spooled(path, caplog)
    export_once(path, "later")
    assert span_names(path) == ["a0", "a1", "a2", "b0", "b1", "b2", "later"]


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, for whom every folder is writable."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may enter and write to."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


@pytest.mark.row("Read-only file")
def test_a_file_that_may_not_be_written_is_not_touched_and_gets_the_batches_when_it_may(
    shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = shared / "otel.db"
    export_once(path, "before")
    path.chmod(0o444)
    with as_nobody():
        assert "Permission denied" in assert_spooled(path, caplog)
    path.chmod(0o666)
    with as_nobody():
        export_once(path, "later")
    assert span_names(path) == ["a0", "a1", "a2", "b0", "b1", "b2", "before", "later"]


@pytest.mark.row("Read-only file")
def test_what_a_reader_left_beside_a_read_only_file_does_not_keep_it_from_being_written_later(shared: Path) -> None:
    path = shared / "otel.db"
    with as_nobody():
        export_once(path, "before")
        path.chmod(0o444)
        assert span_names(path) == ["before"]
        assert os.stat(f"{path}-shm").st_mode & 0o777 == 0o444
        path.chmod(0o600)
        export_once(path, "later")
        assert os.listdir(shared) == ["otel.db"]
        assert span_names(path) == ["before", "later"]


@pytest.mark.row("Read-only folder")
def test_a_folder_that_may_not_be_written_is_a_failure_until_it_may(
    shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shared / "locked"
    folder.mkdir(mode=0o555)
    with creating(folder / "otel.db") as exporter:
        with as_nobody():
            assert [exporter.export(make_spans("a")) for _ in range(3)] == [FAILURE] * 3
        assert len(lines(caplog, logging.ERROR)) == 1
        assert os.listdir(folder) == []
        folder.chmod(0o755)
        assert exporter.export(make_spans("b")) is SUCCESS
    assert span_names(folder / "otel.db") == ["b"]
    assert health(folder / "otel.db", "dropped") == (3,)


def test_an_empty_file_is_taken(path: Path) -> None:
    path.touch()
    export_once(path, "a")
    assert span_names(path) == ["a"]


def hold_lock(path: str, mode: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if mode == "exclusive":
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if mode == "rollback journal":
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE" if mode == "rollback journal" else "BEGIN IMMEDIATE")
        connection.execute("UPDATE _exporter_runs SET pid = pid")
        print("ready", flush=True)
        sys.stdin.read()
        connection.execute("ROLLBACK")


# The last two locks nobody gets while the exporter has the file open.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "is_open"), [("write", True), ("write", False), ("exclusive", False), ("rollback journal", False)]
)
@pytest.mark.row("Locked")
def test_a_locked_file_is_waited_for_in_time_and_gets_the_batches_afterwards(
    path: Path, mode: str, is_open: bool, caplog: pytest.LogCaptureFixture
) -> None:
    export_once(path, "before")
    with exporting(path, busy_timeout_ms=200) as exporter:
        if is_open:
            assert exporter.export(make_spans("open")) is SUCCESS
        with beside_process(hold_lock, path, mode):
            for number in range(3):
                began = time.monotonic()
                assert exporter.export(make_spans(f"during/{number}")) is SUCCESS
                assert time.monotonic() - began < HANG_S
            assert len(lines(caplog, logging.WARNING)) == 1
            assert "locked" in caplog.text
        assert not any("during" in name for name in span_names(path))
        # An export brings back what its time allows, which on a busy machine may not be all.
        later: list[str] = []
        while os.path.exists(f"{path}-spool"):
            later.append(f"later/{len(later):02}")
            assert len(later) < 20
            assert exporter.export(make_spans(later[-1])) is SUCCESS
    names = ["before", *later, *["open"] * is_open, *(f"during/{number}" for number in range(3))]
    assert span_names(path) == sorted(names)
    spooled, replayed, dropped = health(path, "spooled", "replayed", "dropped")
    assert spooled == replayed >= 3
    assert dropped == 0
    assert health(path, "received", "written", "duplicate") == (len(names), len(names), 0)


def test_threads_that_share_an_exporter_wait_no_longer_than_one(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_once(path, "before")
    results: list[SpanExportResult] = []
    with exporting(path, busy_timeout_ms=200) as exporter, beside_process(hold_lock, path, "write"):
        threads = [threading.Thread(target=lambda: results.append(exporter.export(make_spans("a")))) for _ in range(8)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < HANG_S
    assert results == [SUCCESS] * 8
    assert len(lines(caplog, logging.WARNING)) == 1
    export_once(path, "later")
    assert span_names(path) == [*["a"] * 8, "before", "later"]


def test_waiting_for_a_lock_that_is_released_in_time_is_no_failure(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export_once(path, "before")
    with exporting(path, busy_timeout_ms=120_000) as exporter, contextlib.ExitStack() as lock:
        lock.enter_context(beside_process(hold_lock, path, "write"))
        release = threading.Timer(0.5, lock.close)
        release.start()
        assert exporter.export(make_spans("later")) is SUCCESS
        release.join()
    assert caplog.records == []
    assert span_names(path) == ["before", "later"]


def fail_where_files_cannot_grow(path: str) -> None:
    exporter = SQLiteSpanExporter(path)
    results = [exporter.export(make_spans("first"))]
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    logging.disable()
    results.append(exporter.export(make_spans(*map(str, range(500)), attributes=LARGE)))
    noise = {"text": os.urandom(10_000).hex()}
    results.append(exporter.export([span for _ in range(500) for span in make_spans("lost", attributes=noise)]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    results.append(exporter.export(make_spans("last")))
    with using(exporter) as connection:
        assert not connection.in_transaction
    exporter.shutdown()
    assert results == [SUCCESS, SUCCESS, FAILURE, SUCCESS]


@pytest.mark.row("Full disk")
def test_a_file_that_cannot_grow_keeps_what_the_spool_can_hold_and_loses_nothing_else(path: Path) -> None:
    """The spool cannot grow either, and a batch that does not compress is lost."""
    in_new_process(fail_where_files_cannot_grow, path)
    names = sorted(map(str, range(500)))
    assert span_names(path) == [*names, "first", "last"]
    assert health(path, "spooled", "replayed", "dropped") == (500, 500, 500)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    return filler


@pytest.mark.row("Full disk")
def test_a_full_disk_is_a_failure_until_there_is_room(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = small_disk / "otel.db"
    with exporting(path) as exporter:
        filler = fill(small_disk)
        assert exporter.export(make_spans("never")) is FAILURE
        filler.unlink()
        assert exporter.export(make_spans("first")) is SUCCESS
        filler = fill(small_disk)
        noise = {"text": os.urandom(20_000).hex()}
        assert exporter.export([span for _ in range(100) for span in make_spans("lost", attributes=noise)]) is FAILURE
        filler.unlink()
        assert exporter.export(make_spans("last")) is SUCCESS
    assert len(lines(caplog, logging.ERROR)) <= 2
    assert "full" in caplog.text
    assert span_names(path) == ["first", "last"]
    assert health(path, "dropped") == (101,)


def lose_and_end(path: str) -> None:
    """Two processes lose records one after the other, as nothing can be written at all."""
    logging.disable()
    exporter = SQLiteSpanExporter(path)
    results = [exporter.export(make_spans("lost", "too", attributes=LARGE)) for _ in range(3)]
    assert results == [FAILURE] * 3
    os._exit(0)


@pytest.mark.row("Full disk")
@pytest.mark.parametrize("is_new", [False, True])
def test_what_a_full_disk_cost_is_on_record_after_a_restart(small_disk: Path, is_new: bool) -> None:
    path = small_disk / "otel.db"
    if not is_new:
        export_once(path, "first")
    filler = fill(small_disk)
    for _ in range(2):
        in_new_process(lose_and_end, path)
    filler.unlink()
    for name in ("next", "last"):
        export_once(path, name)
        assert health(path, "dropped") == (12,)
    assert not {"otel.db-spool", "otel.db-lost"} & set(os.listdir(small_disk))
    assert span_names(path) == sorted(["first"] * (not is_new) + ["next", "last"])


@pytest.mark.row("Spool full")
def test_what_a_full_spool_cost_is_on_record_after_a_restart(path: Path) -> None:
    export_once(path, "first")
    with beside_process(hold_lock, path, "write"):
        in_new_process(lose_to_a_full_spool, path)
    with exporting(path):
        pass  # an exporter that exports nothing counts nothing
    export_once(path, "last")
    assert health(path, "dropped") == (4,)


def lose_to_a_full_spool(path: str) -> None:
    logging.disable()
    exporter = SQLiteSpanExporter(path, busy_timeout_ms=0, spool_limit_bytes=10)
    assert [exporter.export(make_spans("a", "b")) for _ in range(2)] == [FAILURE] * 2
    os._exit(0)


@pytest.mark.row("Full disk")
def test_a_nearly_full_disk_has_room_for_the_spool(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = small_disk / "otel.db"
    with exporting(path) as exporter:
        assert exporter.export(make_spans("first")) is SUCCESS
        filler = fill(small_disk)
        os.truncate(filler, filler.stat().st_size - 100_000)
        assert exporter.export(make_spans(*map(str, range(100)), attributes=LARGE)) is SUCCESS
        assert "full" in caplog.text
        filler.unlink()
        assert exporter.export(make_spans("last")) is SUCCESS
    assert span_names(path) == [*sorted(map(str, range(100))), "first", "last"]
