# SPDX-License-Identifier: Apache-2.0
"""Tells on which days data points are, and whether the rows of a day are others than before.

What came since the point before is in the row of a point. So a point that comes late changes the next one of its
series, which may be on a later day.
"""

from __future__ import annotations

import hashlib
import sqlite3
from itertools import chain

import orjson

from otel_sqlite_exporter.archive.dataset_format.dataset_tables import METRICS
from otel_sqlite_exporter.archive.day_rows.point_rows import read_exemplars, read_points
from otel_sqlite_exporter.sql.texts import read_query

_LEFT_OUT = ("_late_points", "_refused_points")
"""Counters of a series, which change with points of other days."""


def list_point_days(connection: sqlite3.Connection, since_unix_nano: int, until_unix_nano: int) -> list[int]:
    """Return the days (since 1970-01-01, UTC) of a range of time that have data points, in order."""
    times = {"since": since_unix_nano, "until": until_unix_nano}
    return [day for (day,) in connection.execute(read_query("list_point_days"), times)]


def count_points(connection: sqlite3.Connection, since_unix_nano: int, until_unix_nano: int) -> int:
    """Return how many data points a range of time has."""
    times = {"since": since_unix_nano, "until": until_unix_nano}
    return int(connection.execute(read_query("count_archived_points"), times).fetchone()[0])


def digest_points(connection: sqlite3.Connection, since_unix_nano: int, until_unix_nano: int) -> str:
    """Return a digest (hexadecimal) of the rows that the data points and exemplars of a range of time have in a
    dataset."""
    digest = hashlib.blake2b(digest_size=16)
    kept = [name for name in METRICS.columns if name not in _LEFT_OUT]
    batches = chain(
        (batch.select(kept) for batch in read_points(connection, since_unix_nano, until_unix_nano)),
        read_exemplars(connection, since_unix_nano, until_unix_nano),
    )
    for batch in batches:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest.update(orjson.dumps(row))
    return digest.hexdigest()
