# SPDX-License-Identifier: Apache-2.0
"""A file beside the database, for batches that cannot be written there now: appended with fsync, taken in order.

A header of 36 bytes (a mark, the spool's id, and the position of the first batch that was not taken) is followed by
frames: a mark, the length and the CRC-32 of the content, the batch's id, the content. A frame that a dying process left
unfinished fails its check and is passed over. A forked child does not take its lock away.

The name is synced before the header is written, and the header before a frame is. So a spool with frames is found after
a power failure, and one without is begun again by whoever holds it. A header of zeros before a frame is that of a power
failure, too: the frames count as not taken.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from otel_sqlite_exporter.errors import SpoolError, SpoolFullError
from otel_sqlite_exporter.storage.system.system_files import (
    BINARY,
    HAS_MODES,
    NO_LINK,
    REMOVES_OPEN_FILES,
    find_real_path,
    lock_file,
    read_at,
    remove_open_file,
    sync_folder,
    unlock_file,
    write_at,
)
from otel_sqlite_exporter.storage.transactions import Deadline

_T = TypeVar("_T")
_SUFFIX = "-spool"

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
    return find_real_path(path) + _SUFFIX


class Spool:
    """The spool of one database file. No descriptor stays open between calls."""

    def __init__(self, path: str, *, limit_bytes: int) -> None:
        self.path = path
        self._limit_bytes = limit_bytes

    def is_empty(self) -> bool:
        """Return whether there is nothing to take, not even an empty spool that a dying process or a full disk left:
        two microseconds."""
        try:
            size = os.lstat(self.path).st_size
        except FileNotFoundError:
            return True
        return not size and not REMOVES_OPEN_FILES

    def append(self, contents: Sequence[bytes], batch_id: bytes, *, timeout_s: float) -> None:
        """Add a batch of one or more frames, all with the id `batch_id` (16 bytes) and their number. When this returns,
        it survives a power failure.

        Raises:
            SpoolFullError: The spool would exceed its limit.
            SpoolError: The file at its path is not a spool of ours, or another process held its lock for `timeout_s`.
            OSError: The spool cannot be written; it is unchanged.
        """
        frames = b"".join(
            _FRAME.pack(_FRAME_MARK, len(content), zlib.crc32(content), _number(batch_id, number)) + content
            for number, content in enumerate(contents)
        )

        def write(held: HeldSpool) -> None:
            end = os.lseek(held.descriptor, 0, os.SEEK_END)
            if end + len(frames) > self._limit_bytes:
                raise SpoolFullError(f"{self.path} is full ({end} of {self._limit_bytes} bytes)")
            try:
                _write(held.descriptor, frames)
                os.fsync(held.descriptor)
            except BaseException:
                os.ftruncate(held.descriptor, end)
                raise

        self._hold(write, Deadline(timeout_s), create=True)

    def hold(self, work: Callable[[HeldSpool], _T], *, timeout_s: float) -> _T | None:
        """Return what `work` returns for the spool, which is locked meanwhile; None if there is no spool.

        Raises:
            SpoolError: The file at its path is not a spool of ours, or another process held its lock for `timeout_s`.
            OSError: The spool cannot be read or written.
        """
        return self._hold(work, Deadline(timeout_s), create=False)

    def count(self) -> tuple[int, int]:
        """Return the number of batches that wait, and of their bytes. Takes no lock.

        Raises:
            SpoolError: The file at its path is not a spool.
            OSError: It cannot be read.
        """
        contents = list(self.read_waiting())
        return len(contents), sum(map(len, contents))

    def read_waiting(self) -> Iterator[bytes]:
        """Yield the contents of the frames that wait. Takes no lock.

        Raises:
            SpoolError: The file at its path is not a spool.
            OSError: It cannot be read.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | BINARY | NO_LINK)
        except FileNotFoundError:
            return
        try:
            for frame in HeldSpool(self.path, descriptor):
                yield frame.content
        finally:
            os.close(descriptor)

    def _hold(self, work: Callable[[HeldSpool], _T], deadline: Deadline, *, create: bool) -> _T | None:
        flags = os.O_RDWR | BINARY | NO_LINK | (os.O_CREAT if create else 0)
        while True:
            descriptor = -1
            try:
                # Unpacked, because an exception of a signal handler may come after a call: see `_OwnConnection`.
                (descriptor,) = map(os.open, (self.path,), (flags,), (0o600,))
                try:
                    lock_file(descriptor)
                    if os.fstat(descriptor).st_nlink:  # else it was removed while we waited
                        self._prepare(descriptor)
                        return work(HeldSpool(self.path, descriptor))
                except BlockingIOError:
                    if deadline.has_passed():
                        raise SpoolError(f"{self.path} is locked by another process") from None
                    time.sleep(_PAUSE_S)
                finally:
                    unlock_file(descriptor)
            except FileNotFoundError:
                if create or descriptor >= 0:
                    raise
                return None
            finally:
                if descriptor >= 0:
                    os.close(descriptor)

    def _prepare(self, descriptor: int) -> None:
        """Make sure that the file is ours, for us alone, and begins as a spool."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SpoolError(f"{self.path} is no plain file: move it away")
        if HAS_MODES:
            if status.st_uid not in self._find_owners():
                raise SpoolError(f"{self.path} belongs to another user (id {status.st_uid}): move it away")
            if stat.S_IMODE(status.st_mode) & 0o077:
                os.fchmod(descriptor, 0o600)
        if _read_header(self.path, descriptor) is None or status.st_size <= _HEADER.size:
            sync_folder(os.path.dirname(self.path))
            os.lseek(descriptor, 0, os.SEEK_SET)
            _write(descriptor, _HEADER.pack(_MARK, uuid.uuid4().bytes, _HEADER.size))
            os.fsync(descriptor)

    def _find_owners(self) -> set[int]:
        """Return the users whose spool this may be: ours, and that of the database."""
        owners = {os.geteuid()}
        with contextlib.suppress(OSError):
            owners.add(os.stat(self.path.removesuffix(_SUFFIX)).st_uid)
        return owners


class HeldSpool:
    """A locked spool. Iterating gives the frames that were not taken yet, in order."""

    def __init__(self, path: str, descriptor: int) -> None:
        """`descriptor` is that of a spool; only `Spool.count` reads one that was not begun."""
        header = _read_header(path, descriptor) or _HEADER.pack(_MARK, bytes(16), _HEADER.size)
        _, spool_id, self._position = _HEADER.unpack(header)
        self.spool_id = spool_id.hex()
        self._path = path
        self.descriptor = descriptor

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that were not taken yet."""
        position = self._position
        while frame := self._read(position):
            yield frame
            position = frame.end

    def advance(self, frame: Frame) -> None:
        """Note that `frame` was taken."""
        write_at(self.descriptor, struct.pack(">Q", frame.end), _HEADER.size - 8)
        os.fsync(self.descriptor)
        self._position = frame.end

    def set_aside(self, frame: Frame) -> str:
        """Append `frame`, which cannot be read, to the file `PATH-bad`, as it stands here, and return that path.

        Raises:
            OSError: It cannot be written.
        """
        path = f"{self._path}-bad"
        start = frame.end - len(frame.content) - _FRAME.size
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY | NO_LINK, 0o600)
        try:
            _write(descriptor, read_at(self.descriptor, frame.end - start, start))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(os.path.dirname(path))
        return path

    def remove(self) -> None:
        """Remove the spool, when all its frames were taken."""
        remove_open_file(self._path, self.descriptor)

    def _read(self, position: int) -> Frame | None:
        return _find_frame(self.descriptor, position)


