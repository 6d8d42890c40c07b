# SPDX-License-Identifier: Apache-2.0
"""Which days of a file are closed, and have something in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from otel_sqlite_exporter.archive.dataset_format.dataset_days import DAY_NS, find_times, parse_day
from otel_sqlite_exporter.archive.day_rows.point_days import list_point_days
from otel_sqlite_exporter.parsing import parse_age
from otel_sqlite_exporter.sql.texts import read_query

_FIRST_NS = -(2**63)


def parse_bound(value: str, now_unix_nano: int) -> int:
    """Return the first day (since 1970-01-01, UTC) that is not closed: by an age such as `2d` or `12h`, since the end
    of a day, or a date as `2026-01-31`. Today is never closed.

    Raises:
        ValueError: It is none of these.
    """
    today = now_unix_nano // DAY_NS
    try:
        return min(today, parse_day(value.strip()))
    except ValueError:
        pass
    try:
        return min(today, (now_unix_nano - parse_age(value) * 10**9) // DAY_NS)
    except ValueError:
        raise ValueError("give an age such as 2d or 12h, or a date such as 2026-01-31") from None


def list_days(connection: sqlite3.Connection, until_day: int, known: Collection[int]) -> list[int]:
    """Return the days before `until_day` that have traces, log records without one, data points or marks, in order;
    but for those that are known already. It costs what days there are, not what they hold."""
    until = until_day * DAY_NS
    found = {day for (day,) in connection.execute(read_query("list_mark_days"), {"until": until})}
    found.update(list_point_days(connection, _FIRST_NS, until))
    since = _FIRST_NS
    while (start := _ask(connection, "find_next_trace", since, until)) is not None:
        found.add(start // DAY_NS)
        since = (start // DAY_NS + 1) * DAY_NS
    first, last = connection.execute(read_query("find_log_range")).fetchone()
    if first is not None:
        for day in range(first // DAY_NS, min(until_day, last // DAY_NS + 1)):
            if day not in found and day not in known and count_logs(connection, day, most=1):
                found.add(day)
    return sorted(found.difference(known))


def count_logs(connection: sqlite3.Connection, day: int, *, most: int = -1) -> int:
    """Return how many log records without a trace a day has, but no more than `most`."""
    values = {**find_times(day), "limit": most}
    return int(connection.execute(read_query("count_traceless_logs"), values).fetchone()[0])


def _ask(connection: sqlite3.Connection, query: str, since: int, until: int) -> int | None:
    found: int | None = connection.execute(read_query(query), {"since": since, "until": until}).fetchone()[0]
    return found
