# SPDX-License-Identifier: Apache-2.0
"""Runs a user's SQL statement so that it can read this file and do nothing else.

The connection is read-only, and an authorizer allows only reading. (A read-only connection alone could attach another
file and write to it.)
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.pages import TableResult
from otel_sqlite_exporter.storage.connection import STEPS_BETWEEN_SIGNALS, allow_signals

_ACTIONS = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE))
_READING_PRAGMAS = frozenset(
    (
        *("application_id", "auto_vacuum", "collation_list", "compile_options", "database_list", "encoding"),
        *("freelist_count", "function_list", "journal_mode", "page_count", "page_size", "query_only", "schema_version"),
        *("table_list", "user_version"),
    )
)
"""Pragmas that only read if they have no argument."""
_DESCRIBING_PRAGMAS = frozenset(
    ("foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo")
)
"""Pragmas that only read, with a name as their argument."""
_READ_ONLY = "only reading is allowed here: give a SELECT"
_CHANGE = "because it is a view"
"""The end of SQLite's error for a statement that would change the rows of a view; the authorizer is not asked then."""
_REFUSED_FUNCTIONS = frozenset(("load_extension", "fts3_tokenizer"))


@dataclass(frozen=True, slots=True)
class StatementResult(TableResult):
    """The rows of a statement, bytes as hex text. `total` is None if there are more rows. Columns of the same name are
    numbered, as in SQLite's views: `a`, `a:1`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None


def run_statement(
    connection: sqlite3.Connection, text: str, *, limit: int, timeout_s: float = math.inf
) -> StatementResult:
    """Run one statement, for up to `timeout_s` seconds, and return up to `limit` of its rows.

    Raises:
        FilterError: `text` does more than read, is not exactly one statement, takes too long, or fails.
    """
    denied: list[int] = []

    def authorize(action: int, *names: str | None) -> int:
        if not _is_allowed(action, *names):
            denied.append(action)
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    deadline = time.monotonic() + timeout_s
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_SIGNALS)
    try:
        cursor = connection.execute(text)
        if cursor.description is None:
            raise FilterError("statement", "it returns no rows: give a SELECT")
        columns = _number_duplicates([column for column, *_ in cursor.description])
        rows = cursor.fetchmany(limit + 1)
    except (sqlite3.Error, sqlite3.Warning) as error:
        if "interrupted" in str(error) and time.monotonic() > deadline:
            raise FilterError("timeout_s", f"the statement took longer than {timeout_s:g} s") from None
        if "not authorized" in str(error) or "prohibited" in str(error):
            if not denied:  # Ctrl-C while the function ran: SQLite takes its exception for a refusal
                raise KeyboardInterrupt from None
            raise FilterError("statement", f"{_READ_ONLY} ({error})") from None
        if str(error).endswith(_CHANGE):
            raise FilterError("statement", f"{_READ_ONLY} ({error})") from None
        raise FilterError(
            "statement", f"SQLite cannot run it: {error}{_suggest(connection, text, str(error))}"
        ) from None
    finally:
        connection.set_authorizer(None)
        allow_signals(connection)
    readable = [tuple(cell.hex() if isinstance(cell, bytes) else cell for cell in row) for row in rows[:limit]]
    return StatementResult(columns, tuple(readable), len(rows) if len(rows) <= limit else None)


def _suggest(connection: sqlite3.Connection, text: str, error: str) -> str:
    """Return what to do about a table or a column that does not exist."""
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view' AND name NOT GLOB '_*' ORDER BY 1")
    views = [name for (name,) in found]
    if (unknown := error.partition("no such table: ")[2]) and (close := _find_close(unknown, views)):
        return close
    if unknown:
        return f"; the views are {', '.join(views)} (docs/schema.md)"
    if not (unknown := error.partition("no such column: ")[2].partition(" - ")[0].strip('"')):
        return ""
    asked = [view for view in views if re.search(rf"\b{view}\b", text, re.IGNORECASE)]
    rows = [connection.execute(f"SELECT * FROM {view} LIMIT 0") for view in asked]
    columns = [name for cursor in rows for name, *_ in cursor.description]
    lists = f"; `PRAGMA table_info({asked[0]})` lists the columns (docs/schema.md)" if asked else ""
    return _find_close(unknown, columns) or lists


def _find_close(unknown: str, names: Sequence[str]) -> str:
    wanted = unknown.rpartition(".")[2].lower()
    close = difflib.get_close_matches(wanted, names) or [name for name in names if wanted in name.split("_")]
    return f"; did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""


def _number_duplicates(names: Sequence[str]) -> tuple[str, ...]:
    different: dict[str, None] = {}
    for name in names:
        candidates = (f"{name}:{number}" if number else name for number in itertools.count())
        different[next(candidate for candidate in candidates if candidate not in different)] = None
    return tuple(different)


def _is_allowed(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> bool:
    is_allowed = action in _ACTIONS
    if action == sqlite3.SQLITE_FUNCTION:
        is_allowed = second not in _REFUSED_FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        is_allowed = first in (_READING_PRAGMAS if second is None else _DESCRIBING_PRAGMAS)
    return is_allowed
