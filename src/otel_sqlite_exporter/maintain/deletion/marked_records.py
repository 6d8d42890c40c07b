# SPDX-License-Identifier: Apache-2.0
"""What a run of `delete` is still to remove, as the file notes it: so a run that was stopped can be completed, though
the rest of a session does not tell any more what was."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.leftovers import RemovedNames
from otel_sqlite_exporter.maintain.deletion.marked_points import mark_points
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove

_RULE, _SESSION, _TRACE, _SPAN, _INDEX = range(5)
_MOST_SPANS = 24
"""Of which the ids are looked for in the end. Where one has left bytes in free space, most have."""
_AT_ONCE = 2_000
"""Rows that one transaction notes: about 10 ms."""


class PendingDeletion(NamedTuple):
    """A run of `delete` that was not completed: its key in the ledger, its id, and its rule."""

    key: int
    run_id: str
    rule: DeletionRule


def find_pending(connection: sqlite3.Connection) -> list[PendingDeletion]:
    """Return the runs that were not completed, the first one first."""
    rows = connection.execute(read_query("find_pending_deletions")).fetchall()
    return [PendingDeletion(key, run_id, DeletionRule.load(rule)) for key, run_id, rule in rows]


def mark_records(
    connection: sqlite3.Connection,
    key: int,
    rule: DeletionRule,
    *,
    chosen: int,
    has_index: bool,
    rest: Callable[[float], object] = lambda held: None,
) -> None:
    """Note what the run `key` is to remove: what `choose_records` found, with `chosen` spans. In short transactions,
    after each of which `rest` is called with the seconds that it held the file; the last one notes the rule, and until
    then nothing counts as noted. Not to be called in a transaction.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written.
    """
    samples = connection.execute(read_query("list_chosen_spans"), {"every": max(1, chosen // _MOST_SPANS)})
    names = [
        *(
            (_SESSION if kind == 1 else _TRACE, name)
            for kind, name in connection.execute(read_query("list_chosen_names"))
        ),
        *((_SPAN, span_id) for (span_id,) in samples),
    ]
    mark_points(connection, key, rule, rest)
    records = connection.execute(read_query("order_marks")).rowcount
    for after in range(0, records, _AT_ONCE):
        values = {"deletion": key, "after": after, "upto": after + _AT_ONCE}
        with _resting(connection, rest):
            connection.execute(read_query("mark_records"), values)
    has_rule = connection.execute(
        "SELECT 1 FROM _deletion_names WHERE deletion = ? AND kind = ?", (key, _RULE)
    ).fetchone()
    if not has_rule:
        names += [(_INDEX, "")] if has_index else []
        names.append((_RULE, rule.dump()))
    for first in range(0, len(names), _AT_ONCE):
        rows = [(key, *name) for name in names[first : first + _AT_ONCE]]
        with _resting(connection, rest):
            connection.executemany("INSERT INTO _deletion_names (deletion, kind, name) VALUES (?, ?, ?)", rows)


def forget_unused_marks(connection: sqlite3.Connection) -> None:
    """Remove, in the caller's transaction, what runs noted that were stopped before they removed anything."""
    for statement in split_statements(read_query("forget_unused_marks")):
        connection.execute(statement)


@contextlib.contextmanager
def _resting(connection: sqlite3.Connection, rest: Callable[[float], object]) -> Iterator[None]:
    with transaction(connection):
        began = time.perf_counter()
        yield
    rest(time.perf_counter() - began)


class MarkedRecords:
    """What one run is still to remove."""

    def __init__(self, connection: sqlite3.Connection, key: int) -> None:
        self._connection = connection
        self._key = key
        self._last = 0

    def count(self) -> int:
        """Return how many records are left."""
        of_run = "SELECT count(*) FROM _deletion_records WHERE deletion = ?"
        return int(self._connection.execute(of_run, (self._key,)).fetchone()[0])

    def take(self, limit: int) -> RecordsToRemove | None:
        """Return about `limit` records, or None if none is left. `forget_taken` notes in the same transaction that they
        have gone."""
        asked = {"deletion": self._key, "after": self._last, "limit": limit}
        rows = self._connection.execute(read_query("find_marked_records"), asked).fetchall()
        if not rows:
            return None
        self._last = rows[-1][0]
        spans = [record for _, is_log, record in rows if record is not None and not is_log]
        return RecordsToRemove(spans, [record for _, is_log, record in rows if record is not None and is_log])

    def forget_taken(self) -> None:
        """Note that what was taken has gone."""
        taken = "DELETE FROM _deletion_records WHERE deletion = ? AND id <= ?"
        self._connection.execute(taken, (self._key, self._last))

    def forget_all(self) -> None:
        """Note that the run is complete, in the caller's transaction."""
        for table in ("_deletion_series", "_deletion_records", "_deletion_names"):
            self._connection.execute(f"DELETE FROM {table} WHERE deletion = ?", (self._key,))

    def read_names(self) -> RemovedNames:
        """Return the sessions and traces of which all records go."""
        return RemovedNames({*self._read(_SESSION)}, {*self._read(_TRACE)})

    def read_proofs(self) -> list[str]:
        """Return the ids of some of the spans that go."""
        return [*self._read(_SPAN)]

    def had_index(self) -> bool:
        """Return whether the file had a search index when the run began."""
        return any(True for _ in self._read(_INDEX))

    def _read(self, kind: int) -> Iterator[str]:
        names = "SELECT name FROM _deletion_names WHERE deletion = ? AND kind = ?"
        return (name for (name,) in self._connection.execute(names, (self._key, kind)))
