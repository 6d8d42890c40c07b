# SPDX-License-Identifier: Apache-2.0
"""What a page of a report was asked for. A form sends all its fields, so an empty text is one that was not given."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import ConfigurationError, FilterError
from otel_sqlite_exporter.model.timezones import Calendar, parse_timezone
from otel_sqlite_exporter.query.aggregates.recent_times import AGES, ALL_TIME, RecentTimes, find_recent
from otel_sqlite_exporter.query.askable_views import ReportFilter
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters

OWN_TIMES = "own"
FILTERS = tuple(ReportFilter.__annotations__)
LIMITS = (20, 50, 100, 200, 1_000, 5_000)
_MOST_SPANS: Mapping[str, int] = {"tokens": 260_000, "cost": 260_000, "tools": 180_000, "histogram": 180_000}
_MOST = 110_000
"""How many spans a page reads that is asked for no times: so it is there within 0.3 s, also on a large file."""
_WHOLE = ("attributes", "queries")
"""Reports whose own bounds are as good."""
PARAMETERS: tuple[Parameter, ...] = (
    Parameter("group_by", "What a row stands for.", is_list=True),
    Parameter("range", "The newest part of the file.", choices=("", *AGES, ALL_TIME)),
    Parameter("since", "From this time on.", "time"),
    Parameter("until", "Before this time.", "time"),
    Parameter("timezone", "That of hours, days and weeks.", default="UTC"),
    Parameter("limit", "The most rows.", "integer", minimum=1, maximum=5_000),
    Parameter("run", "Run a report that may take long.", "boolean"),
    *(
        one._replace(choices=("", *one.choices) if one.choices else ())  # what a form sends for none
        for one in make_filters(ReportFilter)
    ),
)


class ReportRequest(NamedTuple):
    """What is asked for.

    Attributes:
        age: The newest part of the file, one of `AGES` or `all`; `own`: the times are given.
        is_narrowed: The page has chosen that part, because the file has too many spans to read all at once.
        since, until: None: no bound.
    """

    name: str
    groups: tuple[str, ...]
    age: str
    is_narrowed: bool
    since: datetime | None
    until: datetime | None
    calendar: Calendar
    timezone: str
    limit: int
    filters: Mapping[str, Sequence[str]]

    def list_arguments(self) -> dict[str, Any]:
        """Return the arguments of the API for the same rows."""
        return {
            "group_by": [*self.groups],
            "since": write_moment(self.since),
            "until": write_moment(self.until),
            "timezone": None if self.timezone == "UTC" else self.timezone,
            **self.filters,
        }


def read_request(backend: ApiBackend, arguments: Arguments) -> ReportRequest:
    """Return what is asked for.

    Raises:
        FilterError: A time zone, a time or a group is none.
    """
    name = arguments["name"]
    definition = REPORTS[name]
    calendar = read_calendar(arguments)
    filters = {one: kept for one in FILTERS if (kept := _drop_empty(arguments.get(one, ())))}
    since, until = (_read_time(argument, arguments.get(argument), calendar) for argument in ("since", "until"))
    if since is not None or until is not None:
        times, is_narrowed = RecentTimes(OWN_TIMES, since), False
    else:
        times, is_narrowed = backend.file.read(_find_times, name, arguments.get("range") or None, filters, calendar)
    return ReportRequest(
        name,
        tuple(dict.fromkeys(_drop_empty(arguments.get("group_by", ())))) or definition.groups[:1],
        times.age,
        is_narrowed,
        times.since,
        until,
        calendar,
        arguments["timezone"],
        arguments.get("limit") or definition.limit,
        filters,
    )


def _find_times(
    connection: sqlite3.Connection, name: str, age: str | None, filters: Mapping[str, Sequence[str]], calendar: Calendar
) -> tuple[RecentTimes, bool]:
    """Return the times that a report is of, and whether nobody asked for these. A session is read whole."""
    if age is None and (name in _WHOLE or "session_id" in filters):
        age = ALL_TIME
    times = find_recent(connection, calendar, age=age, most=_MOST_SPANS.get(name, _MOST))
    return times, age is None and times.age != ALL_TIME


def read_calendar(arguments: Arguments) -> Calendar:
    """Return the calendar of the time zone that is asked for."""
    try:
        return Calendar(parse_timezone(arguments["timezone"].strip() or "UTC"))
    except ConfigurationError as error:
        raise FilterError("timezone", str(error)) from None


def _read_time(argument: str, text: str | int | None, calendar: Calendar) -> datetime | None:
    if text is None or text == "":
        return None
    try:
        nanoseconds = parse_time(argument, text, calendar)
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)).astimezone(
            calendar.zone
        )
    except (OverflowError, ValueError):
        raise FilterError(argument, "it is out of the years that a calendar has: give another time") from None


def _drop_empty(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if text != ""]


def write_moment(moment: datetime | None) -> str | None:
    """Return a time as ISO 8601, which the API and the lists read."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
