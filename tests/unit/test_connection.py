# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from otel_sqlite_exporter.errors import DamagedFileError, UnsupportedSQLiteError
from otel_sqlite_exporter.storage.connection import (
    OLDEST_SQLITE,
    FileReader,
    check_sqlite_version,
    open_writer,
    read_file,
)


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


def test_a_file_that_is_written_in_each_read_is_read_with_locks_in_the_end(tmp_path: Path) -> None:
    path = str(tmp_path / "otel.db")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a)")
    reads = 0

    def read(connection: sqlite3.Connection) -> int:
        nonlocal reads
        reads += 1
        os.utime(path, ns=(reads, reads))
        (count,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return int(count)

    assert read_file(path, read, busy_timeout_ms=0) == 1
    with pytest.raises(sqlite3.OperationalError, match="locked: others wrote it in each of 10 reads"):
        read_file(path, read, busy_timeout_ms=0, main_only=True)
    assert reads == 20


def test_a_file_that_is_written_in_each_read_and_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    path.write_text("text" * 1_000)

    def read(connection: sqlite3.Connection) -> None:
        with path.open("a") as file:
            file.write("more")
        connection.execute("SELECT count(*) FROM sqlite_schema")

    for main_only in (True, False):
        with pytest.raises(DamagedFileError, match="is damaged"):
            read_file(str(path), read, busy_timeout_ms=0, main_only=main_only)


def test_a_reader_keeps_its_connection_to_a_file_at_rest(tmp_path: Path) -> None:
    path = str(tmp_path / "otel.db")

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS t (a)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()

    def read(connection: sqlite3.Connection) -> tuple[int, sqlite3.Connection]:
        (count,) = connection.execute("SELECT count(*) FROM t").fetchone()
        return count, connection

    with contextlib.closing(sqlite3.connect(path)) as writer:
        write(writer)
    with contextlib.closing(FileReader(path, busy_timeout_ms=0)) as reader:
        _, first = reader.read(read)
        assert reader.read(read) == (1, first)
        with contextlib.closing(sqlite3.connect(path)) as writer:
            write(writer)
            count, second = reader.read(read)
            assert (count, second is first) == (2, False)
            writer.execute("PRAGMA journal_mode = WAL")
            write(writer)
            count, third = reader.read(read)
            assert (count, third is second) == (3, False)
        assert os.listdir(tmp_path) == ["otel.db"]  # the writer could remove its WAL
        os.replace(path, tmp_path / "old.db")
        with contextlib.closing(sqlite3.connect(path)) as writer:
            write(writer)
        assert reader.read(read)[0] == 1
        with pytest.raises(ZeroDivisionError):
            reader.read(lambda connection: 1 / 0)
        assert reader.read(read)[0] == 1
