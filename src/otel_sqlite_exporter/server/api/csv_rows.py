# SPDX-License-Identifier: Apache-2.0
"""Rows as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from otel_sqlite_exporter.query.pages import field_types, quote_formula
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.server.api.api_backend import ApiBackend
from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.api.metric_answers.metric_lists import METRIC_LISTS, iterate_metric_rows

_PAGE = 500
_MOST_SORTED = 10_000


def list_columns(name: str) -> tuple[str, ...]:
    """Return the columns of the list `name`."""
    return tuple(field_types(LISTED[name].row_type))


def iterate_list(
    backend: ApiBackend,
    name: str,
    filters: Mapping[str, Any],
    *,
    newest_first: bool = False,
    sort: str = "start",
    columns: Sequence[str] = (),
) -> Iterator[list[Any]]:
    """Yield these columns, or all, of all rows of the list `name` that meet the filters, read in one transaction for
    each 500. A list that is sorted by another thing than its order has one page, so only its largest 10,000 rows are
    read."""
    shown, limit, cursor = columns or list_columns(name), _PAGE if sort == "start" else _MOST_SORTED, None
    while True:
        page = backend.file.read(
            find_page,
            LISTED[name],
            filters,
            limit,
            cursor,
            newest_first,
            sort,
            with_total=False,
            columns=columns or ("*",),
        )
        yield from ([getattr(row, column) for column in shown] for row in page)
        cursor = page.cursor
        if cursor is None:
            return


def write_list(backend: ApiBackend, name: str, filters: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield a line of column names, and lines for all rows of the list `name` that meet the filters, the oldest
    first; of lists about metrics, in their order."""
    if name in METRIC_LISTS:
        return _write_lines(METRIC_LISTS[name].columns, iterate_metric_rows(backend, name, filters))
    return _write_lines(list_columns(name), iterate_list(backend, name, filters))


def _write_lines(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    first = write_rows([columns])
    while piece := write_rows(islice(rows, _PAGE)):
        yield first + piece
        first = b""
    if first:
        yield first


def write_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return lines of CSV. A text that a spreadsheet would take for a formula has a quote before it."""
    text = io.StringIO()
    guarded = [[quote_formula(cell) + cell if isinstance(cell, str) else cell for cell in row] for row in rows]
    csv.writer(text).writerows(guarded)
    return text.getvalue().encode("utf-8", "replace")
