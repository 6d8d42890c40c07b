# SPDX-License-Identifier: Apache-2.0
"""The command `archive`: what it prints, and what it says where it cannot do its work."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import make_dataset
from otel_sqlite_exporter.archive.dataset_format.dataset_lock import lock_dataset, lock_source
from tests.aged_spans import aged_span
from tests.archived import list_files
from tests.commands import run
from tests.conftest import exporting

pytest.importorskip("duckdb")


@pytest.fixture
def old(path: Path) -> Path:
    with exporting(path) as exporter:
        exporter.export([aged_span("old", 9.5, session="s"), aged_span("new", 0)])
    return path


def test_days_are_planned_written_and_told(old: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    code, said, _ = run("archive", old, "--to", dataset, "--dry-run")
    assert (code, dataset.exists()) == (0, False)
    assert "days that would be written" in said
    code, said, _ = run("archive", old, "--to", dataset, "--json")
    told = json.loads(said)
    assert (code, [(day["kind"], day["spans"]) for day in told["days"]], told["pruned"]) == (0, [("new", 1)], None)
    code, said, _ = run("archive", old, "--to", dataset, "--dry-run")
    assert said.startswith("nothing is to be written: the dataset has 1 day of the file before 20")
    code, said, _ = run("archive", old, "--to", dataset, "--prune")
    assert code == 0
    assert "nothing is to be written" in said
    assert "removed 1 session and 1 trace" in said
    for noun, id in (("session", "s"), ("trace", "0123")):
        code, _, error = run(noun, id, old)
        assert (code, f"`restore DATASET --{noun} ID --into FILE`" in error) == (2, True), error


def test_a_trace_that_runs_is_named(path: Path, tmp_path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.export_open([aged_span("runs", 9.5, trace=7)])
    for options, sentence in (
        (["--dry-run"], "would leave 1 trace that runs for later"),
        ([], f"1 trace runs and is left for later: {7:032x}"),
    ):
        code, said, _ = run("archive", path, "--to", tmp_path / "dataset", *options)
        assert (code, sentence in said) == (0, True), said
    exporter.shutdown()


def test_what_cannot_be_a_dataset_is_refused(old: Path, tmp_path: Path) -> None:
    foreign, newer = tmp_path / "foreign", tmp_path / "newer"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    make_dataset(newer)
    about = newer / "otel-dataset.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"format_version": 99}))
    files = list_files(newer)
    for folder, sentence in (
        (foreign, "it holds other files: name an empty or a new folder for the dataset"),
        (newer, "the dataset has format 99"),
    ):
        for options in ([], ["--prune"], ["--dry-run"]):
            code, said, error = run("archive", old, "--to", folder, *options)
            assert (code, said, error.count("\n")) == (2, "", 1)
            assert sentence in error
    assert list_files(newer) == files
    code, _, error = run("archive", old, "--to", old)
    assert (code, "is a file" in error) == (2, True)


def test_two_runs_of_a_file_and_a_run_beside_compact_are_refused(old: Path, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    with closing(sqlite3.connect(old)) as file:
        (name,) = file.execute("SELECT value FROM _state WHERE name = 'file'").fetchone()
    with lock_source(dataset, name[:16]):
        code, _, error = run("archive", old, "--to", dataset.path)
    assert (code, "another run of `archive` writes this file to the dataset" in error) == (2, True)
    with lock_dataset(dataset, alone=True):
        code, _, error = run("archive", old, "--to", dataset.path)
    assert (code, "another run of `compact`" in error) == (2, True)
    with lock_dataset(dataset, alone=False):
        assert run("archive", old, "--to", dataset.path)[0] == 0


def test_a_missing_package_and_a_bad_bound_are_one_sentence(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, error = run("archive", old, "--to", tmp_path / "d", "--before", "soon")
    assert (code, "give an age such as 2d or 12h, or a date such as 2026-01-31" in error) == (2, True)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, error = run("archive", old, "--to", tmp_path / "d")
    assert (code, "pip install 'otel-sqlite-exporter[archive]'" in error) == (2, True)
    assert not (tmp_path / "d").exists()


def test_a_full_disk_ends_it_with_one_sentence_and_it_is_run_again(old: Path, small_disk: Path) -> None:
    dataset = small_disk / "dataset"
    assert run("archive", old, "--to", dataset, "--before", "2000-01-01")[0] == 0
    filler = small_disk / "filler"
    try:
        with open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
    code, _, error = run("archive", old, "--to", dataset, "--prune")
    assert (code, error.count("\n"), "No space left on device" in error) == (2, 1, True)
    filler.unlink()
    code, said, _ = run("archive", old, "--to", dataset, "--prune")
    assert (code, "removed 1 session" in said) == (0, True)
    assert not [name for name in list_files(dataset) if ".tmp" in name]
    shutil.rmtree(dataset)
