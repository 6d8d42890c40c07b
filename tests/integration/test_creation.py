# SPDX-License-Identifier: Apache-2.0
"""Files come into being whole, whatever was there before and whoever else makes them at that moment."""

from __future__ import annotations

import multiprocessing
import re
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.errors import MigrationFailedError
from otel_sqlite_exporter.storage import migrations
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.identity import APPLICATION_ID
from otel_sqlite_exporter.storage.migrations import find_pending
from otel_sqlite_exporter.storage.steps import apply_steps, load_migrations
from tests.conftest import HANG_S, exporting, make_spans, read, span_names
from tests.upgrades import BROKEN, NEWEST, QUICK, RELEASED, SLOW, beside, migrate, prepare, version

pytestmark = pytest.mark.slow

PROCESSES, FILES = 3, 5


def test_a_new_file_is_private_in_wal_mode_and_can_be_vacuumed_in_steps(path: Path) -> None:
    report = migrate(path)
    assert report[:5] == (str(path), 0, NEWEST, RELEASED, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for pragma, value in {
        "journal_mode": "wal",
        "auto_vacuum": 2,
        "page_size": 16384,
        "application_id": APPLICATION_ID,
        "user_version": NEWEST,
    }.items():
        assert read(path, f"PRAGMA {pragma}") == [(value,)]


def test_folders_of_a_new_file_are_created(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "ünd?#%20" / "otel.db"
    assert migrate(path).applied == RELEASED
    assert find_pending(str(path), busy_timeout_ms=0) == (NEWEST, (), False)


@pytest.mark.parametrize("auto_migrate", ["safe", "always", "never"])
def test_a_new_file_is_created_whatever_may_be_upgraded(path: Path, auto_migrate: str) -> None:
    prepare(path, auto_migrate)
    assert version(path) == NEWEST
    assert beside(path) == []


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
    assert re.fullmatch(r"otel\.db\.orphaned-\d+-\d+-wal", orphan)
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


def test_nobody_sees_a_new_file_half_made(path: Path) -> None:
    """It would be one that has to be upgraded, by a step that waits to be asked."""
    seen: set[int] = set()
    with closing(open_writer(str(path), busy_timeout_ms=1_000)) as connection, closing(sqlite3.connect(path)) as other:
        connection.set_trace_callback(lambda _: seen.update(*other.execute("PRAGMA user_version")))
        apply_steps(connection, load_migrations())
        connection.set_trace_callback(None)
    assert seen == {0}
    assert version(path) == NEWEST


def test_a_new_file_is_made_in_one_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    statements: list[str] = []

    def watch(connection: sqlite3.Connection, make: Callable[[sqlite3.Connection], object]) -> object:
        with closing(sqlite3.connect(path)) as other:

            def look(statement: str) -> None:
                statements.append(statement)
                seen.update(*other.execute("PRAGMA user_version"))

            connection.set_trace_callback(look)
            made = make(connection)
            connection.set_trace_callback(None)
        return made

    def open_watched(path: str, *, make: Callable[[sqlite3.Connection], object], **keywords: Any) -> Any:
        return open_writer(path, make=lambda connection: watch(connection, make), **keywords)

    monkeypatch.setattr(migrations, "open_writer", open_watched)
    migrate(path)
    assert seen == {0}
    assert [statement for statement in statements if statement.startswith("CREATE")]
    assert [statement for statement in statements if statement.startswith(("BEGIN", "COMMIT"))] == []
    assert version(path) == NEWEST


def test_a_creation_that_fails_leaves_an_empty_file(path: Path) -> None:
    with pytest.raises(MigrationFailedError, match="failed and was rolled back, no file was made: no such table"):
        migrate(path, QUICK, BROKEN)
    assert read(path, "SELECT count(*) FROM sqlite_schema") == [(0,)]
    migrate(path)
    assert version(path) == NEWEST
    assert read(path, "PRAGMA auto_vacuum") == [(2,)]


def test_processes_that_create_the_same_file_all_succeed(tmp_path: Path) -> None:
    assert at_once(create_files, tmp_path) == [NEWEST] * (PROCESSES * FILES)
    for path in numbered(tmp_path):
        assert span_names(path) == []
        assert read(path, "SELECT version FROM _migrations") == [(step.version,) for step in RELEASED]


def test_exporters_that_create_the_same_file_all_succeed(tmp_path: Path) -> None:
    assert at_once(export_to_files, tmp_path) == ["SUCCESS"] * (PROCESSES * FILES)
    for path in numbered(tmp_path):
        assert span_names(path) == [f"from {number}" for number in range(PROCESSES)]


def test_processes_that_upgrade_the_same_file_apply_a_step_once(tmp_path: Path) -> None:
    for path in numbered(tmp_path):
        with exporting(path) as exporter:
            exporter.export(make_spans("one"))
    applied = at_once(upgrade_files, tmp_path)
    assert applied.count(1) == FILES
    assert applied.count(0) == (PROCESSES - 1) * FILES
    for path in numbered(tmp_path):
        assert span_names(path) == ["new one"]


def numbered(folder: Path) -> list[Path]:
    return [folder / f"{number}.db" for number in range(FILES)]


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
    for path in numbered(folder):
        barrier.wait(HANG_S)
        try:
            results.append(work(path, number))
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
