# SPDX-License-Identifier: Apache-2.0
"""How often files hold the same log record.

Log records have no identity: two equal ones in one file are two. So a merged file has each as often as that of its
sources which has it most often. Equal records are of one time, so they are found by the index of times. What was found
of a time is kept in a temporary database, which SQLite writes to disk where it grows: memory is bounded, and each
record is read once, however many are of one time.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.model.event_names import restore_recorded
from otel_sqlite_exporter.model.rows import EncodedLog
from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.transactions import transaction

_SOURCE, _TARGET = 0, 1
_TIME = 3


def digest_log(log: EncodedLog) -> bytes:
    """Return a digest of all that a log record holds."""
    row = log.row
    recorded = restore_recorded(row.event_name, row.recorded_name)
    origin = (log.resource.digest, log.scope and log.scope.digest)
    return _digest((log.trace_id, log.span_id, recorded, *row[2:9], *row[10:], *origin))


def _digest(columns: Sequence[Any]) -> bytes:
    trace_id, span_id, recorded, *rest = columns
    return hashlib.blake2b(orjson.dumps([trace_id, span_id, recorded or None, *rest]), digest_size=16).digest()


class LogCounts:
    """Counts equal log records of one source, and of the file that they are merged into."""

    def __init__(self) -> None:
        self._counts = sqlite3.Connection("", isolation_level=None)
        for statement in split_statements(read_query("create_log_counts")):
            self._counts.execute(statement)

    def close(self) -> None:
        """Remove the temporary database."""
        self._counts.close()

    def forget_source(self) -> None:
        """Begin with another source."""
        with transaction(self._counts):
            self._counts.execute("DELETE FROM counts WHERE side = ?", (_SOURCE,))
            self._counts.execute("DELETE FROM known WHERE side = ?", (_SOURCE,))

    def find_unknown_times(self, times: Iterable[int]) -> list[int]:
        """Return those of `times` of which nothing is known of the source."""
        return [time for time in times if self._find_known(_SOURCE, time) is None]

    def note_source(self, times: Iterable[int], logs: Sequence[tuple[int, bytes]]) -> None:
        """Count records of the source, each a time and a digest, and know these `times` of it."""
        with transaction(self._counts):
            self._add(_SOURCE, logs)
            self._know(_SOURCE, times, 0)

    def choose(
        self, target: sqlite3.Connection, logs: Sequence[tuple[int, bytes]], write: Callable[[Sequence[int]], None]
    ) -> int:
        """Call `write` with the places of those of `logs`, which are the next of the source, that the `target` does not
        have as often as the source has them up to there. Return their number. `target` is in a transaction that
        writes, and which the caller commits at once."""
        times = sorted({time for time, _ in logs})
        with transaction(self._counts):
            known = [(time, self._find_known(_TARGET, time) or 0) for time in times]
            for columns in target.execute(read_query("find_logs_at"), {"times": orjson.dumps(known).decode()}):
                self._add(_TARGET, [(columns[_TIME], _digest(columns))])
            chosen: list[int] = []
            for place, log in enumerate(logs):
                self._add(_SOURCE, [log])
                if self._count(_SOURCE, log) > self._count(_TARGET, log):
                    self._add(_TARGET, [log])
                    chosen.append(place)
            write(chosen)
            (last,) = target.execute("SELECT coalesce(max(id), 0) FROM _logs").fetchone()
            self._know(_SOURCE, times, 0)
            self._know(_TARGET, times, last)
        return len(chosen)

    def _find_known(self, side: int, time: int) -> int | None:
        row = self._counts.execute("SELECT last FROM known WHERE side = ? AND time = ?", (side, time)).fetchone()
        return None if row is None else row[0]

    def _know(self, side: int, times: Iterable[int], last: int) -> None:
        rows = [(side, time, last) for time in times]
        self._counts.executemany("INSERT OR REPLACE INTO known (side, time, last) VALUES (?, ?, ?)", rows)

    def _add(self, side: int, logs: Iterable[tuple[int, bytes]]) -> None:
        self._counts.executemany(
            "INSERT INTO counts (side, time, digest, number) VALUES (?, ?, ?, 1)"
            " ON CONFLICT (side, time, digest) DO UPDATE SET number = number + 1",
            [(side, *log) for log in logs],
        )

    def _count(self, side: int, log: tuple[int, bytes]) -> int:
        found = self._counts.execute(
            "SELECT number FROM counts WHERE side = ? AND time = ? AND digest = ?", (side, *log)
        ).fetchone()
        return 0 if found is None else found[0]
