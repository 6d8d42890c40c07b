# SPDX-License-Identifier: Apache-2.0
"""A file beside the database, for batches that cannot be written there now: appended with fsync, taken in order.

A header of 36 bytes (a mark, the spool's id, and the position of the first batch that was not taken) is followed by
frames: a mark, the length and the CRC-32 of the content, the batch's id, the content. A frame that a dying process left
unfinished fails its check and is passed over. A forked child does not take its lock away.
"""

from __future__ import annotations

import os
import struct
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from otel_sqlite_exporter.errors import SpoolError, SpoolFullError
from otel_sqlite_exporter.storage.system_files import (
    BINARY,
    lock_file,
    read_at,
    remove_open_file,
    sync_folder,
    unlock_file,
    write_at,
)

_MARK = b"otel-spool/1"
_HEADER = struct.Struct(">12s16sQ")
_FRAME_MARK = b"\x9eotel\xc3\x07\xb1"
_FRAME = struct.Struct(">8sII16s")
_PAUSE_S = 0.005


class Frame(NamedTuple):
    """One batch in a spool: where it ends, its id, its content."""

    end: int
    batch_id: str
    content: bytes


def spool_path(path: str) -> str:
    """Return the path of the spool of a database file."""
    try:
        return f"{os.path.realpath(path)}-spool"
    except FileNotFoundError:  # the working directory is gone
        return f"{path}-spool"


class Spool:
    """The spool of one database file. No descriptor stays open between calls."""

    def __init__(self, path: str, *, limit_bytes: int) -> None:
        self.path = path
        self._limit_bytes = limit_bytes

    def is_empty(self) -> bool:
        """Return whether no batch waits, by the size of the file: two microseconds."""
        try:
            return os.stat(self.path).st_size <= _HEADER.size
        except OSError:
            return True

    def append(self, content: bytes, *, timeout_s: float) -> None:
        """Add a batch. When this returns, it survives a power failure.

        Raises:
            SpoolFullError: The spool would exceed its limit.
            SpoolError: The file at its path is not a spool, or another process held its lock for `timeout_s`.
            OSError: The spool cannot be written; it is unchanged.
        """
        frame = _FRAME.pack(_FRAME_MARK, len(content), zlib.crc32(content), uuid.uuid4().bytes) + content
        with self._open(timeout_s, create=True) as descriptor:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            if end + len(frame) > self._limit_bytes:
                raise SpoolFullError(f"{self.path} is full ({end} of {self._limit_bytes} bytes)")
            try:
                _write(descriptor, frame)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise

    @contextmanager
    def hold(self, *, timeout_s: float) -> Iterator[HeldSpool | None]:
        """Lock the spool to take its batches; None if there is no spool.

        Raises:
            SpoolError: The file at its path is not a spool, or another process held its lock for `timeout_s`.
            OSError: The spool cannot be read or written.
        """
        with ExitStack() as stack:
            try:
                descriptor = stack.enter_context(self._open(timeout_s, create=False))
            except FileNotFoundError:
                descriptor = None
            yield None if descriptor is None else HeldSpool(self.path, descriptor)

    def count(self) -> tuple[int, int]:
        """Return the number of batches that wait, and of their bytes. Takes no lock.

        Raises:
            SpoolError: The file at its path is not a spool.
            OSError: It cannot be read.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | BINARY)
        except FileNotFoundError:
            return 0, 0
        try:
            if os.fstat(descriptor).st_size == 0:
                return 0, 0
            frames = list(HeldSpool(self.path, descriptor))
            return len(frames), sum(len(frame.content) for frame in frames)
        finally:
            os.close(descriptor)

    @contextmanager
    def _open(self, timeout_s: float, *, create: bool) -> Iterator[int]:
        deadline = time.monotonic() + timeout_s
        while True:
            flags = os.O_RDWR | BINARY | (os.O_CREAT if create else 0)
            descriptor = os.open(self.path, flags, 0o600)
            try:
                try:
                    lock_file(descriptor)
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise SpoolError(f"{self.path} is locked by another process") from None
                    time.sleep(_PAUSE_S)
                    continue
                try:
                    status = os.fstat(descriptor)
                    if status.st_nlink == 0:  # removed while we waited
                        continue
                    if status.st_size == 0:
                        _write(descriptor, _HEADER.pack(_MARK, uuid.uuid4().bytes, _HEADER.size))
                        sync_folder(os.path.dirname(self.path))
                    _check_mark(self.path, read_at(descriptor, _HEADER.size, 0))
                    yield descriptor
                    return
                finally:
                    unlock_file(descriptor)
            finally:
                os.close(descriptor)


class HeldSpool:
    """A locked spool. Iterating gives the frames that were not taken yet, in order."""

    def __init__(self, path: str, descriptor: int) -> None:
        header = read_at(descriptor, _HEADER.size, 0)
        _check_mark(path, header)
        _, spool_id, self._position = _HEADER.unpack(header)
        self.spool_id = spool_id.hex()
        self._path = path
        self._descriptor = descriptor

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that were not taken yet."""
        position = self._position
        while frame := self._read(position):
            yield frame
            position = frame.end

    def advance(self, frame: Frame) -> None:
        """Note that `frame` was taken."""
        write_at(self._descriptor, struct.pack(">Q", frame.end), _HEADER.size - 8)
        os.fsync(self._descriptor)
        self._position = frame.end

    def remove(self) -> None:
        """Remove the spool, when all its frames were taken."""
        remove_open_file(self._path, self._descriptor)

    def _read(self, position: int) -> Frame | None:
        size = os.fstat(self._descriptor).st_size
        while position + _FRAME.size <= size:
            mark, length, checksum, batch_id = _FRAME.unpack(read_at(self._descriptor, _FRAME.size, position))
            end = position + _FRAME.size + length
            if mark == _FRAME_MARK and end <= size:
                content = read_at(self._descriptor, length, end - length)
                if zlib.crc32(content) == checksum:
                    return Frame(end, batch_id.hex(), content)
            position = self._find_mark(position + 1, size)
        return None

    def _find_mark(self, position: int, size: int) -> int:
        chunk = 1 << 20
        while position < size:
            found = read_at(self._descriptor, chunk, position).find(_FRAME_MARK)
            if found >= 0:
                return position + found
            position += chunk - len(_FRAME_MARK) + 1
        return size


def _check_mark(path: str, header: bytes) -> None:
    if len(header) < _HEADER.size or not header.startswith(_MARK):
        raise SpoolError(f"{path} is not a spool of this package: move it away")


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
