# SPDX-License-Identifier: Apache-2.0
"""From a path to a connection: the only place where one is opened.

`sqlite3.Connection` is called directly, because `sqlite3.connect` is what instrumentation packages wrap: an exporter
that opened its file through it would trace itself. And a file is never opened but through SQLite: closing any other
descriptor of it would drop the locks of every connection that this process has to it (sqlite.org/howtocorrupt.html,
2.2), and a writer that lost its locks goes on writing into a WAL that another process has removed.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from otel_sqlite_exporter.errors import DamagedFileError, UnsupportedSQLiteError
from otel_sqlite_exporter.process_settings import resolve_environment
from otel_sqlite_exporter.storage.running_reads import make_progress_handler
from otel_sqlite_exporter.storage.system.database_files import check_access, create_file
from otel_sqlite_exporter.storage.system.file_systems import find_network_type
from otel_sqlite_exporter.storage.system.system_files import file_uri
from otel_sqlite_exporter.storage.transactions import (
    BoundedConnection,
    BusyTimeout,
    Deadline,
    bound_waits,
    timeout_ms,
    transaction,
)

_T = TypeVar("_T")
_Fingerprint = tuple[int, int, int, bool]
"""The inode, size and time of a file, and whether it is in use."""
OLDEST_SQLITE = (3, 38, 0)
"""The first with the `->>` operator, which the views use."""
# All statements of a batch in the few sizes that `statements.Insert` rounds up to.
_CACHED_STATEMENTS = 128
# Measured on 61,000 spans of 3 kB, against 8 KiB pages: 12% less CPU a span and a 17% smaller file, as four spans fill
# a page. (Tiny spans, one a trace, cost 6% more.) 1,000 pages are a WAL of 16 MB.
_PAGE_BYTES = 16384
_CHECKPOINT_PAGES = 1000
_INCREMENTAL = 2
_CACHE_KIB = 16 * 1024
_READS = 10
STEPS_BETWEEN_SIGNALS = 100_000
# With FULL, a rollback journal that was deleted may be there again after a power failure, and undo the last batch.
SYNCHRONOUS = {"normal": "NORMAL", "full": "EXTRA"}
"""The PRAGMA of each value of the setting `synchronous`."""


def check_sqlite_version(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Raise UnsupportedSQLiteError if the SQLite library is too old for the views."""
    if version < OLDEST_SQLITE:
        found, wanted = (".".join(map(str, parts)) for parts in (version, OLDEST_SQLITE))
        raise UnsupportedSQLiteError(
            f"this Python uses SQLite {found}, and {wanted} or newer is needed: "
            "use a Python that was built with a newer SQLite library"
        )


def open_writer(
    path: str,
    *,
    busy_timeout_ms: BusyTimeout,
    synchronous: str = "normal",
    make: Callable[[sqlite3.Connection], object] | None = None,
    must_exist: bool = False,
) -> BoundedConnection:
    """Open `path` for writing, creating it (mode 0600, WAL, incremental auto-vacuum) and its folder if need be, unless
    it `must_exist`. A new file on a network file system, where WAL does not work, has a rollback journal instead.

    The caller owns the connection, and may use it on any thread but one at a time. Foreign keys are on. The schema is
    not looked at: see `migrations`. `make` is called for an empty file, in the transaction that writes its first page.

    Raises:
        UnsupportedSQLiteError: The SQLite library is too old.
        sqlite3.Error, OSError: The file cannot be opened, or is locked for longer than `busy_timeout_ms`.
    """
    check_sqlite_version()
    if not must_exist:
        create_file(path)
    check_access(path)
    connection = _connection_type()(
        f"{file_uri(path)}?mode=rw" if must_exist else path,
        uri=must_exist,
        timeout=timeout_ms(busy_timeout_ms) / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    if isinstance(busy_timeout_ms, Deadline):
        connection.deadline = busy_timeout_ms
    try:
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[synchronous]}")
        # SQLite keeps the pages that it would need to undo one INSERT of many rows, 1 MB for 512 spans. In files, each
        # batch writes and removes a temporary file, in a folder that may be full or read-only.
        connection.execute("PRAGMA temp_store = MEMORY")
        # Both count only before the first page is written, and do nothing after that.
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        _write_first_page(connection, make)
        # On a network a new file keeps the rollback journal, which works as far as the locks of that file system do; a
        # file that is there stays as it is, as others may have it open.
        if find_network_type(path) is None:
            _enter_wal_mode(connection, busy_timeout_ms)
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_CHECKPOINT_PAGES * _PAGE_BYTES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(
    path: str,
    *,
    busy_timeout_ms: BusyTimeout,
    immutable: bool = False,
    mode: str = "ro",
    check_same_thread: bool = True,
) -> sqlite3.Connection:
    """Open the absolute `path` read-only: no statement on this connection can change the file. An `immutable` one looks
    at the main file alone, takes no locks and leaves nothing beside it; it is right only where nobody writes meanwhile.
    `mode` is `ro`, or `rw` where SQLite may have to roll back what a dead writer left. `check_same_thread` is Python's:
    without it the caller sees to it that one thread at a time uses the connection.

    Raises:
        UnsupportedSQLiteError: The SQLite library is too old.
        sqlite3.Error: The file cannot be opened.
    """
    check_sqlite_version()
    connection = _connection_type()(
        f"{file_uri(path)}?mode={mode}{'&immutable=1' if immutable else ''}",
        uri=True,
        timeout=timeout_ms(busy_timeout_ms) / 1000,
        isolation_level=None,
        check_same_thread=check_same_thread,
    )
    try:
        allow_signals(connection)
        connection.execute("PRAGMA query_only = ON")
        # What a report sorts is sorted on a second thread while it is read: of 200,000 durations a sixth of the time.
        connection.execute("PRAGMA threads = 1")
    except BaseException:
        connection.close()
        raise
    return connection


