# SPDX-License-Identifier: Apache-2.0
"""Chooses which data points of an hour of a series a merged file has, where retention of a file has made one of them.

Points as they came are then left out, as they may be in that one. Of two files that made one of them, all points of the
hour are from the one that has more in it. This gives the same in any order. A point that only stays because later ones
are counted from it (`raw_points` 0) is left out where a chosen one of its count stands for it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, PointRow
from otel_sqlite_exporter.retention.hourly.hour_points import HOUR_NS
from otel_sqlite_exporter.write.statements import run_query, run_script

PointUnit = Sequence[EncodedPoint]
"""Points that are written together: one, or all of an hour of a series that has one that stands for others."""
_Rows = Sequence[tuple[PointRow, str | None]]
"""Points, each with the bounds of its buckets."""


class _Hour(NamedTuple):
    """An hour of a series (its digest), by the first nanosecond."""

    series: str
    start: int


def split_hours(points: Iterable[EncodedPoint]) -> list[PointUnit]:
    """Return points, those of a series together and in the order of their times, as what is written together."""
    units: list[PointUnit] = []
    hours: dict[_Hour, list[EncodedPoint]] = {}
    made: set[_Hour] = set()
    for point in points:
        hour = _find_hour(point)
        hours.setdefault(hour, []).append(point)
        if point.row.raw_points:
            made.add(hour)
    for hour, of_hour in hours.items():
        units += [of_hour] if hour in made else [(point,) for point in of_hour]
    return units


def choose_points(target: sqlite3.Connection, units: Sequence[PointUnit]) -> list[EncodedPoint]:
    """Return the points that are to be written, and remove those from the target for which they stand: in the caller's
    transaction."""
    ours = _read_hours(target, units)
    if not ours and not any(_is_made(_get_rows(unit)) for unit in units):
        return [point for unit in units for point in unit]
    removed: list[tuple[str, int, int]] = []
    chosen: dict[_Hour, PointUnit] = {}
    for unit in units:
        theirs = _get_rows(unit)
        if not _is_made(theirs):
            continue
        hour = _find_hour(unit[0])
        stored = _get_rows(chosen[hour]) if hour in chosen else ours.get(hour, ())
        if _measure(theirs) < _measure(stored):
            continue
        if _measure(theirs) > _measure(stored):
            standing = [row for row, _ in theirs]
            gone = [row for row, _ in stored if row.raw_points != 0 or _stand_for(row, standing)]
            removed += [(hour.series, row.time_unix_nano, row.start_time_unix_nano) for row in gone]
        chosen[hour] = unit
    if removed:
        run_script(target, "replace_points", points=removed)
    return [*_list_written(units, ours, chosen)]


def _list_written(
    units: Sequence[PointUnit], ours: Mapping[_Hour, _Rows], chosen: Mapping[_Hour, PointUnit]
) -> Iterable[EncodedPoint]:
    for unit in units:
        hour = _find_hour(unit[0])
        winner = chosen.get(hour)
        if winner is unit:
            yield from unit
            continue
        stored = ours.get(hour, ()) if winner is None else _get_rows(winner)
        if not _is_made(stored):
            yield from unit
            continue
        standing = [row for row, _ in stored]
        yield from (point for point in unit if point.row.raw_points == 0 and not _stand_for(point.row, standing))


def _stand_for(base: PointRow, rows: Iterable[PointRow]) -> bool:
    """Return whether one of these points stands for one that later ones are counted from."""
    return any(row.raw_points != 0 and row.start_time_unix_nano == base.start_time_unix_nano for row in rows)


def _measure(rows: _Rows) -> tuple[bool, int, int, bytes]:
    """Return what is larger for the points of an hour that a merged file has."""
    kept = sorted((orjson.dumps([*row, bounds]) for row, bounds in rows if row.raw_points != 0))
    number = sum(1 if row.raw_points is None else row.raw_points for row, _ in rows)
    return _is_made(rows), number, -len(kept), b"\n".join(kept)


def _is_made(rows: _Rows) -> bool:
    return any(row.raw_points for row, _ in rows)


def _get_rows(unit: PointUnit) -> _Rows:
    return [(point.row, point.bounds) for point in unit]


def _find_hour(point: EncodedPoint) -> _Hour:
    return _Hour(point.series.row.digest, point.row.time_unix_nano // HOUR_NS * HOUR_NS)


def _read_hours(target: sqlite3.Connection, units: Sequence[PointUnit]) -> Mapping[_Hour, _Rows]:
    """Return the points of the target of these hours: of all that some point stands for, there or in `units`."""
    wanted: dict[_Hour, bool] = {}
    for unit in units:
        hour = _find_hour(unit[0])
        wanted[hour] = wanted.get(hour, False) or _is_made(_get_rows(unit))
    hours = [*wanted]
    asked = [(*hour, int(is_made)) for hour, is_made in wanted.items()]
    found: defaultdict[_Hour, list[tuple[PointRow, str | None]]] = defaultdict(list)
    for place, bounds, *columns in run_query(target, "read_hours_of_points", hours=asked):
        found[hours[place]].append((PointRow(*columns), bounds))
    return found
