# SPDX-License-Identifier: Apache-2.0
"""Writes many rows with one statement.

Each step of a statement gives the interpreter lock away, and beside a busy thread of the application it takes up to
5 ms to get it back: measured on 2,048 rows, 1,200 ms with `executemany` and 24 ms with one `INSERT` of all rows.

Preparing such a statement costs 7 us a row, as much as running it. So the number of rows is rounded up to a power of
two, with rows of zeros that its WHERE leaves out, and the few texts that this takes are kept, so that SQLite finds its
prepared statement again whatever the size of a batch. And binding None costs 670 ns where an integer costs 25 (Python
3.11), so a column that is NULL in all rows is left out of the statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import compress, repeat
from typing import Any

import orjson

from otel_sqlite_exporter.sql.texts import read_query, split_statements

_DEFAULT_LIMIT = 32_766  # SQLITE_MAX_VARIABLE_NUMBER since SQLite 3.32
_KEPT_TEXTS = 32


def take_new(columns: Sequence[str]) -> dict[str, str]:
    """Return an `update` by which a row that is there takes the new values of `columns`."""
    return {column: f"excluded.{column}" for column in columns}


class Insert:
    """One `INSERT` into `table`. Where a row with the same `key` column is there, the columns of `update` take the
    values of its expressions (with an empty `update`, nothing happens). Without `key` such a row is an error."""

    def __init__(
        self, table: str, columns: Sequence[str], *, key: str | None = None, update: Mapping[str, str] | None = None
    ) -> None:
        self._table = table
        self._columns = tuple(columns)
        self._tail = ""
        if key:
            changes = ", ".join(f"{column} = {expression}" for column, expression in (update or {}).items())
            self._tail = f" ON CONFLICT ({key}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")
        self._text = lru_cache(_KEPT_TEXTS)(self._build)

    def run(self, connection: sqlite3.Connection, values: list[Any]) -> int:
        """Write `values`, the rows one after the other, and return how many rows were inserted or changed. One
        statement, unless the values exceed SQLite's limit of parameters; none for no values. The first column of a
        row is a positive number or a text."""
        width = len(self._columns)
        most = width << (find_parameter_limit() // width).bit_length() - 1
        return sum(self._run(connection, values[first : first + most]) for first in range(0, len(values), most))

    def _run(self, connection: sqlite3.Connection, values: list[Any]) -> int:
        width = len(self._columns)
        rows = len(values) // width
        # Comparing None with something else takes 50 ns, and most columns show by their first value that they are kept.
        kept = tuple(values[place] is not None or values[place::width].count(None) < rows for place in range(width))
        for place in reversed(range(width)):
            if not kept[place]:
                del values[place::width]
                width -= 1
        rounded = 1 << (rows - 1).bit_length()
        values += repeat(0, (rounded - rows) * width)
        return connection.execute(self._text(rounded, kept), values).rowcount

    def _build(self, rows: int, kept: tuple[bool, ...]) -> str:
        columns = ", ".join(compress(self._columns, kept))
        row = f"({', '.join('?' * sum(kept))})"
        return (
            f"INSERT INTO {self._table} ({columns}) "
            f"SELECT * FROM (VALUES {', '.join([row] * rows)}) WHERE column1 > 0{self._tail}"
        )


def run_script(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> None:
    """Run each statement of a query file; `parameters` are passed as JSON."""
    values = _encode(parameters)
    for statement in split_statements(read_query(name)):
        connection.execute(statement, values)


def run_query(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> sqlite3.Cursor:
    """Run the one statement of a query file; `parameters` are passed as JSON."""
    return connection.execute(read_query(name), _encode(parameters))


def read_rows(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the one statement of a query file, all read at once, by the names of their columns."""
    cursor = run_query(connection, name, **parameters)
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def _encode(parameters: Mapping[str, Collection[Any]]) -> dict[str, str]:
    return {key: orjson.dumps(value, default=list).decode() for key, value in parameters.items()}


@cache
def find_parameter_limit() -> int:
    """Return how many parameters one statement may have. (`Connection.getlimit` needs Python 3.11.)"""
    connection = sqlite3.Connection(":memory:")
    try:
        options = [row[0] for row in connection.execute("PRAGMA compile_options")]
    finally:
        connection.close()
    limits = [int(option.partition("=")[2]) for option in options if option.startswith("MAX_VARIABLE_NUMBER=")]
    return limits[0] if limits else _DEFAULT_LIMIT
