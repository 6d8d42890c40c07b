# SPDX-License-Identifier: Apache-2.0
"""Runs a user's SQL statement so that it can read the views of this file and do nothing else.

The connection is read-only, and an authorizer allows only reading. (A read-only connection alone could attach another
file and write to it.) What may be named: see `readable_names`.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.pages import TableResult
from otel_sqlite_exporter.query.sandbox.readable_names import (
    authorize,
    compile_beside,
    connect_tables,
    distrust_schema,
    is_blank,
    list_views,
)

_READ_ONLY = "only reading is allowed here: give a SELECT"
_CHANGE = "because it is a view"
"""The end of SQLite's error for a statement that would change the rows of a view; the authorizer is not asked then."""
_TICK_S = 0.02
Parameters = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatementResult(TableResult):
    """The rows of a statement, bytes as hex text. `total` is None if there are more rows. Columns of the same name are
    numbered, as in SQLite's views: `a`, `a:1`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None


def run_statement(
    connection: sqlite3.Connection,
    text: str,
    *,
    parameters: Parameters = (),
    limit: int,
    timeout_s: float = math.inf,
) -> StatementResult:
    """Run one statement, for up to `timeout_s` seconds, and return up to `limit` of its rows.

    Raises:
        FilterError: `text` does more than read, is not exactly one statement, takes too long, or fails.
    """
    with executing(connection, text, parameters, timeout_s) as cursor:
        columns = name_columns(cursor)
        rows = cursor.fetchmany(limit + 1)
    readable = [tuple(cell.hex() if isinstance(cell, bytes) else cell for cell in row) for row in rows[:limit]]
    return StatementResult(columns, tuple(readable), len(rows) if len(rows) <= limit else None)


@contextlib.contextmanager
def executing(
    connection: sqlite3.Connection, text: str, parameters: Parameters, timeout_s: float
) -> Iterator[sqlite3.Cursor]:
    """Run one statement that only reads; its rows are fetched in the `with` block, which ends after `timeout_s`.

    Raises:
        FilterError: As for `run_statement`.
    """
    if is_blank(text):
        raise FilterError("statement", "it returns no rows: give a SELECT")
    denied: list[int] = []
    deadline = time.monotonic() + timeout_s
    distrust_schema(connection)
    try:
        compile_beside(connection, text, parameters, denied, lambda: time.monotonic() > deadline)
        connect_tables(connection, text)
        connection.set_authorizer(authorize(None, denied))
        with interrupting(connection, deadline):
            cursor = connection.execute(text, parameters)
            if cursor.description is None:
                raise FilterError("statement", "it returns no rows: give a SELECT")
            yield cursor
    except (sqlite3.Error, sqlite3.Warning) as error:
        if "interrupted" in str(error) and time.monotonic() > deadline:
            raise FilterError("timeout_s", f"the statement took longer than {timeout_s:g} s") from None
        raise _explain(connection, text, error, denied) from None
    except UnicodeEncodeError:
        raise FilterError("statement", "it is not Unicode") from None
    finally:
        connection.set_authorizer(None)


def interrupting(connection: sqlite3.Connection, deadline: float) -> contextlib.AbstractContextManager[None]:
    """Interrupt what runs on a connection in the block once the deadline has passed."""
    return calling_after(deadline, connection.interrupt)  # again and again: one between two steps does nothing


@contextlib.contextmanager
def calling_after(deadline: float, act: Callable[[], None]) -> Iterator[None]:
    """Call `act` again and again once the deadline has passed, until the block ends. Another thread does so: it is on
    time also where single steps of a statement are slow."""
    if deadline == math.inf:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        is_over = done.wait(max(deadline - time.monotonic(), 0))
        while not is_over:
            act()
            is_over = done.wait(_TICK_S)

    watcher = threading.Thread(target=watch, name="statement deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def name_columns(cursor: sqlite3.Cursor) -> tuple[str, ...]:
    """Return the names of the columns of a result, each once."""
    different: dict[str, None] = {}
    for name, *_ in cursor.description:
        candidates = (f"{name}:{number}" if number else name for number in itertools.count())
        different[next(candidate for candidate in candidates if candidate not in different)] = None
    return tuple(different)


def _explain(
    connection: sqlite3.Connection, text: str, error: sqlite3.Error | sqlite3.Warning, denied: list[int]
) -> BaseException:
    """Return the error that says what to do about one of SQLite."""
    said = str(error)
    connection.set_authorizer(None)
    if "not authorized" in said or "prohibited" in said:
        if not denied:  # Ctrl-C while the function ran: SQLite takes its exception for a refusal
            return KeyboardInterrupt()
        return FilterError("statement", f"{_READ_ONLY} ({said})")
    if said.endswith(_CHANGE):
        return FilterError("statement", f"{_READ_ONLY} ({said})")
    unknown = said.partition("no such table: ")[2]
    if (private := unknown.rpartition(".")[2]).startswith("_"):
        return FilterError("statement", f"{private} is private: ask the views (docs/schema.md)")
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError) and "binding" in said:
        return FilterError("parameters", f"they do not fit the statement: {said}")
    return FilterError("statement", f"SQLite cannot run it: {said}{_suggest(connection, text, said)}")


def _suggest(connection: sqlite3.Connection, text: str, error: str) -> str:
    """Return what to do about a table or a column that does not exist."""
    views = list_views(connection)
    if (unknown := error.partition("no such table: ")[2]) and (close := _find_close(unknown, views)):
        return close
    if unknown:
        return f"; the views are {', '.join(views)} (docs/schema.md)"
    if not (unknown := error.partition("no such column: ")[2].partition(" - ")[0].strip('"')):
        return ""
    asked = [view for view in views if re.search(rf"\b{re.escape(view)}\b", text, re.IGNORECASE)]
    quoted = [view.replace('"', '""') for view in asked]
    rows = [connection.execute(f'SELECT * FROM "{view}" LIMIT 0') for view in quoted]
    columns = [name for cursor in rows for name, *_ in cursor.description]
    lists = f"; `PRAGMA table_info({asked[0]})` lists the columns (docs/schema.md)" if asked else ""
    return _find_close(unknown, columns) or lists


def _find_close(unknown: str, names: Sequence[str]) -> str:
    wanted = unknown.rpartition(".")[2].lower()
    close = difflib.get_close_matches(wanted, names) or [name for name in names if wanted in name.split("_")]
    return f"; did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""
