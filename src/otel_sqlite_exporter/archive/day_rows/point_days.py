# SPDX-License-Identifier: Apache-2.0
"""Tells on which days data points are."""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.sql.texts import read_query


def list_point_days(connection: sqlite3.Connection, since_unix_nano: int, until_unix_nano: int) -> list[int]:
    """Return the days (since 1970-01-01, UTC) of a range of time that have data points, in order."""
    times = {"since": since_unix_nano, "until": until_unix_nano}
    return [day for (day,) in connection.execute(read_query("list_point_days"), times)]


def count_points(connection: sqlite3.Connection, since_unix_nano: int, until_unix_nano: int) -> int:
    """Return how many data points a range of time has."""
    times = {"since": since_unix_nano, "until": until_unix_nano}
    return int(connection.execute(read_query("count_archived_points"), times).fetchone()[0])