def read_contents(descriptor: int) -> Iterator[bytes]:
    """Yield the content of each frame of a spool, or of what was set aside of one, also of those that were taken. Takes
    no lock."""
    position = 0
    while frame := _find_frame(descriptor, position):
        yield frame.content
        position = frame.end


def _find_frame(descriptor: int, position: int) -> Frame | None:
    """Return the first whole frame that begins at `position` or after it."""
    size = os.fstat(descriptor).st_size
    while position + _FRAME.size <= size:
        mark, length, checksum, batch_id = _FRAME.unpack(read_at(descriptor, _FRAME.size, position))
        end = position + _FRAME.size + length
        if mark == _FRAME_MARK and end <= size:
            content = read_at(descriptor, length, end - length)
            if zlib.crc32(content) == checksum:
                return Frame(end, batch_id.hex(), content)
        position = _find_mark(descriptor, position + 1, size)
    return None


def _read_header(path: str, descriptor: int) -> bytes | None:
    """Return the header of a spool; None where that was not finished, or is lost.

    Raises:
        SpoolError: The file is not a spool.
    """
    size, header = os.fstat(descriptor).st_size, read_at(descriptor, _HEADER.size, 0)
    is_whole = len(header) == _HEADER.size
    if is_whole and header.startswith(_MARK):
        return header
    is_begun = not is_whole and header[: len(_MARK)] == _MARK[: len(header)]
    has_frames = not is_whole or size == _HEADER.size or _find_mark(descriptor, _HEADER.size, size) < size
    if not is_begun and (header.strip(b"\0") or not has_frames):
        raise SpoolError(f"{path} is not a spool of this package: move it away")
    return None


def _find_mark(descriptor: int, position: int, size: int) -> int:
    """Return where the next frame seems to begin; `size` if none does."""
    chunk = 1 << 20
    while position < size:
        found = read_at(descriptor, chunk, position).find(_FRAME_MARK)
        if found >= 0:
            return position + found
        position += chunk - len(_FRAME_MARK) + 1
    return size


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _number(batch_id: bytes, number: int) -> bytes:
    """Return the id of one frame of a batch."""
    return (int.from_bytes(batch_id) ^ number).to_bytes(len(batch_id))
