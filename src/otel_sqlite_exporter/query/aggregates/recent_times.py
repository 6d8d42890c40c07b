# SPDX-License-Identifier: Apache-2.0
"""The newest part of a file: since when, and how far back one can go without reading too many spans."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

ALL_TIME = "all"
_HOUR = timedelta(hours=1)
AGES: Mapping[str, timedelta] = {
    "1h": _HOUR,
    "24h": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
"""Ages, counted back from the newest span. Those of several days begin at the start of a day, others of an hour."""


class RecentTimes(NamedTuple):
    """The newest part of a file.

    Attributes:
        age: One of `AGES`, or `all`.
        since: When it begins; None: with the file.
    """

    age: str
    since: datetime | None


def find_recent(
    connection: sqlite3.Connection, calendar: Calendar, *, age: str | None = None, most: int = 0
) -> RecentTimes:
    """Return the newest part of this `age`; without one, the longest part that has no more than `most` spans."""
    last = fetch(connection, Select(read_query("get_span_times"), {}))[0]["last_span_time"]
    if age == ALL_TIME or last is None:
        return RecentTimes(ALL_TIME, None)
    newest = datetime.fromtimestamp(min(parse_time("since", last) // 10**9, int(time.time())), UTC)
    if age is not None:
        return RecentTimes(age, _begin(newest, age, calendar))
    if _count(connection, None, most) <= most:
        return RecentTimes(ALL_TIME, None)
    *longer, shortest = [RecentTimes(one, _begin(newest, one, calendar)) for one in reversed([*AGES])]
    return next((one for one in longer if _count(connection, one.since, most) <= most), shortest)


def _begin(newest: datetime, age: str, calendar: Calendar) -> datetime:
    before = newest.astimezone(calendar.zone) - AGES[age]
    if AGES[age] <= timedelta(days=1):
        return before.replace(minute=0, second=0)
    return calendar.localize(datetime(before.year, before.month, before.day))


def _count(connection: sqlite3.Connection, since: datetime | None, most: int) -> int:
    parameters = {"since": 0 if since is None else parse_time("since", since), "most": most + 1}
    counted: int = fetch(connection, Select(read_query("count_spans_since"), parameters))[0]["spans"]
    return counted
