# SPDX-License-Identifier: Apache-2.0
"""Steps that go over all rows of a table: in batches, each a transaction with the note of how far it came.

The text of such a step has three parts: what is done before the first batch; after a line `-- each N rows of TABLE`,
what is done to the rows `WHERE id > :after AND id <= :upto`; after a line `-- then`, what is done in the end, together
with the new version number. Until then the views stay as they are, so only the last part may rename what they use.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from otel_sqlite_exporter.sql.texts import split_statements
from otel_sqlite_exporter.storage.state import forget_state, read_number, write_state

_EACH = re.compile(r"^-- each (\d+) rows of (\w+)$", re.MULTILINE)
_THEN = re.compile(r"^-- then$", re.MULTILINE)


class LongStep(NamedTuple):
    """A step in its parts, with the table that it goes through and the number of rows in a batch."""

    before: str
    rows: int
    table: str
    each: str
    then: str


@cache
def parse_long_step(sql: str) -> LongStep | None:
    """Return the parts of a step, or None if it does not go in batches.

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


def run_batch(connection: sqlite3.Connection, version: int, step: LongStep) -> tuple[int, int] | None:
    """Do the next batch in the caller's transaction, and return (last id that is done, greatest id); None if no row is
    left: then the caller completes the step in this transaction, as others may write more rows after it.

    Raises:
        sqlite3.Error: The caller is to roll back; the batches before this one stay.
    """
    note = f"step {version}"
    position = read_number(connection, note)
    if position is None:
        run_statements(connection, step.before)
        write_state(connection, note, 0)
    after = position or 0
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {step.table}").fetchone()
    if after >= last:
        forget_state(connection, note)
        return None
    # Ids have gaps.
    ids = f"SELECT max(id) FROM (SELECT id FROM {step.table} WHERE id > ? ORDER BY id LIMIT ?)"
    (upto,) = connection.execute(ids, (after, step.rows)).fetchone()
    run_statements(connection, step.each, {"after": after, "upto": upto})
    write_state(connection, note, upto)
    return upto, last


def run_statements(connection: sqlite3.Connection, sql: str, parameters: Mapping[str, int] | None = None) -> None:
    """Run each statement of `sql` in the caller's transaction."""
    for statement in split_statements(sql):
        connection.execute(statement, parameters or {})
