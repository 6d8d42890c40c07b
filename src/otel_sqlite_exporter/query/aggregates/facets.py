# SPDX-License-Identifier: Apache-2.0
"""Facets: the values of columns of a list, each with the number of rows that meet the filters."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import AskableView, Texts
from otel_sqlite_exporter.query.indexes.indexed_filters import find_among
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.sql_builder import build_page
from otel_sqlite_exporter.storage.connection import allow_signals

SCANNED = 10_000
"""The newest rows that meet the filters, which are counted."""
_LONGEST_S = 1.0
_STEPS_BETWEEN_LOOKS = 2_000


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one column.

    Attributes:
        values: The most frequent values, each with its number of rows; None is a missing value.
        others: The number of values that are left out.
    """

    field: str
    values: tuple[tuple[Any, int], ...]
    others: int

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        values = [{"value": value, "count": count} for value, count in self.values]
        return {"field": self.field, "values": values, "others": self.others}


@dataclass(frozen=True, slots=True)
class FacetResult:
    """The facets of a list. `rows` were counted; if `is_whole` is False, these are the newest ones only."""

    facets: tuple[Facet, ...]
    rows: int
    is_whole: bool


def list_facets(view: AskableView[Any]) -> tuple[str, ...]:
    """Return the columns that can be asked for: those with a filter that takes texts."""
    hints = get_type_hints(view.filter_type)
    return tuple(name for name in view.arguments if hints[name] == Texts and name in field_types(view.row_type))


def count_facets(
    connection: sqlite3.Connection,
    view: AskableView[Any],
    fields: Sequence[str],
    filters: Mapping[str, Any],
    *,
    limit: int,
) -> FacetResult:
    """Return the `limit` most frequent values of each field, among the newest 10,000 rows that meet the filters, and
    among those that are found within one second.

    Raises:
        FilterError: A field or a filter is unknown, or a value cannot be used.
    """
    known = list_facets(view)
    for field in fields:
        if field not in known:
            raise FilterError("field", f"{view.name} has no facet {field!r}: give {', '.join(known)}")
    columns = tuple(dict.fromkeys(fields))
    among = find_among(connection, view, filters)
    select = build_page(view, filters, limit=SCANNED + 1, columns=columns, among=among)
    found, is_whole = fetch_in_time(connection, select.sql, select.parameters)
    counted = found[:SCANNED]
    places = {column: place for place, column in enumerate(columns)} if among is None else {}
    facets = []
    for field in columns:
        counts = Counter(row[places.get(field, field)] for row in counted)
        values = sorted(counts.items(), key=lambda one: (-one[1], one[0] is None, str(one[0])))
        facets.append(Facet(field, tuple(values[:limit]), max(0, len(values) - limit)))
    return FacetResult(tuple(facets), len(counted), is_whole and len(found) <= SCANNED)


def fetch_in_time(
    connection: sqlite3.Connection, sql: str, parameters: Mapping[str, Any], *, longest_s: float = _LONGEST_S
) -> tuple[list[Any], bool]:
    """Return the rows that were read in time, and whether these are all."""
    rows: list[Any] = []
    deadline = time.monotonic() + longest_s
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        cursor = connection.execute(sql, parameters)
        cursor.row_factory = sqlite3.Row
        rows += cursor
        return rows, True
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return rows, False
    finally:
        allow_signals(connection)
