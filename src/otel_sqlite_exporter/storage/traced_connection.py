# SPDX-License-Identifier: Apache-2.0
"""A connection that traces itself for a bug report, where the environment variable OTEL_EXPORTER_SQLITE_DEBUG is set.

A trace contains no telemetry: statements keep their placeholders and lose their literals, and of an error only the name
is written. Each line is one write to the end of the file, so several processes can share it. Where the file is a pipe
or a terminal that cannot take a line at once, the line is lost: a trace never blocks.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import platform
import re
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from importlib import metadata
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from otel_sqlite_exporter.declarations import name_variable
from otel_sqlite_exporter.process_settings import resolve_environment
from otel_sqlite_exporter.storage.transactions import BoundedConnection

_logger = logging.getLogger(__name__)
_LONGEST_STATEMENT = 1_000
_LITERALS = re.compile(
    r"""'(?:[^']|'')*'? | "(?:[^"]|"")*"? | `(?:[^`]|``)*`? | \[[^\]]*\]? | [$@\#:]\w[\w:]*\([^\s)]*\)?
    | --[^\n]* | /\*.*?(?:\*/|$) | (?<![\w?:@$])\d[\w.]*""",
    re.DOTALL | re.VERBOSE,
)
_SQLITE_HEADER = b"SQLite format 3"
_OF_A_DATABASE = "it is a database or a file beside one"
_SUFFIXES = ("", "-wal", "-shm", "-journal", "-spool")
_numbers = itertools.count(1)


class TracedConnection(BoundedConnection):
    """Traces what the variable names: `connection`, a line for opening and closing; `sql`, one for each statement."""

    def __init__(self, database: str, **keywords: Any) -> None:
        self._traced = resolve_environment().debug
        self._name = f"{os.getpid()}/{next(_numbers)}"
        named = unquote_to_bytes(urlsplit(database).path) if keywords.get("uri") else database
        own = {os.path.realpath(os.fsdecode(named)) + suffix for suffix in _SUFFIXES}
        path = resolve_environment().debug_file
        self._trace = _open_trace(path, path is not None and os.path.realpath(path) in own)
        began = time.perf_counter()
        try:
            super().__init__(database, **keywords)
        except sqlite3.Error as error:
            self._write_event(f"could not open {database}: {_name_error(error)}")
            raise
        self._write_event(f"opened {database} in {(time.perf_counter() - began) * 1000:.3f} ms")

    def close(self) -> None:
        """Close the connection."""
        super().close()
        self._write_event("closed")

    def cursor(self, factory: Any = None) -> Any:
        """Return a cursor, which traces its statements if the variable names `sql`."""
        return super().cursor(factory or (TracedCursor if "sql" in self._traced else sqlite3.Cursor))

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Run one statement."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        """Run one statement for each item of `parameters`."""
        return self.cursor().executemany(sql, parameters)

    def write_line(self, text: str) -> None:
        """Write a line to the trace. Never raises an Exception."""
        now = time.time()
        clock = f"{time.strftime('%H:%M:%S', time.localtime(now))}.{int(now % 1 * 1000):03}"
        _write(self._trace, f"{clock} {self._name} {text}\n")

    def _write_event(self, text: str) -> None:
        if "connection" in self._traced:
            self.write_line(text)


class TracedCursor(sqlite3.Cursor):
    """Writes a line for each statement when its last row is fetched or the cursor is closed, with the time in SQLite:
    that of the start, up to the first row, and that of each fetch."""

    _sql: str | None = None
    _seconds = 0.0
    _rows = 0

    def execute(self, sql: str, parameters: Any = (), /) -> TracedCursor:
        """Run one statement."""
        return self._start(super().execute, sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> TracedCursor:
        """Run one statement for each item of `parameters`."""
        return self._start(super().executemany, sql, parameters)

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self, None)

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        """Return up to `size` rows."""
        return [*itertools.islice(self, size)]

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return [*self]

    def __next__(self) -> Any:
        """Return the next row."""
        row = self._time(super().__next__)
        self._rows += 1
        return row

    def close(self) -> None:
        """Close the cursor."""
        self._finish()
        super().close()

    def __del__(self) -> None:
        """Write the line of a statement whose rows nobody fetched."""
        self._finish()

    def _start(self, run: Callable[..., Any], sql: str, parameters: Any) -> TracedCursor:
        self._finish()
        self._sql, self._seconds, self._rows = sql, 0.0, 0
        self._time(run, sql, parameters)
        if self.description is None:  # it gives no rows
            self._rows = max(self.rowcount, 0)
            self._finish()
        return self

    def _time(self, call: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            result = call(*arguments)
        except BaseException as error:
            self._seconds += time.perf_counter() - began
            self._finish(None if isinstance(error, StopIteration) else error)
            raise
        self._seconds += time.perf_counter() - began
        return result

    def _finish(self, error: BaseException | None = None) -> None:
        sql, self._sql = self._sql, None
        if sql is not None:
            outcome = f"{self._rows:6} rows" if error is None else _name_error(error)
            line = f"{self._seconds * 1000:10.3f} ms {outcome}  {mask_literals(sql)}"
            self.connection.write_line(line)  # type: ignore[attr-defined]


def mask_literals(sql: str) -> str:
    """Return a statement on one line, without comments, texts and numbers. A PRAGMA keeps what it sets."""
    keeps = sql.lstrip()[:6].upper() == "PRAGMA"

    def mask(found: re.Match[str]) -> str:
        literal = found[0]
        if literal.startswith(("--", "/*")):
            return " "
        if keeps:
            return literal
        if literal[0] in "$@#:":  # a placeholder in the style of Tcl
            return f"{literal.partition('(')[0]}(...)"
        return f"{literal[0]}...{']' if literal[0] == '[' else literal[0]}" if literal[0] in "'\"`[" else "0"

    text = " ".join(_LITERALS.sub(mask, sql).split())
    more = len(text) - _LONGEST_STATEMENT
    return text if more <= 0 else f"{text[:_LONGEST_STATEMENT]} ... ({more} more characters)"


def _name_error(error: BaseException) -> str:
    # Its message may quote the statement or a value.
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


@cache
def _open_trace(path: str | None, is_of_database: bool) -> int | None:
    """Return the descriptor to write to, or None where there is none. The first line there has the versions."""
    descriptor = None if path is None else _open_file(path, is_of_database)
    # Not sys.stderr: a program may turn it into log records, which an exporter would write, and trace, without end.
    if descriptor is None and sys.__stderr__ is not None:
        with contextlib.suppress(OSError, ValueError):
            descriptor = sys.__stderr__.fileno()
    packages = [f"{name} {_find_version(name)}" for name in ("otel-sqlite-exporter", "opentelemetry-sdk")]
    platforms = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}", sys.platform]
    _write(descriptor, f"{time.strftime('%Y-%m-%d %H:%M:%S %z')} {', '.join(packages + platforms)}\n")
    return descriptor


def _open_file(path: str, is_of_database: bool) -> int | None:
    # Windows has neither of the two flags.
    at_once = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    # A pipe that is open for reading too would never be without a reader.
    access = os.O_WRONLY if os.path.exists(path) and not os.path.isfile(path) else os.O_RDWR | os.O_CREAT
    try:
        if is_of_database:
            raise OSError(_OF_A_DATABASE)
        descriptor = os.open(path, access | os.O_APPEND | at_once, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or os.read(descriptor, len(_SQLITE_HEADER)) != _SQLITE_HEADER:
            return descriptor
        # It stays open: closing it would drop the locks of every connection that this process has to the database.
        raise OSError(_OF_A_DATABASE)
    except OSError as error:
        variable = name_variable("debug_file")
        _logger.warning("%s=%r cannot be used: %s; using standard error", variable, path, error)
        return None


def _find_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # as in a program that was frozen into one file
        return "of unknown version"


def _write(descriptor: int | None, line: str) -> None:
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.write(descriptor, line.encode("utf-8", "backslashreplace"))
