# SPDX-License-Identifier: Apache-2.0
"""The rows of the data points of one batch: they get keys, from what the file holds of their series."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, InstrumentRow, SeriesRow
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.metric_writing.known_series import KnownSeries, StoredSeries
from otel_sqlite_exporter.write.metric_writing.point_tables import (
    BOUNDS,
    EXEMPLARS,
    INSTRUMENTS,
    POINTS,
    RESOURCES,
    SCOPES,
    SERIES,
)
from otel_sqlite_exporter.write.removal.used_ids import read_used_ids
from otel_sqlite_exporter.write.row_tables.archive_notes import note_late
from otel_sqlite_exporter.write.statements import Insert, TableRows, read_json, run_query

_Item = TypeVar("_Item", bound=Hashable)
_DAY_NS = 86_400_000_000_000
_PointKey = tuple[int, int, int]
"""The series of a point, its time and its start."""


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


class _OlderPoint(NamedTuple):
    """A point that is not after all others of its series. `point` is its id in memory."""

    key: _PointKey
    point: int
    is_late: bool


NO_POINTS = WrittenPoints(0, (), {})


class PointsBatch:
    """The points of one batch. Reads the file: make it in the transaction that writes.

    Args:
        known: What is known of the file.
        most_new_series: How many new series a day (UTC) may have. Points of further ones are refused, and counted.
            None: any number, and no point is refused or counted as late, as those of another file are written.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        points: Sequence[EncodedPoint],
        known: KnownSeries,
        most_new_series: int | None,
    ) -> None:
        known.check(connection)
        self._connection = connection
        self._points = points
        self._most_new_series = most_new_series
        self._series, self._bounds_ids = known.series, known.bounds
        self._instrument_ids: dict[str, int] = {}
        self._resource_ids: dict[str, int] = {}
        self._scope_ids: dict[str, int] = {}
        self._wanted = {
            point.series.row.digest: point.series for point in points if point.series.row.digest not in self._series
        }
        self._wanted_bounds = {point.bounds for point in points if point.bounds is not None} - self._bounds_ids.keys()
        if self._wanted or self._wanted_bounds:
            self._look_up()

    def write(self, now_unix_nano: int) -> WrittenPoints:
        """Write the points, and return what became of them."""
        day = now_unix_nano // _DAY_NS
        made = self._make_series(day)
        self._make_bounds()
        # Two statements for points, as each leaves out the columns that the other needs.
        numbers, distributions, exemplars = TableRows(POINTS), TableRows(POINTS), TableRows(EXEMPLARS)
        refused: dict[int, str] = {}
        copied: dict[int, int] = {}
        is_copying = self._most_new_series is None
        too_late: Counter[int] = Counter()
        older: list[_OlderPoint] = []
        find_series = self._series.get
        for point in self._points:
            series, row, bounds, its_exemplars, _ = point
            stored, time = find_series(series.row.digest), row.time_unix_nano
            if stored is None:
                refused[id(point)] = BEYOND_LIMIT
                continue
            if time < stored.hourly_until and row.raw_points is None:
                if is_copying:
                    copied[stored.id] = min(time, copied.get(stored.id, time))
                else:
                    refused[id(point)] = TOO_LATE
                    too_late[stored.id] += 1
                    continue
            if time > stored.last:
                stored.last = time
            else:
                older.append(_OlderPoint((stored.id, time, row.start_time_unix_nano), id(point), time < stored.last))
            rows = numbers if row.value_count is None else distributions
            bounds_id = None if bounds is None else self._bounds_ids[bounds]
            rows.add((stored.id, int(time <= stored.last_sorted), *row, bounds_id))
            for ordinal, exemplar in enumerate(its_exemplars):
                exemplars.add((stored.id, time, row.start_time_unix_nano, ordinal, *exemplar))
        duplicates = self._find_duplicates(older, refused)
        for rows in (numbers, distributions, exemplars):
            rows.write(self._connection)
        note_late(self._connection, (point.row.time_unix_nano for point in self._points))
        if copied:
            run_query(self._connection, "note_copied_points", copied=[*copied.items()])
        if is_copying:
            return WrittenPoints(len(self._points) - len(duplicates), duplicates, refused)
        late = Counter(one.key[0] for one in older if one.is_late and one.point not in duplicates)
        if late or too_late:
            counts = [(id, late[id], too_late[id]) for id in late.keys() | too_late.keys()]
            run_query(self._connection, "count_late_points", counts=counts)
        beyond = len(refused) - too_late.total()
        if made or beyond:
            self._count_new(day, made, beyond)
        return WrittenPoints(len(self._points) - len(refused) - len(duplicates), duplicates, refused)

    def _find_duplicates(self, older: Sequence[_OlderPoint], refused: Mapping[int, str]) -> set[int]:
        """Return the ids in memory of points of which the file has a version, or the batch has one before. They are
        among those that are `older`, or the first of their key."""
        if not older:
            return set()
        keys = {one.key for one in older}
        wanted = list(keys)
        (found,) = read_json(self._connection, "find_known_points", points=wanted)
        stored = {wanted[place] for place in found}
        first: dict[_PointKey, int] = {}
        duplicates = set()
        for point in self._points:
            if id(point) in refused:
                continue
            row = point.row
            key = (self._series[point.series.row.digest].id, row.time_unix_nano, row.start_time_unix_nano)
            if key in keys and (key in stored or first.setdefault(key, id(point)) != id(point)):
                duplicates.add(id(point))
        return duplicates

    def _look_up(self) -> None:
        """Read what the file holds of what is not known."""
        every = self._wanted.values()
        found, self._instrument_ids, self._resource_ids, self._scope_ids, bounds, swept = read_json(
            self._connection,
            "look_up_series",
            series=list(self._wanted),
            instruments=_unique(series.instrument.digest for series in every),
            resources=_unique(series.resource.digest for series in every),
            scopes=_unique(series.scope.digest for series in every if series.scope is not None),
            bounds=self._wanted_bounds,
        )
        self._series.update((digest, StoredSeries(*columns)) for digest, *columns in found)
        self._bounds_ids.update(bounds)
        if swept:
            run_query(self._connection, "use_bounds", bounds=swept)

    def _make_series(self, day: int) -> int:
        """Write the series that the file does not have, as far as the day allows, and return how many. Those of a batch
        are made in the order of their points."""
        new = [series for digest, series in self._wanted.items() if digest not in self._series]
        if not new:
            return 0
        if self._most_new_series is not None:
            new = new[: self._find_room(day, self._most_new_series)]
        last_ids = read_used_ids(self._connection)
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
        self._series.update((digest, StoredSeries(id)) for digest, id in made.items())
        return len(made)

    def _find_room(self, day: int, most: int) -> int:
        found = self._connection.execute("SELECT series FROM _new_series WHERE day = ?", (day,)).fetchone()
        return max(0, most - (0 if found is None else found[0]))

    def _make_bounds(self) -> None:
        """Write the bounds that the file does not have."""
        new = self._wanted_bounds - self._bounds_ids.keys()
        if new:
            rows = TableRows(BOUNDS)
            for bounds in sorted(new):
                rows.add((bounds,))
            rows.write(self._connection)
            (found,) = read_json(self._connection, "find_bounds", bounds=new)
            self._bounds_ids.update(found)

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
