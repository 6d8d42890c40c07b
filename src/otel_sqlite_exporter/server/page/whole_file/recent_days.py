# SPDX-License-Identifier: Apache-2.0
"""The days that pages about the whole file show unless they are asked for others: the last ones with records, which may
be long ago, and fewer of them where a file has many spans a day."""

from __future__ import annotations

import sqlite3

from otel_sqlite_exporter.model.timezones import Calendar, parse_timezone
from otel_sqlite_exporter.query.aggregates.recent_times import AGES, find_recent

MOST_SPANS = 100_000
"""More are not summed: these take 0.05 s to 0.1 s."""
_LONGEST = "7d"


def find_first_day(connection: sqlite3.Connection, most_spans: int = MOST_SPANS) -> str | None:
    """Return the first of the days, ISO 8601: of the last seven, those that have no more than so many spans, but one at
    least. None: the file has no span."""
    calendar = Calendar(parse_timezone("UTC"))
    recent = find_recent(connection, calendar, most=most_spans)
    if recent.since is None or AGES[recent.age] > AGES[_LONGEST]:
        recent = find_recent(connection, calendar, age=_LONGEST)
    return None if recent.since is None else recent.since.date().isoformat()
