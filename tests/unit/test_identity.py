# SPDX-License-Identifier: Apache-2.0
"""What must not be written is refused, and not touched."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import DamagedFileError, FileRefusedError, ForeignFileError, NewerFileError
from otel_sqlite_exporter.orm import open_engine
from otel_sqlite_exporter.storage.identity import FIRST_VERSION
from tests.commands import run_here
from tests.conftest import beside_process, exporting, make_spans, read, span_names
from tests.file_checks import (
    FOREIGN,
    NOT_SQLITE,
    foreign_file,
    garbage_header_file,
    garbage_page_file,
    snapshot,
    truncated_file,
)
from tests.legacy_files import write_typical
from tests.upgrades import QUICK, SLOW, beside, migrate, prepare, write_development_file


@pytest.fixture
def written(path: Path) -> Path:
    """A file at the released version that holds two spans, and that nobody has open."""
    with exporting(path) as exporter:
        assert exporter.export(make_spans("one", "two")) is SpanExportResult.SUCCESS
    return path


def test_a_file_that_lacks_nothing_is_left_alone(written: Path) -> None:
    before = snapshot(written)
    assert migrate(written).applied == ()
    prepare(written, "always")
    assert snapshot(written) == before


@pytest.mark.parametrize("apply", [migrate, lambda path: prepare(path, "always")], ids=["migrate", "prepare"])
@pytest.mark.parametrize("make", FOREIGN + NOT_SQLITE, ids=lambda make: make.__name__)
def test_files_of_others_are_refused_untouched(
    path: Path, make: Callable[[Path], None], apply: Callable[[Path], object]
) -> None:
    make(path)
    before = snapshot(path)
    with pytest.raises(ForeignFileError if make in FOREIGN else DamagedFileError, match=re.escape(str(path))):
        apply(path)
    assert snapshot(path) == before


def test_a_file_of_attribute_rows_is_refused_with_the_command_that_brings_it_over(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_typical(path)
    before = snapshot(path)
    command = re.escape(f"python -m otel_sqlite_exporter migrate {path}")
    with pytest.raises(ForeignFileError, match=rf"of another program, with telemetry in attribute rows: .*{command}"):
        prepare(path, "always")
    with pytest.raises(ForeignFileError, match=command):
        TelemetryDatabase(path).find_spans()
    with exporting(path) as exporter:
        assert exporter.export(make_spans("one")) is SpanExportResult.FAILURE
    assert re.search(command, caplog.text)
    assert snapshot(path) == before


@pytest.mark.parametrize("number", range(1, FIRST_VERSION))
def test_a_file_of_a_development_version_is_refused_untouched_with_the_way_to_bring_it_over(
    path: Path, number: int
) -> None:
    write_development_file(path, number)
    before = snapshot(path)
    sentence = (
        rf"made before 0\.1\.0 \(schema version {number}\) .*`export` it with the version .*`import` the result here$"
    )
    asks: list[Callable[[], object]] = [
        lambda: migrate(path),
        lambda: prepare(path, "always"),
        lambda: prepare(path, "never"),
        lambda: TelemetryDatabase(path).find_spans(),
        lambda: open_engine(path),
    ]
    for ask in asks:
        with pytest.raises(FileRefusedError, match=f"^{re.escape(str(path))} was {sentence}"):
            ask()
    assert snapshot(path) == before


@pytest.mark.parametrize(
    "command",
    [
        *("migrate", "migrate --check", "migrate --dry-run", "info", "doctor", "doctor --repair", "recover"),
        *("reindex", "reprice", "index", "sessions", "traces", "export", "tail", "report tokens"),
    ],
)
def test_every_command_answers_of_such_a_file_with_the_one_sentence(path: Path, command: str) -> None:
    write_development_file(path, 11)
    before = snapshot(path)
    result = run_here(*command.split(), path)
    assert result.exit_code == (1 if command.startswith("doctor") else 2)
    assert result.output.count("was made before 0.1.0 (schema version 11)") == 1
    assert snapshot(path) == before


@pytest.mark.parametrize("arguments", [["sql", "SELECT 1", "-f"], ["import", "--into"], ["migrate", "--into"]])
def test_so_do_commands_that_are_given_it_as_another_file(path: Path, arguments: list[str], tmp_path: Path) -> None:
    write_development_file(path, 11)
    before = snapshot(path)
    write_typical(tmp_path / "old.db")
    assert run_here(*arguments, path, tmp_path / "old.db").exit_code == 2
    assert {name: content for name, content in snapshot(path).items() if name != "old.db"} == before


def test_a_file_of_attribute_rows_that_a_development_version_migrated_is_refused_too(path: Path) -> None:
    write_typical(path)
    assert run_here("migrate", path).exit_code == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9")
        connection.execute("DELETE FROM _legacy_stages WHERE stage = 'cleanup'")
        connection.commit()
    before = snapshot(path)
    result = run_here("migrate", path)
    assert result.exit_code == 2
    assert "was made before 0.1.0" in result.output
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
    (tmp_path / "otel-dataset.json").touch()
    with pytest.raises(
        ForeignFileError, match=r"is a dataset, and this takes a file: .* restore .* --session ID --into FILE`"
    ):
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
    with pytest.raises(DamagedFileError):
        migrate(written, SLOW)
    assert snapshot(written) == before


def test_a_file_whose_checkpoint_was_cut_short_is_written_on(written: Path) -> None:
    with closing(sqlite3.connect(written, isolation_level=None)) as connection:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("VACUUM")
        wal = Path(f"{written}-wal").read_bytes()
    # The log holds all pages, and only the first has arrived in the main file: it makes no sense without the log.
    os.truncate(written, page_bytes)
    Path(f"{written}-wal").write_bytes(wal)
    with exporting(written) as exporter:
        assert exporter.export(make_spans("three")) is SpanExportResult.SUCCESS
    assert span_names(written) == ["one", "three", "two"]


def hold_foreign_wal(path: str) -> None:
    foreign_file(Path(path), "wal", then=lambda: (print("ready", flush=True), sys.stdin.read()))
