# SPDX-License-Identifier: Apache-2.0
"""What the formats of an export share: the pieces that are written, and how the rows behind them are read."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.askable_views import SPANS
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select, build_page
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query

PAGE = 512
"""The number of spans or log records that are read in one transaction."""
RUNNING = "running"
_ALL = 2**31 - 1


class ExportedPiece(NamedTuple):
    """A piece of an export, and what it holds. `left_out` counts running spans that the format cannot express;
    `marks` are pins and notes, `points` data points of metrics."""

    content: bytes
    spans: int = 0
    logs: int = 0
    left_out: int = 0
    marks: int = 0
    points: int = 0


def make_row_redactor(settings: Settings | None) -> RowRedactor | None:
    """Return what redacts rows as an exporter with these settings redacts records; None: nothing is redacted."""
    found = None if settings is None else make_span_redactor(settings)
    return None if found is None else RowRedactor(found)


def read_span_ids(connection: sqlite3.Connection, filters: Mapping[str, Any]) -> array[int]:
    """Return the ids of the spans that meet the filters, in the order of their starts: eight bytes each. No index has
    this order for one trace or session, so each page of a list would sort them all."""
    select = build_page(SPANS, filters, limit=_ALL, newest_first=False, columns=("id",))
    return array("q", (id for (id,) in connection.execute(select.sql, select.parameters)))


def read_spans(connection: sqlite3.Connection, ids: array[int]) -> list[dict[str, Any]]:
    """Return the spans with these ids, in their order, with what their records hold."""
    keys = orjson.dumps(ids.tolist()).decode()
    return fetch(connection, Select(read_query("find_exported_spans"), {"spans": keys}))


def read_details(connection: sqlite3.Connection, query: str, spans: Sequence[Row]) -> dict[Any, Sequence[Row]]:
    """Return the rows that `query` finds of these spans, in order, by the `id` of their span."""
    details: dict[Any, list[Row]] = {}
    keys = orjson.dumps([span["id"] for span in spans]).decode()
    for row in fetch(connection, Select(read_query(query), {"spans": keys})):
        details.setdefault(row["span"], []).append(row)
    return {**details}
