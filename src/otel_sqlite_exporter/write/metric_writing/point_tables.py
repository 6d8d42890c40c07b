# SPDX-License-Identifier: Apache-2.0
"""The statements that write series, data points and exemplars.

Two versions of one point, of the same series, time and start, are one row: the larger of both. So the file is the same
in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.model.metric_records.metric_rows import ExemplarRow, InstrumentRow, PointRow, SeriesRow
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.write.statements import Insert, take_new

_POINT_KEY = ("is_sorted", "series", "time_unix_nano", "start_time_unix_nano")
_EXEMPLAR_KEY = ("series", "point_time_unix_nano", "point_start_time_unix_nano", "ordinal")
POINT_COLUMNS = ("series", "is_sorted", *PointRow._fields, "bounds")
_BOUNDS = "(SELECT b.bounds FROM _histogram_bounds AS b WHERE b.id = {}.bounds)"


def _is_larger(table: str, compared: Sequence[str]) -> str:
    """Return the condition that a new row is larger than the one in the table. `compared` are expressions with `{}` for
    the row; NULL is the smallest."""
    new, stored = (
        ", ".join(f"ifnull({expression.format(row)}, -9e999)" for expression in compared) for row in ("excluded", table)
    )
    return f"({new}) > ({stored})"


def _types(numbers: Sequence[str]) -> list[str]:
    """Return the types of numbers: 1 and 1.0 are equal."""
    return [f"typeof({{}}.{column})" for column in numbers]


RESOURCES = Insert("_resources", ("id", *ResourceRow._fields))
SCOPES = Insert("_scopes", ("id", *ScopeRow._fields))
INSTRUMENTS = Insert("_instruments", ("id", "scope", *InstrumentRow._fields))
SERIES = Insert("_metric_series", ("id", "instrument", "resource", *SeriesRow._fields))
BOUNDS = Insert("_histogram_bounds", ("bounds",), key="bounds")
_IS_WHOLE = "{}.raw_points IS NOT 0"
"""What came, or stands for what came, is larger than what is left of it when it was removed."""
_NUMBERS = ("value_count", "value", "sum", "min", "max")
_POINT_VALUES = (*_NUMBERS, "buckets", "flags", "raw_points", "time_source")
POINTS = Insert(
    "_metric_points",
    POINT_COLUMNS,
    key=", ".join(_POINT_KEY),
    update=take_new((*_POINT_VALUES, "bounds")),
    when=_is_larger(
        "_metric_points",
        (_IS_WHOLE, *(f"{{}}.{column}" for column in _POINT_VALUES), *_types(_NUMBERS), _BOUNDS),
    ),
)
_STORED = (
    *_POINT_KEY,
    "time_source",
    "flags",
    "value",
    "value_count",
    "sum",
    "min",
    "max",
    "bounds",
    "buckets",
    "raw_points",
)
PLAIN_POINTS = Insert("_metric_points", ("series", *(column for column in _STORED if column != "series")))
"""For points that the file does not have."""
_EXEMPLAR_VALUES = ("value", "time_unix_nano", "trace_id", "span_id", "attributes", "attribute_types")
EXEMPLARS = Insert(
    "_exemplars",
    (*_EXEMPLAR_KEY, *ExemplarRow._fields),
    key=", ".join(_EXEMPLAR_KEY),
    update=take_new(ExemplarRow._fields),
    when=_is_larger("_exemplars", (*(f"{{}}.{column}" for column in _EXEMPLAR_VALUES), *_types(("value",)))),
)
