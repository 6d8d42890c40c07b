# SPDX-License-Identifier: Apache-2.0
"""The data points and exemplars of a day, as rows of a dataset.

What the points of a series share is read once. A series is named by its digest, so it has one id wherever it is
archived.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from itertools import starmap
from typing import TYPE_CHECKING, Any

import orjson

from otel_sqlite_exporter.archive.archive_packages import load_pyarrow
from otel_sqlite_exporter.archive.dataset_format.arrow_schemas import make_schema
from otel_sqlite_exporter.archive.dataset_format.dataset_tables import EXEMPLARS, METRICS
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query

if TYPE_CHECKING:
    import pyarrow

SERIES_COLUMNS = (
    *("series_id", "_instrument", "_resource", "_scope", "name", "kind", "unit", "temporality", "is_monotonic"),
    *("description", "scope_name", "scope_version", "scope_schema_url", "scope_attributes", "scope_attribute_types"),
    *("resource_schema_url", "resource_attributes", "resource_attribute_types", "metadata_types", "metadata"),
    *("service_name", "session_id", "user_id", "attribute_types", "attributes", "_late_points", "_refused_points"),
)
POINT_COLUMNS = (
    *("start_time_unix_nano", "time_unix_nano", "time_source", "flags", "value", "value_type", "delta", "count"),
    *("count_delta", "sum", "sum_delta", "min", "max", "buckets", "change", "raw_points"),
)
_BATCH_ROWS = 8_192
_POINTS_AT_ONCE = 100_000
"""About so many points are sorted at once."""
_EXACT = 2**53
_DIGESTS = 4
_REALS, _COUNTS = ("value", "delta", "sum", "sum_delta", "min", "max"), ("count", "count_delta")
_EXEMPLAR_SERIES = [*EXEMPLARS.columns].index("series_id")
_EXEMPLAR_VALUE = [*EXEMPLARS.columns].index("value") - 1
"""Its place among the columns without series_id."""
_NAME, _SERVICE = SERIES_COLUMNS.index("name"), SERIES_COLUMNS.index("service_name")


def read_points(
    connection: sqlite3.Connection,
    since_unix_nano: int,
    until_unix_nano: int,
    traces: Collection[str] | None = None,
) -> Iterator[Any]:
    """Yield the data points of a range of time as record batches of the table metrics, sorted as its parts are.
    With `traces`, there are none: they are of no trace."""
    if traces is not None:
        return
    times = {"since": since_unix_nano, "until": until_unix_nano}
    found = connection.execute(read_query("archive_series"), times).fetchall()
    series = [(id, points, _name_series(columns)) for id, points, *columns in found]
    series.sort(key=lambda one: (one[2][_NAME], one[2][_SERVICE], one[2][0]))
    for group in _group(series):
        shared = _make_columns([columns for _, _, columns in group])
        ids = orjson.dumps([id for id, _, _ in group]).decode()
        cursor = connection.execute(read_query("archive_points"), {**times, "series": ids})
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield _make_points(shared, rows)


def read_exemplars(
    connection: sqlite3.Connection,
    since_unix_nano: int,
    until_unix_nano: int,
    traces: Collection[str] | None = None,
) -> Iterator[Any]:
    """Yield the exemplars of the data points of a range of time as record batches of the table exemplars. With
    `traces`, there are none."""
    if traces is not None:
        return
    times = {"since": since_unix_nano, "until": until_unix_nano}
    cursor = connection.execute(read_query("archive_exemplars"), times)
    while rows := cursor.fetchmany(_BATCH_ROWS):
        yield make_batch(EXEMPLARS, list(starmap(_make_exemplar, rows)))


def name_by_digest(digest: str) -> int:
    """Return the id that a series, instrument, resource or scope has in a dataset: 63 bits of its digest."""
    return int(digest[:16], 16) >> 1


def _name_series(columns: Sequence[Any]) -> list[Any]:
    ids = [digest and name_by_digest(digest) for digest in columns[:_DIGESTS]]
    return [*ids, *columns[_DIGESTS:]]


def _group(series: list[tuple[int, int, list[Any]]]) -> Iterator[list[tuple[int, int, list[Any]]]]:
    """Cut series into groups. A group has a bounded number of points, unless it is one series."""
    group: list[tuple[int, int, list[Any]]] = []
    total = 0
    for one in series:
        if group and total + one[1] > _POINTS_AT_ONCE:
            yield group
            group, total = [], 0
        group.append(one)
        total += one[1]
    if group:
        yield group


def _make_columns(series: list[list[Any]]) -> dict[str, pyarrow.Array]:
    arrow, schema = load_pyarrow(), make_schema(METRICS)
    columns = zip(SERIES_COLUMNS, zip(*series, strict=True), strict=True)
    return {name: arrow.array(values, schema.field(name).type) for name, values in columns}


def _make_points(shared: dict[str, pyarrow.Array], rows: list[tuple[Any, ...]]) -> pyarrow.RecordBatch:
    arrow, schema = load_pyarrow(), make_schema(METRICS)
    places, *columns = zip(*rows, strict=True)
    own: dict[str, Sequence[Any]] = dict(zip(POINT_COLUMNS, columns, strict=False))
    values: dict[str, Sequence[Any]] = {
        **own,
        **{name: [None if value is None else float(value) for value in own[name]] for name in _REALS},
        **{name: [_make_count(value) for value in own[name]] for name in _COUNTS},
        "_point": list(map(_find_inexact, *columns[len(POINT_COLUMNS) :])),
    }
    arrays = {name: arrow.array(column, schema.field(name).type) for name, column in values.items()}
    index = arrow.array(places, arrow.int32())
    arrays |= {name: column.take(index) for name, column in shared.items()}
    return arrow.RecordBatch.from_arrays(
        [arrays[name] for name in METRICS.columns], schema=schema.remove(len(METRICS.columns))
    )


def _make_count(value: Any) -> int | None:
    return value if value is None or type(value) is int else min(int(value), LARGEST)


def _find_inexact(value: Any, count: Any, *others: Any) -> str | None:
    """Return the stored numbers of a point as JSON, unless the columns tell them: `value` is an integer that a double
    holds, or a double, `count` an integer, and the others are doubles."""
    is_plain = (
        (type(count) is int or count is None)
        and _is_exact(value)
        and all(other is None or type(other) is float or _is_infinite(other) for other in others)
    )
    return None if is_plain else orjson.dumps([value, count, *others]).decode()


def _is_exact(value: Any) -> bool:
    """Whether a double and the type tell a stored number."""
    if type(value) is int:
        return -_EXACT <= value <= _EXACT
    return value is None or type(value) is float or value == "NaN" or _is_infinite(value)


def _is_infinite(value: Any) -> bool:
    return value in ("Infinity", "-Infinity")


def _make_exemplar(digest: str, *columns: Any) -> tuple[Any, ...]:
    *told, stored = columns
    value = told[_EXEMPLAR_VALUE]
    told[_EXEMPLAR_VALUE] = None if value is None else float(value)
    told.insert(_EXEMPLAR_SERIES, name_by_digest(digest))
    return *told, None if _is_exact(stored) else str(stored)
