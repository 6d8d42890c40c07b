# SPDX-License-Identifier: Apache-2.0
"""Files of every released schema version are read and upgraded with all that they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.query.overview import read_overview
from otel_sqlite_exporter.storage.identity import FIRST_VERSION
from otel_sqlite_exporter.storage.steps import load_migrations
from tests.conftest import export_all, exporting
from tests.file_checks import check_file
from tests.frozen_files.every_kind import write_every_kind
from tests.frozen_files.frozen_file import Shown, find_empty, list_versions, read_views, unpack
from tests.upgrades import NEXT_STEP, NEXT_VIEWS, migrate, version

NEWEST = load_migrations()[-1].version


def columns_of(shown: Shown) -> dict[str, list[str]]:
    return {view: list(rows[0]) for view, rows in shown.items() if rows}


def test_a_file_of_every_version_is_frozen() -> None:
    assert list_versions() == list(range(FIRST_VERSION, NEWEST + 1)), "run `python -m tests.frozen_files`"


@pytest.mark.parametrize("number", list_versions())
def test_a_frozen_file_shows_the_same_after_each_upgrade(path: Path, number: int) -> None:
    shown = unpack(number, path)
    assert version(path) == number
    migrate(path, backup=False)
    assert version(path) == NEWEST
    assert read_views(path, columns_of(shown)) == {view: rows for view, rows in shown.items() if rows}
    with exporting(path) as exporter:
        export_all(exporter, "after the upgrade")
    migrate(path, NEXT_STEP, views=NEXT_VIEWS, backup=False)
    with closing(sqlite3.connect(path)) as file:
        check_file(file)
    sessions = TelemetryDatabase(path).find_sessions(limit=1_000).records
    assert {one.session_id for one in sessions} >= {"odd", "open", "session-0"}


@pytest.mark.parametrize("number", list_versions())
def test_a_frozen_file_has_an_overview_before_it_is_upgraded(path: Path, number: int) -> None:
    shown = unpack(number, path)
    contents = read_overview(str(path), busy_timeout_ms=1_000).contents
    assert contents is not None
    runs = shown["exporter_health"]
    assert contents.exporter_health["written"] == sum(run["written"] for run in runs)
    assert contents.exporter_health["refused"] == sum(run.get("refused", 0) for run in runs)
    assert version(path) == number


@pytest.mark.parametrize("number", list_versions())
def test_a_frozen_file_has_data_of_every_kind(path: Path, number: int) -> None:
    unpack(number, path)
    assert find_empty(path) == []


@pytest.mark.slow
def test_what_is_frozen_next_has_data_of_every_kind(path: Path) -> None:
    write_every_kind(path)
    assert find_empty(path) == []
