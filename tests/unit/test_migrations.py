# SPDX-License-Identifier: Apache-2.0
"""Files are created, upgraded and refused as `storage.migrations` promises: real files and processes, made-up steps."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shlex
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.errors import (
    DamagedFileError,
    FileRefusedError,
    ForeignFileError,
    MigrationFailedError,
    MigrationRequiredError,
    NewerFileError,
)
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.identity import APPLICATION_ID
from otel_sqlite_exporter.storage.migrations import Migration, Report, find_pending, load_migrations, prepare_file
from otel_sqlite_exporter.storage.migrations import migrate as migrate_file
from otel_sqlite_exporter.version import __version__
from tests.conftest import beside_process, exporting, make_spans, read, span_names
from tests.files import (
    FOREIGN,
    foreign_file,
    garbage_header_file,
    garbage_page_file,
    snapshot,
    truncated_file,
)

RELEASED = load_migrations()
NEWEST = RELEASED[-1].version
QUICK = Migration(NEWEST + 1, "add_notes", "-- quick\nCREATE TABLE _notes (text TEXT) STRICT;\n")
SLOW = Migration(NEWEST + 1, "rename_spans", "UPDATE _spans SET name = 'new ' || name;\n")
BROKEN = Migration(
    NEWEST + 2,
    "broken",
    "CREATE TABLE _half (text TEXT) STRICT;\nUPDATE _spans SET name = 'half';\nINSERT INTO _nothing VALUES (1);\n",
)
PROCESSES, FILES = 3, 10


def migrate(path: Path, *steps: Migration, backup: bool = True) -> Report:
    return migrate_file(str(path), busy_timeout_ms=10_000, backup=backup, steps=RELEASED + steps)


def prepare(path: Path, auto_migrate: str, *steps: Migration) -> None:
    prepare_file(str(path), auto_migrate, busy_timeout_ms=10_000, steps=RELEASED + steps)


def version(path: Path) -> int:
    (found,) = read(path, "PRAGMA user_version")[0]
    assert isinstance(found, int)
    return found


def tables(path: Path) -> set[str]:
    return {name for (name,) in read(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")}


def beside(path: Path) -> list[str]:
    """What stands beside a file, but for its own WAL, which also reading makes."""
    own = {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    return sorted(set(os.listdir(path.parent)) - own)


@pytest.fixture
def written(path: Path) -> Path:
    """A file at the released version that holds two spans, and that nobody has open."""
    with exporting(path) as exporter:
        assert exporter.export(make_spans("one", "two")) is SpanExportResult.SUCCESS
    return path


def test_a_new_file_is_private_in_wal_mode_and_can_be_vacuumed_in_steps(path: Path) -> None:
    report = migrate(path)
    assert report[:5] == (str(path), 0, NEWEST, RELEASED, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for pragma, value in {
        "journal_mode": "wal",
        "auto_vacuum": 2,
        "page_size": 8192,
        "application_id": APPLICATION_ID,
        "user_version": NEWEST,
    }.items():
        assert read(path, f"PRAGMA {pragma}") == [(value,)]


def test_folders_of_a_new_file_are_created(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "ünd?#%20" / "otel.db"
    assert migrate(path).applied == RELEASED
    assert find_pending(str(path), busy_timeout_ms=0) == (NEWEST, ())


def test_each_step_is_noted_in_the_file(written: Path) -> None:
    migrate(written, QUICK)
    columns = "version, name, checksum, package_version, statistics"
    notes = read(written, f"SELECT {columns} FROM _migrations ORDER BY version")
    assert [note[:4] for note in notes] == [
        (step.version, step.name, step.checksum, __version__) for step in (*RELEASED, QUICK)
    ]
    statistics = json.loads(notes[-1][4])
    assert statistics["rows_before"]["_spans"] == statistics["rows_after"]["_spans"] == 2


def test_a_file_that_lacks_nothing_is_left_alone(written: Path) -> None:
    before = snapshot(written)
    assert migrate(written).applied == ()
    prepare(written, "always")
    assert snapshot(written) == before


@pytest.mark.parametrize("auto_migrate", ["safe", "always", "never"])
def test_a_new_file_is_created_whatever_may_be_upgraded(path: Path, auto_migrate: str) -> None:
    prepare(path, auto_migrate)
    assert version(path) == NEWEST
    assert beside(path) == []


@pytest.mark.parametrize("auto_migrate", ["safe", "always"])
def test_quick_steps_are_applied_without_a_backup(written: Path, auto_migrate: str) -> None:
    prepare(written, auto_migrate, QUICK)
    assert version(written) == QUICK.version
    assert span_names(written) == ["one", "two"]
    assert beside(written) == []


@pytest.mark.parametrize(("auto_migrate", "step"), [("safe", SLOW), ("never", SLOW), ("never", QUICK)])
def test_steps_that_may_not_be_applied_are_refused_with_the_command(
    tmp_path: Path, auto_migrate: str, step: Migration
) -> None:
    path = tmp_path / "my traces.db"
    migrate(path)
    before = snapshot(path)
    with pytest.raises(MigrationRequiredError) as refusal:
        prepare(path, auto_migrate, step)
    assert snapshot(path) == before
    (command,) = re.findall("`(.*)`", str(refusal.value))
    assert shlex.split(command) == ["python", "-m", "otel_sqlite_exporter", "migrate", str(path)]


def test_slow_steps_are_applied_after_a_backup_where_always_allows_them(written: Path) -> None:
    prepare(written, "always", SLOW)
    assert span_names(written) == ["new one", "new two"]
    assert len(beside(written)) == 1


def test_a_failing_step_leaves_the_version_before_it_and_no_half_change(written: Path) -> None:
    with pytest.raises(
        MigrationFailedError, match=rf"step {BROKEN.version} \(broken\).*version {QUICK.version}: no such"
    ):
        migrate(written, QUICK, BROKEN)
    assert version(written) == QUICK.version
    assert span_names(written) == ["one", "two"]
    assert "_notes" in tables(written)
    assert "_half" not in tables(written)
    assert find_pending(str(written), busy_timeout_ms=0, steps=(*RELEASED, QUICK, BROKEN)) == (QUICK.version, (BROKEN,))


def test_a_step_that_breaks_a_reference_is_rolled_back(written: Path) -> None:
    with pytest.raises(MigrationFailedError, match="FOREIGN KEY"):
        migrate(written, QUICK._replace(sql="UPDATE _events SET related_event = 1000000;\n"))
    assert version(written) == NEWEST
    assert span_names(written) == ["one", "two"]


def test_the_last_statement_of_a_step_needs_no_semicolon(written: Path) -> None:
    migrate(written, QUICK._replace(sql="CREATE TABLE _notes (text TEXT) STRICT;\nINSERT INTO _notes VALUES ('x')"))
    assert read(written, "SELECT text FROM _notes") == [("x",)]


def test_a_backup_is_whole_private_and_of_the_version_before(written: Path) -> None:
    with exporting(written) as exporter:  # what it writes is still in the WAL
        exporter.export(make_spans("three"))
        report = migrate(written, SLOW)
    assert report.backup is not None
    backup = Path(report.backup)
    assert re.fullmatch(rf"otel\.db\.v{NEWEST}-\d{{8}}T\d{{6}}Z\.bak", backup.name)
    assert beside(written) == [backup.name]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert version(backup) == NEWEST
    assert span_names(backup) == ["one", "three", "two"]
    assert find_pending(str(backup), busy_timeout_ms=0) == (NEWEST, ())


def test_a_backup_never_replaces_another(written: Path) -> None:
    backups = [migrate(written, QUICK).backup]
    for number in (2, 3):
        added = QUICK._replace(version=NEWEST + number, sql=f"CREATE TABLE _more_{number} (text TEXT) STRICT;")
        with closing(sqlite3.connect(written)) as connection:
            connection.execute(f"PRAGMA user_version = {NEWEST}")
            connection.execute(f"DELETE FROM _migrations WHERE version > {NEWEST}")
            connection.commit()
        backups.append(migrate(written, added).backup)
    assert len({*backups}) == len(beside(written)) == 3


def test_no_backup_is_written_where_none_is_wanted_or_there_is_nothing_to_lose(written: Path, tmp_path: Path) -> None:
    assert migrate(written, SLOW, backup=False).backup is None
    assert migrate(tmp_path / "new.db", SLOW).backup is None
    (tmp_path / "empty.db").touch()
    assert migrate(tmp_path / "empty.db").backup is None
    assert sorted(os.listdir(tmp_path)) == ["empty.db", "new.db", "otel.db"]


@pytest.mark.parametrize("apply", [migrate, lambda path: prepare(path, "always")], ids=["migrate", "prepare"])
@pytest.mark.parametrize("make", FOREIGN, ids=lambda make: make.__name__)
def test_files_of_others_are_refused_untouched(
    path: Path, make: Callable[[Path], None], apply: Callable[[Path], object]
) -> None:
    make(path)
    before = snapshot(path)
    with pytest.raises(ForeignFileError, match=re.escape(str(path))):
        apply(path)
    assert snapshot(path) == before


def test_a_link_to_a_file_of_others_is_refused_untouched(path: Path, tmp_path: Path) -> None:
    with beside_process(hold_foreign_wal, path):
        link = tmp_path / "link.db"
        link.symlink_to(path)
        with pytest.raises(ForeignFileError):
            migrate(link)
        assert beside(path) == ["link.db"]
    assert read(path, "SELECT * FROM theirs") == [(1,)]


def test_a_file_that_another_program_has_open_is_refused_untouched(path: Path) -> None:
    with beside_process(hold_foreign_wal, path):
        before = snapshot(path)
        with pytest.raises(ForeignFileError):
            migrate(path)
        assert snapshot(path) == before
    assert read(path, "SELECT * FROM theirs") == [(1,)]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignFileError, match="is a folder"):
        migrate(tmp_path)


def test_a_newer_file_is_refused_untouched(written: Path) -> None:
    migrate(written, QUICK, backup=False)
    before = snapshot(written)
    for apply in (migrate, lambda path: prepare(path, "always")):
        with pytest.raises(NewerFileError, match=rf"version {QUICK.version}.*pip install -U"):
            apply(written)
    assert snapshot(written) == before


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@pytest.mark.parametrize("damage", [truncated_file, garbage_header_file, garbage_page_file])
def test_a_damaged_file_is_refused_untouched(written: Path, damage: Callable[[Path], None], journal_mode: str) -> None:
    with closing(sqlite3.connect(written)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
    damage(written)
    before = snapshot(written)
    with pytest.raises(FileRefusedError) as refusal:
        migrate(written, SLOW)
    assert type(refusal.value) is (ForeignFileError if damage is garbage_header_file else DamagedFileError)
    assert snapshot(written) == before


def test_an_empty_file_becomes_ours(path: Path) -> None:
    path.touch(mode=0o640)
    migrate(path)
    assert version(path) == NEWEST
    assert read(path, "PRAGMA auto_vacuum") == [(2,)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_creation_that_was_interrupted_is_completed(path: Path) -> None:
    open_writer(str(path), busy_timeout_ms=0).close()
    assert path.stat().st_size > 0
    prepare(path, "never")
    assert version(path) == NEWEST
    assert read(path, "PRAGMA auto_vacuum") == [(2,)]
    assert beside(path) == []


def test_a_file_of_ours_without_a_version_is_completed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    assert migrate(path)[:5] == (str(path), 0, NEWEST, RELEASED, None)
    assert beside(path) == []


def test_the_wal_of_a_file_that_was_removed_is_kept_aside_and_not_replayed(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("old"))
        path.unlink()
        wal = Path(f"{path}-wal").read_bytes()
        assert wal
        migrate(path)
    assert span_names(path) == []
    (orphan,) = beside(path)
    assert re.fullmatch(r"otel\.db\.orphaned-\d+-wal", orphan)
    assert (path.parent / orphan).read_bytes() == wal


def test_a_creation_waits_for_another_that_is_under_way(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")  # there is a first page, and no WAL yet
        connection.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.3, connection.execute, ["ROLLBACK"])
        end.start()
        try:
            assert migrate(path).to_version == NEWEST
        finally:
            end.join()


def test_processes_that_create_the_same_file_all_succeed(tmp_path: Path) -> None:
    assert at_once(create_files, tmp_path) == [NEWEST] * (PROCESSES * FILES)
    for path in sorted(tmp_path.iterdir()):
        assert span_names(path) == []
        assert read(path, "SELECT version FROM _migrations") == [(step.version,) for step in RELEASED]


def test_exporters_that_create_the_same_file_all_succeed(tmp_path: Path) -> None:
    assert at_once(export_to_files, tmp_path) == ["SUCCESS"] * (PROCESSES * FILES)
    for path in sorted(tmp_path.iterdir()):
        assert span_names(path) == [f"from {number}" for number in range(PROCESSES)]


def test_processes_that_upgrade_the_same_file_apply_a_step_once(tmp_path: Path) -> None:
    for number in range(FILES):
        with exporting(tmp_path / f"{number}.db") as exporter:
            exporter.export(make_spans("one"))
    applied = at_once(upgrade_files, tmp_path)
    assert applied.count(1) == FILES
    assert applied.count(0) == (PROCESSES - 1) * FILES
    for number in range(FILES):
        assert span_names(tmp_path / f"{number}.db") == ["new one"]


def at_once(work: Callable[[Path, int], object], folder: Path) -> list[object]:
    """What `work` returns for each of some new files, in some processes that all begin a file at the same moment."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    answers = context.SimpleQueue()
    processes = [
        context.Process(target=take_part, args=(work, folder, number, barrier, answers.put))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [result for _ in processes for result in answers.get()]
    for process in processes:
        process.join()
        assert process.exitcode == 0
        process.close()
    answers.close()
    return results


def take_part(
    work: Callable[[Path, int], object],
    folder: Path,
    number: int,
    barrier: Barrier,
    answer: Callable[[list[object]], None],
) -> None:
    results: list[object] = []
    for file in range(FILES):
        barrier.wait(30)
        try:
            results.append(work(folder / f"{file}.db", number))
        except Exception as error:
            results.append(repr(error))
    answer(results)


def create_files(path: Path, number: int) -> object:
    return migrate(path).to_version


def export_to_files(path: Path, number: int) -> object:
    with exporting(path) as exporter:
        return exporter.export(make_spans(f"from {number}")).name


def upgrade_files(path: Path, number: int) -> object:
    return len(migrate(path, SLOW, backup=False).applied)


def hold_foreign_wal(path: str) -> None:
    foreign_file(Path(path), "wal", then=lambda: (print("ready", flush=True), sys.stdin.read()))
