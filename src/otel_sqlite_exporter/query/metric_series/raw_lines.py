# SPDX-License-Identifier: Apache-2.0
"""The points of series as they are stored, and what came since the point before each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.query.metric_series.chosen_series import SeriesGroup
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, RawPoint
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

MOST_POINTS = 100_000
"""Points that are returned of all series together."""


def read_raw_lines(
    connection: sqlite3.Connection, groups: Sequence[SeriesGroup], since: int, until: int
) -> tuple[list[MetricLine], int | None]:
    """Return the points of groups of one series each. If there are too many, the newest of each are returned, and the
    time after which all have theirs; else None."""
    most = MOST_POINTS // max(len(groups), 1)
    lines, cut = [], None
    for group in groups:
        one = group.series[0]
        begin, is_whole = _find_begin(connection, one.id, since, until, most)
        if not is_whole:
            cut = begin if cut is None else max(cut, begin)
        given = {"series": one.id, "since": begin, "until": until}
        rows = fetch(connection, Select(read_query("read_raw_points"), given))
        points = tuple(RawPoint(**{**row, "buckets": _decode(row["buckets"])}) for row in rows[-most:])
        lines.append(MetricLine(group.labels, "raw", one.unit, False, 1, points))
    return lines, cut


def _find_begin(connection: sqlite3.Connection, series: int, since: int, until: int, most: int) -> tuple[int, bool]:
    """Return the time of the point from which on there are about so many, and whether these are all."""
    left, begin = most, until
    for is_sorted in (0, 1):
        given = {"series": series, "since": since, "until": until, "is_sorted": is_sorted, "most": left}
        counted, first, is_cut = connection.execute(read_query("find_newest_points"), given).fetchone()
        begin = begin if first is None else first
        if is_cut:
            return begin, False
        left -= counted
    return since, True


def _decode(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
