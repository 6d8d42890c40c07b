# SPDX-License-Identifier: Apache-2.0
"""Files are upgraded as `storage.migrations` promises: real files, made-up steps."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.errors import MigrationFailedError, MigrationRequiredError
from otel_sqlite_exporter.storage.migrations import find_pending
from otel_sqlite_exporter.storage.steps import Migration
from otel_sqlite_exporter.version import __version__
from tests.conftest import exporting, make_spans, read, span_names
from tests.file_checks import snapshot
from tests.upgrades import BROKEN, NEWEST, QUICK, RELEASED, SLOW, beside, migrate, prepare, version


@pytest.fixture
def written(path: Path) -> Path:
    """A file at the released version that holds two spans, and that nobody has open."""
    with exporting(path) as exporter:
        assert exporter.export(make_spans("one", "two")) is SpanExportResult.SUCCESS
    return path


def tables(path: Path) -> set[str]:
    return {name for (name,) in read(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_each_step_is_noted_in_the_file(written: Path) -> None:
    migrate(written, QUICK)
    columns = "version, name, checksum, package_version, statistics"
    notes = read(written, f"SELECT {columns} FROM _migrations ORDER BY version")
    assert [note[:4] for note in notes] == [
        (step.version, step.name, step.checksum, __version__) for step in (*RELEASED, QUICK)
    ]
    statistics = json.loads(notes[-1][4])
    assert statistics["rows_before"]["_spans"] == statistics["rows_after"]["_spans"] == 2


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
    pending = find_pending(str(written), busy_timeout_ms=0, steps=(*RELEASED, QUICK, BROKEN))
    assert pending == (QUICK.version, (BROKEN,), False)


def test_a_step_that_breaks_a_reference_is_rolled_back(written: Path) -> None:
    with pytest.raises(MigrationFailedError, match="FOREIGN KEY"):
        migrate(written, QUICK._replace(sql="UPDATE _spans SET trace = 1000000;\n"))
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
    assert find_pending(str(backup), busy_timeout_ms=0) == (NEWEST, (), False)


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
