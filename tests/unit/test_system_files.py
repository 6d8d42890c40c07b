# SPDX-License-Identifier: Apache-2.0
"""Locks, reads and writes of plain files, and the URIs by which SQLite opens files, on every system."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otel_sqlite_exporter.storage.system.system_files import (
    BINARY,
    file_uri,
    lock_file,
    read_at,
    remove_open_file,
    sync_folder,
    unlock_file,
    write_at,
)


def test_one_descriptor_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | BINARY) for _ in range(2))
    lock_file(first)
    with pytest.raises(BlockingIOError):
        lock_file(second)
    unlock_file(second)  # holds none
    with pytest.raises(BlockingIOError):
        lock_file(second)
    os.write(first, b"is read and written\n")
    assert read_at(second, 2, 0) == b"is"
    unlock_file(first)
    lock_file(second)
    os.close(second)  # ends its lock
    lock_file(first)
    os.close(first)


@pytest.mark.parametrize("absent", [(), ("pread", "pwrite")])
def test_bytes_are_read_and_written_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: tuple[str, ...]
) -> None:
    for name in absent:
        monkeypatch.delattr(os, name, raising=False)
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | BINARY)
    os.write(descriptor, b"\r\n\x1a 0123456789")
    write_at(descriptor, b"ab", 5)
    assert (read_at(descriptor, 6, 3), read_at(descriptor, 100, 12), read_at(descriptor, 1, 100)) == (
        b" 0ab34",
        b"89",
        b"",
    )
    sync_folder(str(tmp_path))
    remove_open_file(str(tmp_path / "file"), descriptor)
    assert not (tmp_path / "file").exists() or os.fstat(descriptor).st_size == 0
    os.close(descriptor)


def test_a_path_with_a_drive_letter_or_of_a_share_is_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sep", "/")
    assert file_uri("/a b/ü?#%.db") == "file:///a%20b/%C3%BC%3F%23%25.db"
    assert file_uri("/a\\b.db") == "file:///a%5Cb.db"
    monkeypatch.setattr(os, "sep", "\\")
    assert file_uri("C:\\Users\\ada\\otel.db") == "file:///C%3A/Users/ada/otel.db"
    assert file_uri("\\\\server\\share\\otel.db") == "file:////server/share/otel.db"


def test_sqlite_opens_the_file_of_the_uri(tmp_path: Path) -> None:
    path = tmp_path / "ü #%20.db"
    for mode in ("rwc", "ro"):
        with closing(sqlite3.connect(f"{file_uri(str(path))}?mode={mode}", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema")
    assert path.exists()
