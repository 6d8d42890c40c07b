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
import weakref
from collections.abc import Callable
from typing import TypeVar

from otel_sqlite_exporter.errors import ClosedError, InheritedFileError
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.migrations import open_prepared
from otel_sqlite_exporter.storage.system.system_files import BINARY
from otel_sqlite_exporter.storage.transactions import BoundedConnection, BusyTimeout, Deadline, bound_waits, roll_back
from otel_sqlite_exporter.storage.watched_file import WatchedFile, identify

_T = TypeVar("_T")


class _OwnConnection:
    """The connection of one process, the lock of its users, and the file that it opened.

    An exception of a signal handler may come after any call. So the lock is taken in an assignment that unpacks:
    between taking it and noting that, no call ends; and it is released by the first call of a `finally`."""

    def __init__(self, path: str) -> None:
        self.pid = os.getpid()
        self.lock = threading.Lock()
        self.is_held_by_fork = False
        self.connection: BoundedConnection | None = None
        self.file = WatchedFile(path)
        self.version: int | None = None

    def hold(self, connection: BoundedConnection) -> None:
        # Only `close` gives this reference back. Without it, a child that ends would close the connection that it
        # inherited. If the fork came in the middle of a transaction, this would roll back pages of the parent in the
        # index that both share.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        self.connection = connection

    def close(self) -> None:
        connection = self.connection
        if connection is None:
            return
        try:
            connection.close()
        finally:
            self.connection = None
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(connection))


_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def open_file(
    settings: Settings, *, busy_timeout_ms: BusyTimeout | None = None, must_exist: bool = False
) -> BoundedConnection:
    """Return a connection that writes to the file of `settings`, which is created, unless it `must_exist`, or upgraded
    as `settings.auto_migrate` allows. `busy_timeout_ms` is that of `settings`, unless given.

    Raises:
        FileRefusedError, MigrationFailedError, UnsupportedSQLiteError: The file cannot be used as it is.
        sqlite3.Error, OSError: The file cannot be opened, or is locked for longer than the busy timeout.
    """
    timeout_ms = settings.busy_timeout_ms if busy_timeout_ms is None else busy_timeout_ms
    return open_prepared(
        settings.path,
        settings.auto_migrate,
        busy_timeout_ms=timeout_ms,
        synchronous=settings.synchronous,
        must_exist=must_exist,
    )


