# SPDX-License-Identifier: Apache-2.0
"""Which series a question is about, how they are grouped, and when they have points."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from statistics import median_low
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import AskableView
from otel_sqlite_exporter.query.metric_series.metric_summaries import SeriesFilter
from otel_sqlite_exporter.query.pages import ViewRow
from otel_sqlite_exporter.query.sql_builder import build_page
from otel_sqlite_exporter.sql.texts import read_query

MOST_SERIES = 100_000
"""The newest series of a metric that are looked at."""
EACH = "*"
COLUMNS = ("service_name", "session_id", "user_id")
"""What series can be grouped by, besides attributes."""
_CHUNK = 1_000
_LOOKED_AT, _LAST_POINTS = 8, 16
_LONGEST_LEAD = 86_400 * 10**9


@dataclass(frozen=True, slots=True, repr=False)
class NamedSeries(ViewRow):
    """One row of the private view `_named_series`."""

    VIEW = "_named_series"

    id: int
    instrument: int
    name: str
    kind: str
    unit: str
    temporality: str | None
    is_monotonic: int | None
    service_name: str
    session_id: str | None
    user_id: str | None
    attribute_types: str | None
    attributes: str
    resource_attributes: str


class _NamedSeriesFilter(SeriesFilter, total=False):
    name: str


_NAMED_SERIES = AskableView(NamedSeries, _NamedSeriesFilter, ("id",))


class SeriesGroup(NamedTuple):
    """Series that share labels."""

    labels: Mapping[str, Any]
    series: Sequence[NamedSeries]


class SeriesTimes(NamedTuple):
    """When a series has points: when counting began before the first (or its time, if that is not known), and the time
    of the last. Nanoseconds since 1970."""

    first: int
    last: int


def choose_series(
    connection: sqlite3.Connection, name: str, filters: Mapping[str, Any]
) -> tuple[Sequence[NamedSeries], bool]:
    """Return the series of a name that meet the filters, and whether these are all.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    for argument in filters:
        if argument not in SeriesFilter.__annotations__:
            raise FilterError(argument, f"series have no such filter: give {', '.join(SeriesFilter.__annotations__)}")
    select = build_page(_NAMED_SERIES, {**filters, "name": name}, limit=MOST_SERIES + 1)
    cursor = connection.execute(select.sql, select.parameters)
    found = [NamedSeries(*row) for row in cursor]
    return found[:MOST_SERIES], len(found) <= MOST_SERIES


def group_series(series: Sequence[NamedSeries], keys: Sequence[str]) -> list[SeriesGroup]:
    """Return the series grouped by keys: of attributes, also of the resource, or columns.

    Raises:
        FilterError: No series has such an attribute.
    """
    if EACH in keys:
        return _separate(series)
    groups: dict[bytes, tuple[dict[str, Any], list[NamedSeries]]] = {}
    missing = {key for key in keys if key not in COLUMNS}
    for one in series:
        attributes = orjson.loads(one.attributes) if keys else {}
        if any(key not in attributes and key not in COLUMNS for key in keys):
            attributes = {**orjson.loads(one.resource_attributes), **attributes}
        labels = {key: getattr(one, key) if key in COLUMNS else attributes.get(key) for key in keys}
        missing -= attributes.keys()
        groups.setdefault(orjson.dumps(labels), (labels, []))[1].append(one)
    if missing and series:
        _refuse_key(min(missing), series)
    return [SeriesGroup(*group) for group in groups.values()]


def _separate(series: Sequence[NamedSeries]) -> list[SeriesGroup]:
    """Return each series as a group. Series whose labels are the same have their id as one more."""
    groups: dict[bytes, list[SeriesGroup]] = {}
    for one in series:
        columns = {key: value for key in COLUMNS if (value := getattr(one, key)) is not None}
        labels = {**columns, **orjson.loads(one.attributes)}
        groups.setdefault(orjson.dumps(labels), []).append(SeriesGroup(labels, (one,)))
    return [
        group if len(alike) == 1 else SeriesGroup({**group.labels, "series_id": group.series[0].id}, group.series)
        for alike in groups.values()
        for group in alike
    ]


def _refuse_key(key: str, series: Sequence[NamedSeries]) -> None:
    known = {*COLUMNS, EACH}
    for one in series[:_CHUNK]:
        known |= orjson.loads(one.attributes).keys()
    close = get_close_matches(key, known) or sorted(known)
    raise FilterError("group_by", f"no series has the attribute {key!r}: give {', '.join(close)}, or another key")


def read_times(connection: sqlite3.Connection, series: Sequence[NamedSeries]) -> dict[int, SeriesTimes]:
    """Return when each series has points, by id; those without points are left out."""
    found: dict[int, SeriesTimes] = {}
    ids = [one.id for one in series]
    for place in range(0, len(ids), _CHUNK):
        given = {"series": json.dumps(ids[place : place + _CHUNK])}
        for id, first, start, last in connection.execute(read_query("read_series_times"), given):
            is_near = start is not None and start < first <= start + max(_LONGEST_LEAD, last - first)
            found[id] = SeriesTimes(start if is_near else first, last)
    return found


def estimate_interval(connection: sqlite3.Connection, series: Sequence[NamedSeries], until: int) -> int:
    """Return how long it usually takes from one point of a series to the next, in nanoseconds; 0: no series has two."""
    gaps = [gap for one in series[:_LOOKED_AT] for gap in _list_gaps(connection, one.id, until)]
    return median_low(gaps) if gaps else 0


def _list_gaps(connection: sqlite3.Connection, series: int, until: int) -> Iterator[int]:
    times: list[int] = []
    for is_sorted in (0, 1):
        given = {"series": series, "until": until, "is_sorted": is_sorted, "limit": _LAST_POINTS - len(times)}
        times += [time for (time,) in connection.execute(read_query("read_last_times"), given)]
    for later, earlier in pairwise(times):
        if later > earlier:
            yield later - earlier
