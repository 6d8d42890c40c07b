# SPDX-License-Identifier: Apache-2.0
"""What the standard library offers for files on some systems only, in one place, with what stands in for it elsewhere.
Paths that SQLite opens do not come here: see `database.py` for its locks."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import quote


def _find_module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_fcntl = _find_module("fcntl")  # None on Windows
_msvcrt = _find_module("msvcrt")  # None elsewhere

BINARY = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
"""Flags of `os.open` for every file of this package: it is not inherited, and its bytes stay as they are."""
NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags of `os.open`: a symbolic link is not followed, and the other end of a FIFO is not waited for. Windows has
neither: there, only an administrator makes links."""
REMOVES_OPEN_FILES = _msvcrt is None
"""Whether a file that is open can be removed: see `remove_open_file`."""
HAS_MODES = hasattr(os, "geteuid")
"""Whether the mode of a file says who may read it."""
_LONGEST_WAIT_S = 1.0
# Windows forbids others to read what is locked. So one byte is locked that no file reaches.
_LOCKED_BYTE = 0x7FFF_FFFE


def lock_file(descriptor: int, *, shared: bool = False) -> None:
    """Lock an open file for this descriptor alone, or `shared` with others that ask for that; Windows has no such lock,
    so there it is alone too. The lock ends with the process, and a forked child does not take it away.

    Raises:
        BlockingIOError: Another descriptor holds the lock.
        OSError: This system or file system has no locks.
    """
    if _fcntl is not None:
        _fcntl.flock(descriptor, (_fcntl.LOCK_SH if shared else _fcntl.LOCK_EX) | _fcntl.LOCK_NB)
    elif _msvcrt is not None:
        try:
            _lock_byte(descriptor, _msvcrt.LK_NBLCK)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
    else:
        raise OSError(errno.ENOTSUP, "this system has no file locks")


def unlock_file(descriptor: int) -> None:
    """Give a lock back; without one, do nothing."""
    if _fcntl is not None:
        _fcntl.flock(descriptor, _fcntl.LOCK_UN)
    elif _msvcrt is not None:
        try:
            _lock_byte(descriptor, _msvcrt.LK_UNLCK)
        except PermissionError:
            pass


def _lock_byte(descriptor: int, mode: int) -> None:
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        _msvcrt.locking(descriptor, mode, 1)
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)


def read_at(descriptor: int, length: int, position: int) -> bytes:
    """Return up to `length` bytes that stand at `position`."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, position)
    os.lseek(descriptor, position, os.SEEK_SET)
    return os.read(descriptor, length)


def write_at(descriptor: int, content: bytes, position: int) -> None:
    """Write a few bytes at `position`."""
    if hasattr(os, "pwrite"):
        os.pwrite(descriptor, content, position)
    else:
        os.lseek(descriptor, position, os.SEEK_SET)
        os.write(descriptor, content)


def sync_folder(folder: str) -> None:
    """Let the names of new files survive a power failure, if this process may open the folder: on Windows none may."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | BINARY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def name_file(made: str, path: str) -> None:
    """Give a file that is complete its name, on the same file system.

    Raises:
        FileExistsError: Another file has it.
    """
    try:
        os.link(made, path)
    except FileExistsError:
        raise
    except OSError:  # this file system has no second names
        os.rename(made, path)
    else:
        os.unlink(made)


@contextlib.contextmanager
def alone_in(folder: str) -> Iterator[None]:
    """Let one process after the other do this in a folder. A system that cannot lock a folder, and a process that keeps
    its lock for a second, do not stop it."""
    descriptor = -1
    try:
        with contextlib.suppress(OSError):
            (descriptor,) = map(os.open, (folder,), (os.O_RDONLY | BINARY,))
            _lock_by(descriptor, time.monotonic() + _LONGEST_WAIT_S)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _lock_by(descriptor: int, deadline: float) -> None:
    while True:
        try:
            return lock_file(descriptor)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def remove_open_file(path: str, descriptor: int) -> None:
    """Remove a file that this process has open as `descriptor`; where the system refuses that, empty it."""
    try:
        os.unlink(path)
    except PermissionError:
        os.ftruncate(descriptor, 0)


def find_real_path(path: str) -> str:
    """Return `path` without symbolic links, or as it is if the working directory is gone."""
    try:
        return os.path.realpath(path)
    except FileNotFoundError:
        return path


def stands_beside(path: str, database: str) -> bool:
    """Return whether `path` is a name that SQLite, or the spool, uses beside the file `database`: what stands there is
    taken for a part of it, or removed."""
    real = find_real_path(database)
    return find_real_path(path) in [f"{real}{ending}" for ending in ("-wal", "-shm", "-journal", "-spool")]


def file_uri(path: str) -> str:
    """Return the URI by which SQLite opens the absolute `path`. Source: sqlite.org/uri.html, also for drive letters and
    paths of shares."""
    forward = os.fsencode(path.replace(os.sep, "/"))
    return f"file://{'' if forward.startswith(b'/') else '/'}{quote(forward)}"


def is_writable(path: str) -> bool:
    """Return whether this process may write a file."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def make_folders(folder: str) -> None:
    """Make the folders that are missing, for this user alone."""
    if not os.path.isdir(folder):
        make_folders(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
