# SPDX-License-Identifier: Apache-2.0
"""Reads data points of a source as rows, series by series, each page in one snapshot of the source."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.imports.merging.merge_notes import SourcePosition
from otel_sqlite_exporter.imports.merging.merge_sources import MergeSource
from otel_sqlite_exporter.imports.merging.source_rows import read_origins
from otel_sqlite_exporter.model.metric_records.metric_rows import ExemplarRow, InstrumentRow, PointRow, SeriesRow
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.retention.hourly.hour_points import HOUR_NS
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import run_query

_MOST_SERIES = 512
_MOST_POINTS = 2_048
_SERIES_COLUMNS, _DIGEST_COLUMNS = 6, 11


class PointPlace(NamedTuple):
    """How far points were read: the next series, and the first time of it that is not read."""

    series: int = 0
    time: int = 0


class SourceSeries(NamedTuple):
    """A series of a source. It has one point an hour before `hourly_until`, in nanoseconds since the epoch."""

    row: SeriesRow
    instrument: InstrumentRow
    resource: ResourceRow
    scope: ScopeRow | None
    hourly_until: int
    late_points: int
    refused_points: int


class SourcePoint(NamedTuple):
    """A data point of a source."""

    series: SourceSeries
    row: PointRow
    bounds: str | None
    exemplars: Sequence[ExemplarRow]


class PointPage(NamedTuple):
    """Data points, those of an hour that some stand for all together. `next` is where the next page begins,
    `unreadable` the ids of series that lack a part."""

    points: Sequence[SourcePoint]
    next: PointPlace
    unreadable: Sequence[int]


class PointReader:
    """Reads the points of a source from a position on, which moves with each page. What cannot be read is added to
    `damages`."""

    def __init__(self, source: MergeSource, position: SourcePosition, damages: list[str]) -> None:
        self._source, self._position, self._damages = source, position, damages

    def read(self) -> Iterator[PointPage]:
        """Yield the points, if there are others than an earlier merge has read: all, as new ones are anywhere. A merge
        that was stopped goes on where it was, if no points came since it began."""
        try:
            changes = self._source.read(_read_changes)
        except DamagedFileError as error:
            self._damages.append(f"data points cannot be read: {error}")
            return
        place = _find_place(self._position, changes)
        self._position.points_begun = changes
        while place is not None:
            page = self._read_page(place)
            if page is None:
                break
            place = page.next
            self._position.series, self._position.since = place
            yield page
        self._position.points, self._position.points_begun = changes, None

    def _read_page(self, place: PointPlace) -> PointPage | None:
        """Return the next page. Of series that lie in a damaged part of the file, the rest is left out."""
        most = _MOST_SERIES
        while True:
            try:
                return self._source.read(lambda connection: _read_page(connection, place, most))  # noqa: B023
            except DamagedFileError as error:
                if most == 1:
                    return self._pass_series(place, error)
                most = 1

    def _pass_series(self, place: PointPlace, error: DamagedFileError) -> PointPage | None:
        first = {"first": place.series}
        try:
            (series,) = self._source.read(
                lambda connection: connection.execute(read_query("find_series_from"), first).fetchone()
            )
        except DamagedFileError:
            series = None
        if series is None:
            self._damages.append(f"data points of the series {place.series} and after it cannot be read: {error}")
            return None
        self._damages.append(f"data points of the series {series} cannot be read: {error}")
        return PointPage([], PointPlace(series + 1), [])


def count_points(connection: sqlite3.Connection, position: SourcePosition) -> int:
    """Return how many points are to be read, but for some of one series."""
    place = _find_place(position, _read_changes(connection))
    if place is None:
        return 0
    found: int = connection.execute(read_query("count_points_from"), {"first": place.series}).fetchone()[0]
    return found


def _find_place(position: SourcePosition, changes: str) -> PointPlace | None:
    """Return where to begin with the points of a source of these `changes`; None: they were read."""
    if changes == position.points:
        return None
    return PointPlace(position.series, position.since) if changes == position.points_begun else PointPlace()


def _read_changes(connection: sqlite3.Connection) -> str:
    """Return what of a file is another when its points may be."""
    found: str = connection.execute(read_query("read_point_changes")).fetchone()[0]
    return found


def _read_page(connection: sqlite3.Connection, place: PointPlace, most_series: int) -> PointPage | None:
    """Return the points from a place on, of so many series at most; None: there is no further series."""
    rows = connection.execute(
        read_query("read_source_series"), {"first": place.series, "limit": most_series}
    ).fetchall()
    if not rows:
        return None
    series, unreadable = _make_series(connection, rows)
    found, following = _read_points(connection, series, place)
    if following is None:
        following = PointPlace(rows[-1][0] + 1)
    exemplars = _read_exemplars(connection, found)
    points = [
        SourcePoint(series[id], row, bounds, exemplars.get((id, row.time_unix_nano, row.start_time_unix_nano), ()))
        for id, row, bounds in found
    ]
    # A series that lacks a part is told with the page that goes past it.
    return PointPage(points, following, [id for id in unreadable if id < following.series])


def _make_series(
    connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]
) -> tuple[dict[int, SourceSeries], list[int]]:
    resources, scopes = read_origins(connection, rows, resource=1)
    series: dict[int, SourceSeries] = {}
    unreadable = []
    for row in rows:
        id, resource, scope, *counts = row[:_SERIES_COLUMNS]
        columns, instrument = row[_SERIES_COLUMNS:_DIGEST_COLUMNS], row[_DIGEST_COLUMNS:]
        if resource not in resources or instrument[0] is None or not (scope is None or scope in scopes):
            unreadable.append(id)
            continue
        origin = resources[resource], None if scope is None else scopes[scope]
        series[id] = SourceSeries(SeriesRow(*columns), InstrumentRow(*instrument), *origin, *counts)
    return series, unreadable


def _read_points(
    connection: sqlite3.Connection, series: Mapping[int, SourceSeries], place: PointPlace
) -> tuple[list[tuple[int, PointRow, str | None]], PointPlace | None]:
    """Return the first points of some series, and where the next are; None: that is all."""
    wanted = [(id, place.time if id == place.series else -LARGEST) for id in series]
    found: list[tuple[int, PointRow, str | None]] = []
    for id, bounds, *columns in run_query(connection, "read_source_points", series=wanted):
        row = PointRow(*columns)
        if len(found) >= _MOST_POINTS and _may_cut(series[id], found[-1], id, row):
            return found, PointPlace(id, row.time_unix_nano)
        found.append((id, row, bounds))
    return found, None


def _may_cut(series: SourceSeries, last: tuple[int, PointRow, str | None], id: int, row: PointRow) -> bool:
    """Return whether a page may end between two points."""
    if last[0] != id:
        return True
    times = last[1].time_unix_nano, row.time_unix_nano
    if times[1] < series.hourly_until + HOUR_NS:
        return times[0] // HOUR_NS != times[1] // HOUR_NS
    return times[0] != times[1]


def _read_exemplars(
    connection: sqlite3.Connection, points: Sequence[tuple[int, PointRow, str | None]]
) -> Mapping[tuple[int, int, int], Sequence[ExemplarRow]]:
    """Return the exemplars of points, by series, time and start."""
    ranges: dict[int, list[int]] = {}
    for id, row, _ in points:
        ranges.setdefault(id, [id, row.time_unix_nano, 0])[2] = row.time_unix_nano
    found: defaultdict[tuple[int, int, int], list[ExemplarRow]] = defaultdict(list)
    rows: Iterator[Any] = iter(run_query(connection, "read_source_exemplars", ranges=[*ranges.values()]))
    for series, time, start, *columns in rows:
        found[series, time, start].append(ExemplarRow(*columns))
    return found
