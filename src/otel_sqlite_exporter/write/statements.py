# SPDX-License-Identifier: Apache-2.0
"""Writes many rows with one statement.

Each step of a statement releases the interpreter lock, and beside a busy thread of the application it takes up to 5 ms
to get it back: 2,048 rows take 1,200 ms with `executemany`, and 24 ms with one `INSERT` of all rows.

Preparing such a statement costs 7 us a row, as much as running it. So the number of rows is rounded up to a power of
two with rows of zeros, which the statement's WHERE leaves out: a few texts serve batches of every size, and SQLite
finds its prepared statement again. Binding None costs 670 ns where an integer costs 25 (Python 3.11), so the statement
leaves out columns that are NULL in all rows.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache, lru_cache
from itertools import compress, repeat
from typing import Any

import orjson

from otel_sqlite_exporter.sql.texts import read_query, split_statements

_DELETES_FROM = re.compile(r"^DELETE FROM (\w+)", re.MULTILINE)
_KEPT_TEXTS = 32
_MOST_ROWS = 2_048
"""Rows of one statement: preparing it costs 9 us a row up to here, and 80 with 8,192 of them."""


def take_new(columns: Sequence[str]) -> dict[str, str]:
    """Return an `update` of `Insert` that replaces `columns` of the existing row with the new values."""
    return {column: f"excluded.{column}" for column in columns}


class Insert:
    """The columns of a table, and the `INSERT` that writes rows of them. Where a row with the same `key` exists (one
    column or more), `update` sets its columns to SQL expressions (an empty `update` changes nothing), if the condition
    `when` holds. Without `key`, it is an error."""

    def __init__(
        self,
        table: str,
        columns: Sequence[str],
        *,
        key: str | None = None,
        update: Mapping[str, str] | None = None,
        when: str = "",
    ) -> None:
        self.table = table
        self.columns = tuple(columns)
        self._tail = ""
        if key:
            changes = ", ".join(f"{column} = {expression}" for column, expression in (update or {}).items())
            self._tail = f" ON CONFLICT ({key}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")
            self._tail += f" WHERE {when}" if when else ""
        self.text = lru_cache(_KEPT_TEXTS)(self._build_text)

    def _build_text(self, rows: int, kept: tuple[bool, ...]) -> str:
        columns = ", ".join(compress(self.columns, kept))
        row = f"({', '.join('?' * sum(kept))})"
        return (
            f"INSERT INTO {self.table} ({columns}) "
            f"SELECT * FROM (VALUES {', '.join([row] * rows)}) WHERE column1 > 0{self._tail}"
        )


class TableRows:
    """The rows that one batch writes into one table. `add(row)` takes the values of one row in the order of the
    columns; the first is a positive number or a text."""

    __slots__ = ("_insert", "_values", "add")

    def __init__(self, insert: Insert) -> None:
        self._insert = insert
        # One flat list, as it is bound, and no method of Python's between the caller and the list.
        self._values: list[Any] = []
        self.add = self._values.extend

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows: one statement for each 2,048, or fewer where SQLite's limit of parameters is lower; none for
        no rows."""
        width = len(self._insert.columns)
        most = width << min(find_parameter_limit() // width, _MOST_ROWS).bit_length() - 1
        for first in range(0, len(self._values), most):
            self._write(connection, self._values[first : first + most])

    def _write(self, connection: sqlite3.Connection, values: list[Any]) -> None:
        width = len(self._insert.columns)
        rows = len(values) // width
        # Comparing None with something else takes 50 ns, and most columns show by their first value that they are kept.
        kept = tuple(values[column] is not None or values[column::width].count(None) < rows for column in range(width))
        for column in reversed(range(width)):
            if not kept[column]:
                del values[column::width]
                width -= 1
        rounded = 1 << (rows - 1).bit_length()
        values += repeat(0, (rounded - rows) * width)
        connection.execute(self._insert.text(rounded, kept), values)


def run_script(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> None:
    """Run each statement of a query file; `parameters` are passed as JSON."""
    values = encode_parameters(parameters)
    for statement in split_statements(read_query(name)):
        connection.execute(statement, values)


def remove_rows(connection: sqlite3.Connection, name: str, values: Mapping[str, object]) -> Counter[str]:
    """Run each statement of a query file, and return how many rows those that delete removed, by table."""
    removed: Counter[str] = Counter()
    for statement in split_statements(read_query(name)):
        count = connection.execute(statement, values).rowcount
        if found := _DELETES_FROM.search(statement):
            removed[found[1]] += count
    return removed


def run_query(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> sqlite3.Cursor:
    """Run the one statement of a query file; `parameters` are passed as JSON."""
    return connection.execute(read_query(name), encode_parameters(parameters))


def read_json(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> list[Any]:
    """Return the columns of the one row that the statement of a query file gives, each decoded from JSON."""
    return [orjson.loads(column) for column in run_query(connection, name, **parameters).fetchone()]


def read_rows(connection: sqlite3.Connection, name: str, **parameters: Collection[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the one statement of a query file, all read at once, by the names of their columns."""
    cursor = run_query(connection, name, **parameters)
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def encode_parameters(parameters: Mapping[str, Collection[Any]]) -> dict[str, str]:
    """Return the parameters of a statement, each as JSON."""
    return {key: orjson.dumps(value, default=list).decode() for key, value in parameters.items()}


@cache
def find_parameter_limit() -> int:
    """Return how many parameters one statement may have, as the SQLite library was built."""
    with closing(sqlite3.Connection(":memory:")) as connection:  # `connect` may be instrumented
        return connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