class Database:
    """Access to one file for writing. The constructor touches nothing: the first use creates, checks or upgrades the
    file, as `settings.auto_migrate` allows."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_open: Callable[[sqlite3.Connection], None] = lambda _: None,
        must_exist: bool = False,
    ) -> None:
        """`on_open` is called with each new connection, before its first use. A file that `must_exist` is not made."""
        self._settings = settings
        self._must_exist = must_exist
        self._on_open = on_open
        self._timeout_s = settings.busy_timeout_ms / 1000
        self._is_closed = False
        self._is_cut_off = False
        self._own = _OwnConnection(settings.path)
        self._finalizer = self._watch()
        _databases.add(self)

    def run(self, work: Callable[[sqlite3.Connection], _T], deadline: Deadline | None = None) -> _T:
        """Return what `work` returns for the connection, which is lent to one thread at a time. A file that was
        removed, replaced, cut in place or upgraded is opened again. All waits, for other threads and for other writers,
        end by `deadline` (default: the busy timeout from now).

        Raises:
            ClosedError: `close` was called.
            FileRefusedError, MigrationFailedError, UnsupportedSQLiteError: The file cannot be used as it is.
            sqlite3.OperationalError: The connection was not to be had in time, or the file was removed, replaced or cut
                meanwhile.
            sqlite3.Error, OSError: The file cannot be opened.
        """
        if _forking and _forker == threading.get_ident():  # an exception kept the hook after the fork from running
            _after_fork_in_parent()
        own = self._find_own()
        deadline = Deadline(self._timeout_s) if deadline is None else deadline
        is_held = False
        try:
            (is_held,) = map(own.lock.acquire, (True,), (deadline.left_s(),))
            if not is_held:
                raise sqlite3.OperationalError("database is locked by another export of this process")
            try:
                connection = self._connect(own, deadline)
                result = work(connection)
                if not own.file.is_sound(connection):
                    own.close()
                    raise sqlite3.OperationalError("the file was removed, replaced or cut while it was written")
                return result
            finally:
                # An exception of a signal handler may have come right after a transaction began. (A child that was
                # forked in the middle of it leaves it to its parent.)
                if own.connection is not None and own.connection.in_transaction and own.pid == os.getpid():
                    roll_back(own.connection)
        finally:
            if is_held:
                own.lock.release()

    def reopen(self) -> None:
        """Close the connection, so that the next use opens the file again. Used after errors that may have broken
        it."""
        self._close_by(Deadline(0))

    def close(self, deadline: Deadline | None = None) -> None:
        """Close the connection for good, if this process has one. Waits for a running use until `deadline` (default:
        the busy timeout from now); after that the connection stays with that use."""
        self._is_closed = True
        self._close_by(Deadline(self._timeout_s) if deadline is None else deadline)

    def _close_by(self, deadline: Deadline) -> None:
        own = self._find_own()
        is_held = False
        try:
            (is_held,) = map(own.lock.acquire, (True,), (deadline.left_s(),))
            if is_held:
                own.close()
        finally:
            if is_held:
                own.lock.release()

    def _connect(self, own: _OwnConnection, deadline: Deadline) -> sqlite3.Connection:
        if self._is_closed:
            raise ClosedError("the exporter was shut down")
        path = self._settings.path
        if self._is_cut_off:
            raise InheritedFileError(
                f"{path} was open when this process was forked, past Python's fork hooks, and its parent has closed it "
                "since: let the first export come after the fork"
            )
        connection = own.connection
        if connection is not None:
            connection.deadline = deadline
            if (
                connection.in_transaction
                or not own.file.is_sound(connection)
                or own.version != _read_version(connection)
            ):
                own.close()
                connection = None
        if connection is None:
            connection = open_file(self._settings, busy_timeout_ms=deadline, must_exist=self._must_exist)
            own.hold(connection)
            own.file.note_opened()
            own.version = _read_version(connection)
            self._on_open(connection)
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
        self._own = _OwnConnection(self._settings.path)
        self._finalizer = self._watch()

    def _watch(self) -> weakref.finalize[..., Database]:
        finalizer = weakref.finalize(self, _release, self._own)
        finalizer.atexit = False
        return finalizer


def _read_version(connection: sqlite3.Connection) -> int:
    bound_waits(connection)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _release(own: _OwnConnection) -> None:
    if own.pid == os.getpid():
        own.close()


def _take_inherited_locks(path: str, own: _OwnConnection) -> bool:
    """Take the two shared locks of an open connection in WAL mode (see SQLite's os_unix.c: SHARED_FIRST, SHARED_SIZE
    and UNIX_SHM_DMS), through descriptors that stay open: without them the parent, when it closes, finds nobody else
    and removes the WAL that the child goes on writing. Return whether that has not happened already."""
    import fcntl

    if own.file.id != identify(path):
        return True  # another file stands there now, of which nothing was inherited
    try:
        for name, length, start in ((path, 510, 0x40000002), (f"{path}-shm", 1, 128)):
            descriptor = os.open(name, os.O_RDWR | BINARY)
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
    except OSError:
        return False
    return own.file.index_id == identify(f"{path}-shm")


# The lock is held across the fork: no child starts in the middle of a write of its parent, or with its connection.
_forking: list[_OwnConnection] = []
_forker = 0
_fork_guard = threading.Lock()


def _before_fork() -> None:
    global _forker
    _forker = threading.get_ident()
    # All begin now, so the fork waits no longer than the longest busy timeout.
    for database, deadline in [(database, Deadline(database._timeout_s)) for database in list(_databases)]:
        own = database._own
        if own.pid == os.getpid():
            _forking.append(own)
            (own.is_held_by_fork,) = map(own.lock.acquire, (True,), (deadline.left_s(),))
            if own.is_held_by_fork:
                with contextlib.suppress(sqlite3.Error):
                    own.close()


def _after_fork_in_parent() -> None:
    while _forking:
        own = _forking[-1]
        if own.is_held_by_fork:
            own.is_held_by_fork = False
            own.lock.release()
        _forking.pop()


def _after_fork_in_child() -> None:
    global _fork_guard
    _fork_guard = threading.Lock()
    _forking.clear()
    for database in list(_databases):
        database._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