def allow_signals(connection: sqlite3.Connection) -> None:
    """Let Python handle a signal (Ctrl-C) while SQLite is running, and end what runs when the time for reading is over
    (`running_reads`)."""
    connection.set_progress_handler(make_progress_handler(), STEPS_BETWEEN_SIGNALS)


def _connection_type() -> type[BoundedConnection]:
    """Return the type without a method of its own, unless OTEL_EXPORTER_SQLITE_DEBUG asks for a trace."""
    if not resolve_environment().debug:
        return BoundedConnection
    from otel_sqlite_exporter.storage.traced_connection import TracedConnection

    return TracedConnection


class FileReader:
    """Reads a file again and again through read-only connections, each time in one transaction. Close it.

    A file at rest (one without a WAL or a journal) is read through an immutable connection, so that nothing appears
    beside it; if it was written meanwhile, it is read once more, and in the end with locks. Where a writer died and
    left a journal, SQLite rolls back what it had half done.

    The immutable connection is kept for the next read, unless the file has changed: each connection takes 6 ms to read
    the schema. One with locks is not kept, as a writer that closes the file would leave its WAL to it.
    """

    def __init__(
        self,
        path: str,
        *,
        busy_timeout_ms: BusyTimeout,
        main_only: bool = False,
        configure: Callable[[sqlite3.Connection], None] = lambda connection: None,
    ) -> None:
        """`main_only` passes over a WAL or a journal, and never locks. `configure` is called with each new connection.
        Opens nothing yet."""
        self._path, self._busy_timeout_ms, self._main_only = path, busy_timeout_ms, main_only
        self._configure = configure
        self._kept: sqlite3.Connection | None = None
        self._kept_of: _Fingerprint | None = None

    def close(self) -> None:
        """Close the connection that is kept. The next read opens another."""
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    def read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what `read` returns for a connection, in one transaction. It may be called again.

        Raises:
            DamagedFileError: SQLite finds the file damaged, or not a database.
            sqlite3.OperationalError: It could not be opened or was locked, or was written in each of the reads.
        """
        for left in reversed(range(_READS)):
            immutable = self._main_only or (left > 0 and not is_in_use(self._path))
            before = _fingerprint(self._path)
            try:
                result = self._read(read, before, immutable=immutable)
            except sqlite3.OperationalError:
                raise
            # SQLite quotes a damaged schema, which need not be UTF-8.
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if left and immutable and _fingerprint(self._path) != before:
                    continue
                raise report_damage(self._path, error) from error
            if not immutable or _fingerprint(self._path) == before:
                return result
        raise sqlite3.OperationalError(f"database is locked: others wrote it in each of {_READS} reads")

    def _read(self, read: Callable[[sqlite3.Connection], _T], found: _Fingerprint, *, immutable: bool) -> _T:
        if not immutable or self._kept_of != found:
            self.close()
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            if self._kept is None:
                mode = "rw" if not immutable and _has_journal(self._path) else "ro"
                self._kept = open_reader(
                    self._path, busy_timeout_ms=self._busy_timeout_ms, immutable=immutable, mode=mode
                )
                self._configure(self._kept)
            self._kept.execute("BEGIN")
            result = read(self._kept)
            if immutable:
                self._kept.execute("ROLLBACK")
                self._kept_of = found
                stack.pop_all()
        return result


def read_file(
    path: str,
    read: Callable[[sqlite3.Connection], _T],
    *,
    busy_timeout_ms: BusyTimeout,
    main_only: bool = False,
    configure: Callable[[sqlite3.Connection], None] = lambda connection: None,
) -> _T:
    """Return what `read` returns for a connection to `path`, which is read once as `FileReader` reads it.

    Raises:
        DamagedFileError, sqlite3.OperationalError: As `FileReader` raises.
    """
    reader = FileReader(path, busy_timeout_ms=busy_timeout_ms, main_only=main_only, configure=configure)
    with contextlib.closing(reader):
        return reader.read(read)


def is_in_use(path: str) -> bool:
    """Return whether a write-ahead log or a rollback journal stands beside `path`: the file alone may not be whole."""
    return os.path.exists(f"{os.path.realpath(path)}-wal") or _has_journal(path)


def _has_journal(path: str) -> bool:
    return os.path.exists(f"{os.path.realpath(path)}-journal")


def report_damage(path: str, finding: object) -> DamagedFileError:
    """Return the error for a damaged file, in which SQLite found `finding`."""
    return DamagedFileError(
        f"{path} is damaged ({finding}) and was not touched: move it away and restore a backup, "
        f"or save what is readable with: sqlite3 {path} .recover"
    )


def _fingerprint(path: str) -> _Fingerprint:
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns, is_in_use(path)


def _write_first_page(connection: sqlite3.Connection, make: Callable[[sqlite3.Connection], object] | None) -> None:
    if make is None or connection.execute("PRAGMA page_count").fetchone()[0]:
        # Setting it again would write the first page and wait for the disk: 15 to 35 ms.
        if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        return
    # In one transaction, and before the WAL is there, so that each page is written and synced once. BEGIN IMMEDIATE
    # would write the first page, before auto_vacuum is set.
    with transaction(connection, "BEGIN"):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        make(connection)


def _enter_wal_mode(connection: sqlite3.Connection, busy_timeout_ms: BusyTimeout) -> None:
    deadline = Deadline(timeout_ms(busy_timeout_ms) / 1000)
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            bound_waits(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # Where several processes do this to a new file at once, SQLite does not wait for its turn by itself.
            if deadline.has_passed():
                raise
            time.sleep(0.005)
