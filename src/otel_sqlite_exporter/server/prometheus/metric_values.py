# SPDX-License-Identifier: Apache-2.0
"""Reads from the file what `/metrics` shows. Each look is bounded in time, and the next one waits the longer the longer
this one took: a scrape of a large file costs at most a twentieth of a core."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch
from otel_sqlite_exporter.query.sandbox.statement import interrupting
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query

QUICK_S = 0.5
"""A scrape waits for a look that took no longer the last time; else it gets what the look before gave."""
_KEPT_S = 5.0
_SHARE = 20
_LONGEST_QUERY_S = 30.0
_SAMPLE = 2_000
_MOST_KEYS = 10_000
_QUERIES = (
    *("sum_received_records", "sum_calls_by_model", "count_pair_durations", "count_linked_records"),
    *("count_series_by_service", "sum_points"),
)
_LOG_ENDINGS = ("", "-wal")

Row = dict[str, Any]


class AttributeKeys:
    """The attribute keys of the newest spans at each look. Those of the first look are known from then on.

    Attributes:
        bytes: The bytes of each service and key; replaced as a whole by each look.
        new: The number of keys of each service that were new; likewise.
    """

    def __init__(self) -> None:
        self.bytes: Mapping[tuple[str, str], int] = {}
        self.new: Mapping[str, int] = {}
        self._last_span: int | None = None

    def look(self, connection: sqlite3.Connection) -> None:
        """Take in what was written since the last look: its newest 2,000 spans."""
        (last,) = connection.execute(read_query("get_last_span")).fetchone()
        after = self._last_span if self._last_span is not None and self._last_span <= last else 0
        rows = fetch(connection, Select(read_query("read_newest_attributes"), {"after": after, "sample": _SAMPLE}))
        sizes, new = Counter(self.bytes), Counter(self.new)
        for row in rows:
            key = (row["service"], row["key"])
            if key not in sizes and len(sizes) >= _MOST_KEYS:
                key = (row["service"], "(other)")
            elif key not in sizes and self._last_span is not None:
                new[row["service"]] += 1
            sizes[key] += row["bytes"]
        self.bytes, self.new, self._last_span = sizes, new, last

    def count(self) -> Mapping[str, int]:
        """Return the number of keys of each service."""
        return Counter(service for service, _ in self.bytes)


class MetricValues:
    """What the file says, as of the last look. `look` runs on one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._file = TelemetryFile(settings.path, settings.busy_timeout_ms)
        self._seen: object = None
        self._looked = -float("inf")
        self.took_s = 0.0
        self.is_complete = False
        self.attributes = AttributeKeys()
        self.rows: dict[str, list[Row]] = {name: [] for name in _QUERIES}

    def is_due(self) -> bool:
        """Return whether the last look is so old that another one may be taken."""
        return time.monotonic() - self._looked >= max(_KEPT_S, _SHARE * self.took_s)

    def look(self) -> None:
        """Read the file if it has changed. What cannot be read in time stays as it was."""
        began, seen = time.monotonic(), _fingerprint(self._file.path)
        if seen != self._seen or not self.is_complete:
            done = [self._look_at(name) for name in (*_QUERIES, "")]
            self._seen, self.is_complete = seen, all(done)
            self.took_s = time.monotonic() - began
        self._looked = time.monotonic()

    def _look_at(self, query: str) -> bool:
        """Run one query, or without a name look at the attributes. Return whether it could be done."""
        try:
            if query:
                self.rows[query] = self._file.read(_fetch_in_time, query)
            else:
                self._file.read(_look_in_time, self.attributes)
        except (SQLiteExporterError, sqlite3.Error, OSError):
            return False  # there is no file yet, it has no such view yet, or it takes too long
        return True


def _fetch_in_time(connection: sqlite3.Connection, query: str) -> list[Row]:
    with interrupting(connection, time.monotonic() + _LONGEST_QUERY_S):
        return fetch(connection, Select(read_query(query), {}))


def _look_in_time(connection: sqlite3.Connection, attributes: AttributeKeys) -> None:
    with interrupting(connection, time.monotonic() + _LONGEST_QUERY_S):
        attributes.look(connection)


def _fingerprint(path: str) -> tuple[tuple[int, int, int], ...]:
    found = []
    for ending in _LOG_ENDINGS:
        try:
            status = os.stat(path + ending)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
