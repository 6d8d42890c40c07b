# SPDX-License-Identifier: Apache-2.0
"""A file that is removed or replaced while an exporter has it open: the next export goes to what stands there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.conftest import export_all, exporting, make_spans, span_names


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
