# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from otel_sqlite_exporter.errors import UnsupportedSQLiteError
from otel_sqlite_exporter.storage.connection import OLDEST_SQLITE, check_sqlite_version, open_writer


def test_an_older_sqlite_is_one_clear_error() -> None:
    with pytest.raises(UnsupportedSQLiteError, match=r"uses SQLite 3\.37\.2, and 3\.38\.0 or newer is needed: use a"):
        check_sqlite_version((3, 37, 2))


def test_the_oldest_supported_sqlite_and_this_one_are_accepted() -> None:
    check_sqlite_version(OLDEST_SQLITE)
    check_sqlite_version()


def test_a_writer_keeps_what_is_temporary_in_memory(tmp_path: Path) -> None:
    with contextlib.closing(open_writer(str(tmp_path / "otel.db"), busy_timeout_ms=1_000)) as connection:
        assert connection.execute("PRAGMA temp_store").fetchone() == (2,)


def test_opening_a_file_again_writes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "otel.db")
    with contextlib.closing(open_writer(path, busy_timeout_ms=1_000)) as first:
        first.execute("CREATE TABLE t (a)")
        assert first.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        first.execute("BEGIN IMMEDIATE")
        with contextlib.closing(open_writer(path, busy_timeout_ms=0)) as second:
            assert second.execute("PRAGMA auto_vacuum").fetchone() == (2,)
