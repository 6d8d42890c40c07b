# SPDX-License-Identifier: Apache-2.0
"""The days that pages about the whole file show unless they are asked for others: the last ones with records, which may
be long ago."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta

from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

DAYS = 7


def find_last_time(connection: sqlite3.Connection) -> str | None:
    """Return when the last span started, ISO 8601; None: there is none."""
    last: str | None = fetch(connection, Select(read_query("get_span_times"), {}))[0]["last_span_time"]
    return last


def find_first_day(last_time: str | None) -> str | None:
    """Return the first of the days that end with a time."""
    if last_time is None:
        return None
    return (date.fromisoformat(last_time[:10]) - timedelta(days=DAYS - 1)).isoformat()
