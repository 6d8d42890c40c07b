# SPDX-License-Identifier: Apache-2.0
"""`archive` that is killed anywhere and run again makes the dataset of an undisturbed run; beside a writer it loses
nothing."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.archive.archiving.noted_days import NotedDays
from otel_sqlite_exporter.archive.dataset_format import durable_files
from tests.aged_spans import DAY_NS, NOW_NS, aged_log, aged_span
from tests.archived import archive, list_column, list_files, read_dataset
from tests.commands import run_killed
from tests.conftest import beside_process, health, read
from tests.integration.test_archive_prune import export

pytest.importorskip("duckdb")
TODAY = NOW_NS // DAY_NS
_TRACES = 60


class KilledError(BaseException):
    """The process ends here: nothing is tidied up."""


def archive_killed(path: Path, dataset: Path, patch: pytest.MonkeyPatch, owner: Any, name: str, at: int) -> int:
    """Archive until a function was called so many times (-1: to the end), and return how often it was called."""
    real, calls = getattr(owner, name), 0

    def call(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if 0 <= at < calls:
            raise KilledError
        return real(*arguments)

    with patch.context() as patched, suppress(KilledError):
        patched.setattr(owner, name, call)
        if at >= 0:
            patched.setattr(durable_files, "_remove", lambda path: None)
        archive(path, dataset, until=TODAY)
    return calls


@pytest.fixture
def old(path: Path) -> Path:
    """A file of three closed days."""
    export(path, [aged_span(f"span {days}", days) for days in (9.5, 9.4, 8.5, 7.5)], [aged_log("log", 9.5)])
    return path


def test_a_run_that_ended_at_any_step_is_completed_by_the_next(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    steps = archive_killed(old, whole, monkeypatch, durable_files, "_sync", -1)
    rows, files = read_dataset(whole), list_files(whole)
    chance = random.Random(3)
    for at in (*sorted(chance.sample(range(steps - 1), 2)), steps - 1):
        dataset = tmp_path / f"killed {at}"
        archive_killed(old, dataset, monkeypatch, durable_files, "_sync", at)
        archive(old, dataset, until=TODAY)
        assert read_dataset(dataset) == rows
        assert list_files(dataset) == files


def test_a_day_whose_manifest_was_written_is_only_noted(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tmp_path / "dataset"
    archive_killed(old, dataset, monkeypatch, NotedDays, "complete", 1)
    done = archive(old, dataset, until=TODAY).archived
    assert (len(done.days), done.known_days) == (1, 2)
    assert list_column(dataset, "spans", "name") == ["span 7.5", "span 8.5", "span 9.4", "span 9.5"]


@pytest.mark.slow
def test_a_command_that_is_killed_again_and_again_makes_the_same_dataset(old: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    export(old, [aged_span("many", 14 - number, session="s") for number in range(4)])
    archive(old, whole, until=TODAY - 1)
    run_killed(random.Random(5), "archive", old, "--to", killed, "--before", "1d")
    assert read_dataset(killed) == read_dataset(whole)
    run_killed(random.Random(5), "archive", old, "--to", killed, "--before", "1d", "--prune")
    assert read(old, "SELECT count(*) FROM spans") == [(0,)]
    assert read_dataset(killed) == read_dataset(whole)


def write_old_spans(path: str) -> None:
    """Write traces of closed days, a few spans each, over and over; some come late."""
    exporter = SQLiteSpanExporter(path)
    print("ready", flush=True)
    for number in range(_TRACES):
        days = 9.5 - number % 3
        for part in range(2):
            late = aged_span(f"{number}/{part}", days, trace=(number - 15 * part) % _TRACES + 1)
            assert exporter.export([late]).name == "SUCCESS"
    exporter.shutdown()


@pytest.mark.slow
def test_beside_a_writer_nothing_is_lost_or_spooled(path: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    export(path, [aged_span("first", 9.5)])
    with beside_process(write_old_spans, path):
        for _ in range(4):
            archive(path, dataset, until=TODAY, removes=True)
    archive(path, dataset, until=TODAY, removes=True)
    names = set(list_column(dataset, "spans", "name"))
    assert names == {"first", *(f"{number}/{part}" for number in range(_TRACES) for part in range(2))}
    assert read(path, "SELECT count(*) FROM spans") == [(0,)]
    assert health(path, "spooled", "dropped") == (0, 0)
    assert not [name for name in os.listdir(path.parent) if "spool" in name]
