# SPDX-License-Identifier: Apache-2.0
"""What the page of a metric is asked for. A form sends all its fields, so an empty text is one that was not given."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.filter_values import parse_attribute_text, parse_time
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricDescription, SeriesFilter
from otel_sqlite_exporter.query.metric_series.series_reader import SeriesQuestion
from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.api.metric_answers.metric_lists import make_metric_filters
from otel_sqlite_exporter.server.api.metric_answers.metric_routes import NAME
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.lists.list_reader import loosen
from otel_sqlite_exporter.sql.texts import read_query

ALL_TIME = "all"
RANGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
"""Ages, counted back from the last point of the metric."""
_FIRST_RANGES = (ALL_TIME, "24h", "6h", "1h")
"""What a page may show that is asked for no range: the first that has few points."""
_LONGEST_RANGE, _MOST_POINTS = "24h", 15_000
MOST_STEPS = 120
STEPS = ("10s", "1m", "5m", "15m", "1h", "6h", "1d", "raw")
LIMITS = (8, 20, 50)
_FILTERS = tuple(SeriesFilter.__annotations__)
PARAMETERS: tuple[Parameter, ...] = (
    NAME,
    Parameter("range", "The newest part of the metric.", choices=("", *RANGES, ALL_TIME)),
    Parameter("since", "From this time on."),
    Parameter("until", "Before this time."),
    Parameter("step", "The time between two values: seconds, a text such as 5m, or raw."),
    Parameter("aggregate", "What is shown of each step: such as rate, avg or p95.", is_list=True),
    Parameter(
        "group_by", "A line for each value: a key of attributes, service_name, or * for each series.", is_list=True
    ),
    Parameter("limit", "The most groups.", "integer", default=LIMITS[0], minimum=1, maximum=100),
    *map(loosen, make_metric_filters(SeriesFilter)),
)


class SeriesRequest(NamedTuple):
    """What is asked for.

    Attributes:
        range: The newest part of the metric, one of `RANGES` or `all`; empty: the times are given.
        since: In nanoseconds since 1970; None: from its first point on.
        until: Likewise, exclusive; None: to its last point.
        step: None: one that suits the range.
        aggregates: None: what suits the kind.
        is_narrowed: The page has chosen the range, as the metric has too many points to read all at once.
        filters: As `get_metric_series` takes them.
        texts: The same filters as they were given.
    """

    name: str
    range: str
    is_narrowed: bool
    since: int | None
    until: int | None
    step: str | None
    aggregates: Sequence[str] | None
    groups: Sequence[str]
    limit: int
    filters: Mapping[str, Any]
    texts: Mapping[str, Sequence[str]]

    def make_question(self, aggregates: Sequence[str] | None) -> SeriesQuestion:
        """Return what the reader is asked, with these aggregates."""
        return SeriesQuestion(
            self.name,
            self.since,
            self.until,
            self.step,
            aggregates,
            self.groups,
            self.limit,
            MOST_STEPS,
            "UTC",
            self.filters,
        )

    def list_arguments(self) -> dict[str, Any]:
        """Return the arguments of the API for the same."""
        given = {
            **{"since": self.since, "until": self.until, "step": self.step, "aggregate": self.aggregates},
            **{"group_by": [*self.groups], "limit": self.limit, **self.texts},
        }
        return {name: value for name, value in given.items() if value is not None}


def read_request(connection: sqlite3.Connection, metric: MetricDescription, arguments: Arguments) -> SeriesRequest:
    """Return what is asked for.

    Raises:
        FilterError: A time or a condition cannot be read.
    """
    range, is_narrowed, since, until = _read_times(connection, metric, arguments)
    texts = {name: kept for name in _FILTERS if (kept := _drop_empty(arguments.get(name, ())))}
    filters: dict[str, Any] = dict(texts)
    if "attributes" in texts:
        filters["attributes"] = [parse_attribute_text("attributes", text) for text in texts["attributes"]]
    return SeriesRequest(
        metric.name,
        range,
        is_narrowed,
        since,
        until,
        arguments.get("step", "").strip() or None,
        _drop_empty(arguments.get("aggregate", ())) or None,
        tuple(dict.fromkeys(_drop_empty(arguments.get("group_by", ())))),
        arguments["limit"],
        filters,
        texts,
    )


def _read_times(
    connection: sqlite3.Connection, metric: MetricDescription, arguments: Arguments
) -> tuple[str, bool, int | None, int | None]:
    given = {name: arguments[name] for name in ("since", "until") if arguments.get(name, "").strip()}
    if given:
        since, until = (
            parse_time(name, _read_text(given[name])) if name in given else None for name in ("since", "until")
        )
        if since is not None and until is not None and since >= until:
            raise FilterError("until", "it is not after since: give a later time, or an earlier since")
        return "", False, since, until
    first, last = find_times(metric)
    begins: dict[str, int | None] = {ALL_TIME: None}
    begins |= {age: max(last + 1 - _count_ns(age), 0) for age in RANGES}
    age = arguments.get("range") or None
    if age is not None:
        return age, False, begins[age], None
    longest = last - first > _count_ns(_LONGEST_RANGE)
    choices = [one for one in _FIRST_RANGES if (one == ALL_TIME and not longest) or (begins[one] or 0) > first]
    few = (one for one in choices if _has_few_points(connection, metric.name, begins[one] or 0))
    chosen = next(few, _FIRST_RANGES[-1])
    return chosen, chosen != choices[0], begins[chosen], None


def _has_few_points(connection: sqlite3.Connection, name: str, since: int) -> bool:
    values = {"name": name, "since": since, "most": _MOST_POINTS + 1}
    counted: int = connection.execute(read_query("count_points_since"), values).fetchone()[0]
    return counted <= _MOST_POINTS


def find_times(metric: MetricDescription) -> tuple[int, int]:
    """Return the times of the first and the last point of a metric, in nanoseconds since 1970."""
    times = [
        time
        for one in metric.instruments
        for time in (one.first_time_unix_nano, one.last_time_unix_nano)
        if time is not None
    ]
    return min(times, default=0), max(times, default=0)


def _count_ns(age: str) -> int:
    return RANGES[age] // timedelta(microseconds=1) * 1_000


def _read_text(text: str) -> str | int:
    """Return a time as `parse_time` takes it: many digits are nanoseconds."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and 8 < len(digits) < 20 else text


def _drop_empty(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if text != ""]
