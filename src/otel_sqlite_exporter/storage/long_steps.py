# SPDX-License-Identifier: Apache-2.0
"""Steps that go over all rows of a table: in batches, each a transaction with the note of how far it came.

The text of such a step has three parts: what is done before, a line `-- each N rows of TABLE`, what is done to the
rows `WHERE id > :after AND id <= :upto`, a line `-- then`, and what is done in the end, with the new version number.
Where SQL is not enough, `PYTHON_STEPS` has a function for the middle part.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

_EACH = re.compile(r"^-- each (\d+) rows of (\w+)$", re.MULTILINE)
_THEN = re.compile(r"^-- then$", re.MULTILINE)

Work = Callable[[sqlite3.Connection, int, int], None]
"""Changes the rows of a table whose ids are greater than the first number, up to the second, in the transaction that
the caller has begun."""

PYTHON_STEPS: Mapping[int, Work] = {}
"""What long steps do to the rows of their table, by version, where their text has no SQL for it."""


class LongStep(NamedTuple):
    """A step in its parts: how many rows of which table are a batch."""

    before: str
    rows: int
    table: str
    each: str
    then: str


def parse_long_step(sql: str) -> LongStep | None:
    """Return the parts of a step, or None if it is none that goes in batches.

    Raises:
        ValueError: It has no line `-- then`.
    """
    each = _EACH.search(sql)
    if each is None:
        return None
    then = _THEN.search(sql, each.end())
    if then is None:
        raise ValueError(f"a step with a line {each[0]!r} needs a line '-- then'")
    return LongStep(sql[: each.start()], int(each[1]), each[2], sql[each.end() : then.start()], sql[then.end() :])


def run_batches(
    connection: sqlite3.Connection, version: int, step: LongStep, work: Work, begin: Callable[[], bool]
) -> Iterator[tuple[int, int]]:
    """Go over the rows of a step from where it stood, and yield (last id that is done, greatest id) after each batch.
    `begin` begins a transaction; it returns false, in none, where another process has done the step meanwhile. What is
    written into the table meanwhile is gone over too; the caller holds the last transaction, and ends it.

    Raises:
        sqlite3.Error: A batch failed and was rolled back; the ones before it stay.
    """
    while begin():
        try:
            position = read_position(connection, version)
            (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {step.table}").fetchone()
            if position is None or position >= last:
                return
            upto = min(position + step.rows, last)
            work(connection, position, upto)
            connection.execute("UPDATE _migration_progress SET position = ? WHERE version = ?", (upto, version))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        yield upto, last


def note_beginning(connection: sqlite3.Connection, version: int) -> None:
    """Note, in the caller's transaction, that what is done before the batches is done."""
    connection.execute(
        "CREATE TABLE _migration_progress (version INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT"
    )
    connection.execute("INSERT INTO _migration_progress VALUES (?, 0)", (version,))


def read_position(connection: sqlite3.Connection, version: int) -> int | None:
    """Return the last id that the batches of a step have done, or None if it has not begun."""
    query = "SELECT count(*) FROM sqlite_schema WHERE name = '_migration_progress'"
    if not connection.execute(query).fetchone()[0]:
        return None
    row = connection.execute("SELECT position FROM _migration_progress WHERE version = ?", (version,)).fetchone()
    return None if row is None else int(row[0])
