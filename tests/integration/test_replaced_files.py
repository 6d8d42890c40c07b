# SPDX-License-Identifier: Apache-2.0
"""A file that is removed or replaced while an exporter has it open: the next export goes to what stands there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.conftest import beside_process, export_all, exporting, make_spans, named, span_names, using
from tests.file_checks import settle


@pytest.mark.parametrize("removed", ["*", "otel.db"])
@pytest.mark.row("Removed or replaced file")
def test_a_file_that_is_removed_is_made_anew(path: Path, removed: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "lost")
        for file in path.parent.glob(removed):
            file.unlink()
        export_all(exporter, "next")
        assert span_names(path) == ["next"]
        # A WAL that lost its file may hold the only copy of what was written: it is kept, but not beside the new file.
        orphaned = [file for file in os.listdir(path.parent) if ".orphaned-" in file and file.endswith("-wal")]
        assert len(orphaned) == (removed == "otel.db")
    assert span_names(path) == ["next"]


def test_a_wal_whose_file_was_removed_before_is_kept_and_not_replayed(path: Path) -> None:
    wal = path.with_name("otel.db-wal")
    with exporting(path) as exporter:
        export_all(exporter, "lost")
        content = wal.read_bytes()
    path.unlink()
    wal.write_bytes(content)
    with exporting(path) as exporter:
        export_all(exporter, "next")
        assert [file.read_bytes() for file in path.parent.glob("otel.db.orphaned-*-wal")] == [content]
    assert span_names(path) == ["next"]


def test_a_folder_that_is_removed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "otel.db"
    with exporting(path) as exporter:
        export_all(exporter, "lost")
        shutil.rmtree(path.parent)
        export_all(exporter, "next")
    assert span_names(path) == ["next"]


@pytest.mark.row("Removed or replaced file")
def test_a_file_that_is_replaced_is_written_to(path: Path) -> None:
    other = path.parent / "other.db"
    with exporting(other) as exporter:
        export_all(exporter, "other")
    with exporting(path) as exporter:
        export_all(exporter, "lost")
        for file in path.parent.glob("otel.db*"):
            file.unlink()
        other.rename(path)
        export_all(exporter, "next")
    assert span_names(path) == ["next", "other"]


@pytest.mark.row("Cut in place")
@pytest.mark.parametrize("checkpointed", [False, True])
@pytest.mark.parametrize("left", [0, 20_000])
def test_a_file_that_is_cut_in_place_is_noticed_before_a_batch_is_acknowledged(
    path: Path, left: int, checkpointed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with exporting(path) as exporter:
        export_all(exporter, *named("lost", 3))
        if checkpointed:
            with using(exporter) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        os.truncate(path, left)
        export_all(exporter, *named("kept", 5))
    assert "was cut in place by another program" in caplog.text
    if left:  # what is left is no database, and stays as it is
        assert path.stat().st_size == left
        path.rename(path.with_name("damaged"))
    settle(path)
    assert span_names(path) == named("kept", 5)


@pytest.mark.row("Cut in place")
@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_a_log_that_is_removed_or_cut_is_noticed_before_a_batch_is_acknowledged(path: Path, how: str) -> None:
    wal = path.with_name("otel.db-wal")
    with exporting(path) as exporter:
        export_all(exporter, "lost")
        if how == "removed":
            wal.unlink()
        else:
            os.truncate(wal, 0)
        export_all(exporter, *named("kept", 5))
        # As another process sees it, also where this one is killed now.
        copy = path.parent / "copy"
        copy.mkdir()
        for name in ("otel.db", "otel.db-wal"):
            shutil.copyfile(path.with_name(name), copy / name)
    names = named("kept", 5) + ["lost"] * (how == "removed")
    for file in (path, copy / "otel.db"):
        settle(file)
        assert span_names(file) == names


def test_others_may_shorten_the_file_and_its_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with exporting(path) as exporter:
        export_all(exporter, *named("some", 3))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TABLE large AS SELECT zeroblob(1000000) AS content")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            export_all(exporter, "between")
            size = path.stat().st_size
            other.execute("DROP TABLE large")
            other.execute("VACUUM")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            assert path.stat().st_size < size
            export_all(exporter, *named("then", 3))
    assert caplog.records == []
    assert span_names(path) == ["between", *named("some", 3), *named("then", 3)]


def stay_open(path: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, *named("lost", 3))
        print("ready", flush=True)
        sys.stdin.read()
        export_all(exporter, "other")


@pytest.mark.slow
@pytest.mark.row("Removed or replaced file")
@pytest.mark.parametrize("removed", ["*", "otel.db"])
def test_a_new_file_takes_nothing_from_processes_that_have_the_removed_one_open(path: Path, removed: str) -> None:
    with exporting(path) as exporter, beside_process(stay_open, path):
        export_all(exporter, "lost too")
        for file in path.parent.glob(removed):
            file.unlink()
        export_all(exporter, *named("next", 3))
        # As a process sees it that comes when the others were killed.
        copy = path.parent / "copy"
        copy.mkdir()
        for name in ("otel.db", "otel.db-wal"):
            shutil.copyfile(path.with_name(name), copy / name)
    assert span_names(copy / "otel.db") == named("next", 3)
    assert span_names(path) == [*named("next", 3), "other"]


@pytest.mark.slow
@pytest.mark.row("Removed or replaced file")
def test_a_file_that_takes_the_place_gets_no_page_of_the_one_before(path: Path) -> None:
    other = path.parent / "other" / "otel.db"
    with exporting(other) as exporter:
        export_all(exporter, *named("of the new file", 3))
    with exporting(path) as exporter, beside_process(stay_open, path):
        export_all(exporter, "lost too")
        other.rename(path)
        export_all(exporter, *named("next", 3))
    assert span_names(path) == [*named("next", 3), *named("of the new file", 3), "other"]
    (kept,) = path.parent.glob("otel.db.orphaned-*-wal")
    assert kept.stat().st_size > 0


def test_a_foreign_file_that_takes_the_place_is_not_touched_and_the_batch_waits(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "lost")
        path.unlink()
        path.write_text("notes")
        assert exporter.export(make_spans("kept")) is SpanExportResult.SUCCESS
        assert path.read_text() == "notes"
        path.unlink()
        export_all(exporter, "next")
    assert f"{path} cannot be written: " in caplog.text
    assert span_names(path) == ["kept", "next"]
