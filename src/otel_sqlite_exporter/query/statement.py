# SPDX-License-Identifier: Apache-2.0
"""A statement that somebody else wrote, run so that it can read and do nothing else.

The connection is read-only; beyond that, SQLite asks an authorizer for everything that a statement is about to do, and
only reading is allowed. (A read-only connection alone could attach another file and write to it.)
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.reading import Reading

_ACTIONS = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE))
_SHOWING = frozenset(
    (
        *("application_id", "auto_vacuum", "collation_list", "compile_options", "database_list", "encoding"),
        *("freelist_count", "function_list", "journal_mode", "page_count", "page_size", "query_only", "schema_version"),
        *("table_list", "user_version"),
    )
)
"""Pragmas that show something, as long as they are given nothing."""
_DESCRIBING = frozenset(
    ("foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_list", "table_xinfo")
)
"""Pragmas that take a name and change nothing."""
_REFUSED_FUNCTIONS = frozenset(("load_extension", "fts3_tokenizer"))
_STEPS_BETWEEN_SIGNALS = 100_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave, bytes as hex text; `total` is None where it would have given more. Of columns with the
    same name the later ones are told apart as in SQLite's views: `a`, `a:1`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None

    def describe(self) -> str:
        """Return how much of the whole this is."""
        return f"{len(self.rows):,} of {'more' if self.total is None else f'{self.total:,}'}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def run_statement(reading: Reading, text: str, *, limit: int) -> Rows:
    """Run one statement and return up to `limit` of its rows.

    Raises:
        FilterError: It would do something else than read, is none or more than one, or SQLite cannot run it.
    """
    connection = reading.connection
    connection.row_factory = None
    connection.set_authorizer(_authorize)
    # So that an interrupt is noticed while SQLite is at work.
    connection.set_progress_handler(lambda: None, _STEPS_BETWEEN_SIGNALS)
    try:
        cursor = connection.execute(text)
        if cursor.description is None:
            raise FilterError("statement", "it gives no rows: give a SELECT")
        columns = _tell_apart([column for column, *_ in cursor.description])
        rows = cursor.fetchmany(limit + 1)
    except (sqlite3.Error, sqlite3.Warning) as error:
        if "not authorized" in str(error) or "prohibited" in str(error):
            raise FilterError("statement", f"only reading is allowed here: give a SELECT ({error})") from None
        raise FilterError("statement", f"SQLite cannot run it: {error}") from None
    finally:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)
    readable = [tuple(cell.hex() if isinstance(cell, bytes) else cell for cell in row) for row in rows[:limit]]
    return Rows(columns, tuple(readable), len(rows) if len(rows) <= limit else None)


def _tell_apart(names: Sequence[str]) -> tuple[str, ...]:
    different: dict[str, None] = {}
    for name in names:
        candidates = (f"{name}:{number}" if number else name for number in itertools.count())
        different[next(candidate for candidate in candidates if candidate not in different)] = None
    return tuple(different)


def _authorize(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    is_allowed = action in _ACTIONS
    if action == sqlite3.SQLITE_FUNCTION:
        is_allowed = second not in _REFUSED_FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        is_allowed = first in (_SHOWING if second is None else _DESCRIBING)
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY
