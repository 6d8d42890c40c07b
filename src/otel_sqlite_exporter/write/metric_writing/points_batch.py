# SPDX-License-Identifier: Apache-2.0
"""The rows of the data points of one batch: they get keys, from what the file holds of their series."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, InstrumentRow, SeriesRow
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.metric_writing.point_tables import (
    BOUNDS,
    EXEMPLARS,
    INSTRUMENTS,
    POINTS,
    RESOURCES,
    SCOPES,
    SERIES,
)
from otel_sqlite_exporter.write.removal.used_ids import read_last_ids
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_query

_Item = TypeVar("_Item", bound=Hashable)
_DAY_NS = 86_400_000_000_000
_PointKey = tuple[int, int, int]
"""The series of a point, its time and its start."""


class _StoredSeries(NamedTuple):
    """A series in the file: its key, and times in nanoseconds since the epoch. -1: it has no such point."""

    id: int
    hourly_until: int
    last_sorted: int
    last: int


BEYOND_LIMIT = "a data point is of a new series beyond the limit of its day"
TOO_LATE = "a data point came after its hour was made one"
REFUSALS = (BEYOND_LIMIT, TOO_LATE)
"""Why points are not stored."""


class WrittenPoints(NamedTuple):
    """What became of the points of a batch: how many are new; and by their ids in memory, those of which the file had a
    version, or the batch another one, and why others are not stored."""

    written: int
    duplicates: Collection[int]
    refused: Mapping[int, str]


NO_POINTS = WrittenPoints(0, (), {})


class PointsBatch:
    """The points of one batch. Reads the file: make it in the transaction that writes.

    Args:
        most_new_series: How many new series a day (UTC) may have. Points of further ones are refused, and counted.
    """

    def __init__(self, connection: sqlite3.Connection, points: Sequence[EncodedPoint], most_new_series: int) -> None:
        self._connection = connection
        self._points = points
        self._most_new_series = most_new_series
        self._wanted = {point.series.row.digest: point.series for point in points}
        found, instruments, resources, scopes, bounds = self._look_up()
        self._series = {digest: _read_series(*columns) for digest, *columns in found}
        self._instrument_ids: dict[str, int] = instruments
        self._resource_ids: dict[str, int] = resources
        self._scope_ids: dict[str, int] = scopes
        self._bounds_ids: dict[str, int] = bounds

    def write(self, now_unix_nano: int) -> WrittenPoints:
        """Write the points, and return what became of them."""
        day = now_unix_nano // _DAY_NS
        made = self._make_series(day)
        self._make_bounds()
        rows, exemplars = TableRows(POINTS), TableRows(EXEMPLARS)
        refused: dict[int, str] = {}
        too_late: Counter[int] = Counter()
        taken: dict[_PointKey, EncodedPoint] = {}
        repeated: list[int] = []
        older: list[_PointKey] = []
        for point in self._points:
            stored = self._series.get(point.series.row.digest)
            if stored is None:
                refused[id(point)] = BEYOND_LIMIT
                continue
            row, time = point.row, point.row.time_unix_nano
            if time < stored.hourly_until and row.raw_points is None:
                refused[id(point)] = TOO_LATE
                too_late[stored.id] += 1
                continue
            key = (stored.id, time, row.start_time_unix_nano)
            if key in taken:
                repeated.append(id(point))
            else:
                taken[key] = point
                if time <= stored.last:
                    older.append(key)
            bounds = None if point.bounds is None else self._bounds_ids[point.bounds]
            rows.add((stored.id, int(time <= stored.last_sorted), *row, bounds))
            for ordinal, exemplar in enumerate(point.exemplars):
                exemplars.add((*key, ordinal, *exemplar))
        known = self._find_known(older)
        rows.write(self._connection)
        exemplars.write(self._connection)
        self._count_late(set(older) - known, too_late)
        beyond = len(refused) - too_late.total()
        if made or beyond:
            self._count_new(day, made, beyond)
        duplicates = {*repeated, *(id(taken[key]) for key in known)}
        return WrittenPoints(len(taken) - len(known), duplicates, refused)

    def _find_known(self, keys: Sequence[_PointKey]) -> set[_PointKey]:
        """Return those of the keys that the file has."""
        if not keys:
            return set()
        (found,) = read_json(self._connection, "find_known_points", points=keys)
        return {keys[place] for place in found}

    def _count_late(self, late: Iterable[_PointKey], too_late: Counter[int]) -> None:
        last = {stored.id: stored.last for stored in self._series.values()}
        counted = Counter(series for series, time, _ in late if time < last[series])
        counts = [(id, counted[id], too_late[id]) for id in counted.keys() | too_late.keys()]
        if counts:
            run_query(self._connection, "count_late_points", counts=counts)

    def _look_up(self) -> list[Any]:
        every = self._wanted.values()
        return read_json(
            self._connection,
            "look_up_series",
            series=list(self._wanted),
            instruments=_unique(series.instrument.digest for series in every),
            resources=_unique(series.resource.digest for series in every),
            scopes=_unique(series.scope.digest for series in every if series.scope is not None),
            bounds=_unique(point.bounds for point in self._points if point.bounds is not None),
        )

    def _make_series(self, day: int) -> int:
        """Write the series that the file does not have, as far as the day allows, and return how many. Those of a batch
        are made in the order of their points."""
        new = [series for digest, series in self._wanted.items() if digest not in self._series]
        if not new:
            return 0
        new = new[: self._find_room(day)]
        last_ids = read_last_ids(self._connection)
        resources = _KeyedRows(RESOURCES, self._resource_ids, last_ids)
        scopes = _KeyedRows(SCOPES, self._scope_ids, last_ids)
        instruments = _KeyedRows(INSTRUMENTS, self._instrument_ids, last_ids)
        made: dict[str, int] = {}
        every = _KeyedRows(SERIES, made, last_ids)
        for series in new:
            resource = resources.find_key(series.resource, ())
            scope = None if series.scope is None else scopes.find_key(series.scope, ())
            instrument = instruments.find_key(series.instrument, (scope,))
            every.find_key(series.row, (instrument, resource))
        for rows in (resources, scopes, instruments, every):
            rows.write(self._connection)
        self._series |= {digest: _StoredSeries(id, 0, -1, -1) for digest, id in made.items()}
        return len(made)

    def _find_room(self, day: int) -> int:
        found = self._connection.execute("SELECT series FROM _new_series WHERE day = ?", (day,)).fetchone()
        return max(0, self._most_new_series - (0 if found is None else found[0]))

    def _make_bounds(self) -> None:
        """Write the bounds that the file does not have."""
        wanted = {point.bounds for point in self._points if point.bounds is not None} - self._bounds_ids.keys()
        if wanted:
            rows = TableRows(BOUNDS)
            for bounds in sorted(wanted):
                rows.add((bounds,))
            rows.write(self._connection)
            (found,) = read_json(self._connection, "find_bounds", bounds=wanted)
            self._bounds_ids |= found

    def _count_new(self, day: int, series: int, refused: int) -> None:
        values = {"day": day, "series": series, "refused": refused}
        self._connection.execute(read_query("note_new_series"), values)


class _KeyedRows:
    """New rows of a table, each once by its digest, with the ids after the last that the table had."""

    def __init__(self, insert: Insert, ids: dict[str, int], last_ids: dict[str, int]) -> None:
        self._ids = ids
        self._last_id = last_ids[insert.table]
        self._rows = TableRows(insert)

    def find_key(self, row: ResourceRow | ScopeRow | InstrumentRow | SeriesRow, keys: tuple[int | None, ...]) -> int:
        """Return the key of a row, which has those `keys` of other tables."""
        id = self._ids.get(row.digest)
        if id is None:
            self._last_id += 1
            id = self._ids[row.digest] = self._last_id
            self._rows.add((id, *keys, *row))
        return id

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows."""
        self._rows.write(connection)


def _unique(items: Iterable[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))


def _read_series(id: int, hourly_until: int, last_sorted: int | None, last_new: int | None) -> _StoredSeries:
    sorted_time = -1 if last_sorted is None else last_sorted
    return _StoredSeries(id, hourly_until, sorted_time, sorted_time if last_new is None else last_new)
