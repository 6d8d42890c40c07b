# SPDX-License-Identifier: Apache-2.0
"""The connection of one process to its file: opened on first use, locked, and never shared across a fork.

SQLite does not allow a process to use, or even to close, a connection that it inherited through a fork. It also keeps
its table of locked files in memory, so a child of a process with an open connection believes that it holds locks that
only its parent has. So the connection is closed before a fork, and both sides open the file again. Some servers fork in
C, where no hook runs before the fork. Then the child does not touch what it inherited, and takes the locks that SQLite
believes it has.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator

from otel_sqlite_exporter.errors import ClosedError, InheritedFileError
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.migrations import prepare_file
from otel_sqlite_exporter.storage.system_files import BINARY

_TOLERANCE_MS = 20


class _OwnConnection:
    """The connection of one process, the lock of its users, and the identity of the file that it opened."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None
        self.file_id: tuple[int, int] | None = None
        self.index_id: tuple[int, int] | None = None
        self.timeout_ms = 0

    def hold(self, connection: sqlite3.Connection) -> None:
        # Only `close` gives this reference back. Without it, a child that ends would close the connection that it
        # inherited. If the fork came in the middle of a transaction, this would roll back pages of the parent in the
        # index that both share.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        self.connection = connection

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(connection))


_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def open_file(
    settings: Settings, *, busy_timeout_ms: int | None = None, must_exist: bool = False
) -> sqlite3.Connection:
    """Return a connection that writes to the file of `settings`, which is created, unless it `must_exist`, or upgraded
    as `settings.auto_migrate` allows. `busy_timeout_ms` is that of `settings`, unless given.

    Raises:
        FileRefusedError, MigrationFailedError, UnsupportedSQLiteError: The file cannot be used as it is.
        sqlite3.Error, OSError: The file cannot be opened, or is locked for longer than the busy timeout.
    """
    timeout_ms = settings.busy_timeout_ms if busy_timeout_ms is None else busy_timeout_ms
    prepare_file(settings.path, settings.auto_migrate, busy_timeout_ms=timeout_ms, must_exist=must_exist)
    return open_writer(settings.path, busy_timeout_ms=timeout_ms, synchronous=settings.synchronous)


class Database:
    """Access to one file for writing. The constructor touches nothing: the first use creates, checks or upgrades the
    file, as `settings.auto_migrate` allows."""

    def __init__(self, settings: Settings, *, on_open: Callable[[sqlite3.Connection], None] = lambda _: None) -> None:
        """`on_open` is called with each new connection, before its first use."""
        self._settings = settings
        self._on_open = on_open
        self._timeout_s = settings.busy_timeout_ms / 1000
        self._is_closed = False
        self._is_cut_off = False
        self._own = _OwnConnection()
        self._finalizer = self._watch()
        _databases.add(self)

    @contextlib.contextmanager
    def use(self, timeout_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread at a time. A file that was removed or replaced is opened again. The wait
        for other threads and then for other writers is bounded by `timeout_s` (default: the busy timeout) together.

        Raises:
            ClosedError: `close` was called.
            FileRefusedError, MigrationFailedError, UnsupportedSQLiteError: The file cannot be used as it is.
            sqlite3.OperationalError: The connection was not to be had within the busy timeout.
            sqlite3.Error, OSError: The file cannot be opened.
        """
        own = self._find_own()
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + timeout_s
        if not own.lock.acquire(timeout=timeout_s):
            raise sqlite3.OperationalError("database is locked by another export of this process")
        try:
            yield self._connect(own, deadline)
        finally:
            own.lock.release()

    def reopen(self) -> None:
        """Close the connection, so that the next use opens the file again. Used after errors that may have broken
        it."""
        self._close_within(0)

    def close(self) -> None:
        """Close the connection for good, if this process has one. Waits for a running use as long as the busy timeout;
        after that the connection stays with that use."""
        self._is_closed = True
        self._close_within(self._timeout_s)

    def _close_within(self, timeout_s: float) -> None:
        own = self._find_own()
        if own.lock.acquire(timeout=timeout_s):
            try:
                own.close()
            finally:
                own.lock.release()

    def _connect(self, own: _OwnConnection, deadline: float) -> sqlite3.Connection:
        if self._is_closed:
            raise ClosedError("the exporter was shut down")
        path = self._settings.path
        if self._is_cut_off:
            raise InheritedFileError(
                f"{path} was open when this process was forked, past Python's fork hooks, and its parent has closed it "
                "since: let the first export come after the fork"
            )
        timeout = max(0, round((deadline - time.monotonic()) * 1000))
        if own.connection is not None and own.file_id != _identify(path):
            own.close()
        connection = own.connection
        if connection is None:
            connection = open_file(self._settings, busy_timeout_ms=timeout)
            own.hold(connection)
            own.file_id, own.index_id = _identify(path), _identify(f"{path}-shm")
            own.timeout_ms = timeout
            self._on_open(connection)
        elif abs(own.timeout_ms - timeout) > _TOLERANCE_MS:
            connection.execute(f"PRAGMA busy_timeout = {timeout}")
            own.timeout_ms = timeout
        return connection

    def _find_own(self) -> _OwnConnection:
        if self._own.pid != os.getpid():  # forked where no hook ran, as some servers do
            with _fork_guard:
                if self._own.pid != os.getpid():
                    self._abandon()
        return self._own

    def _abandon(self) -> None:
        if self._own.connection is not None:
            self._is_cut_off = not _take_inherited_locks(self._settings.path, self._own)
        self._finalizer.detach()
        self._own = _OwnConnection()
        self._finalizer = self._watch()

    def _watch(self) -> weakref.finalize[..., Database]:
        finalizer = weakref.finalize(self, _release, self._own)
        finalizer.atexit = False
        return finalizer


def _release(own: _OwnConnection) -> None:
    if own.pid == os.getpid():
        own.close()


def _take_inherited_locks(path: str, own: _OwnConnection) -> bool:
    """Take the two shared locks of an open connection in WAL mode (see SQLite's os_unix.c: SHARED_FIRST, SHARED_SIZE
    and UNIX_SHM_DMS), through descriptors that stay open: without them the parent, when it closes, finds nobody else
    and removes the WAL that the child goes on writing. Return whether that has not happened already."""
    import fcntl

    if own.file_id != _identify(path):
        return True  # another file stands there now, of which nothing was inherited
    try:
        for name, length, start in ((path, 510, 0x40000002), (f"{path}-shm", 1, 128)):
            descriptor = os.open(name, os.O_RDWR | BINARY)
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
    except OSError:
        return False
    return own.index_id == _identify(f"{path}-shm")


def _identify(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


# The lock is held across the fork: no child starts in the middle of a write of its parent, or with its connection.
_forking: list[_OwnConnection] = []
_fork_guard = threading.Lock()


def _before_fork() -> None:
    for database in list(_databases):
        own = database._own
        if own.pid == os.getpid() and own.lock.acquire(timeout=database._timeout_s):
            with contextlib.suppress(sqlite3.Error):
                own.close()
            _forking.append(own)


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop().lock.release()


def _after_fork_in_child() -> None:
    global _fork_guard
    _fork_guard = threading.Lock()
    _forking.clear()
    for database in list(_databases):
        database._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
