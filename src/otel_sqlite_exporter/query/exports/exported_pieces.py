# SPDX-License-Identifier: Apache-2.0
"""What the formats of an export share: the pieces that are written, and how the rows behind them are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query

PAGE = 512
"""The number of spans or log records that are read in one transaction."""
RUNNING = "running"


class ExportedPiece(NamedTuple):
    """A piece of an export, and what it holds. `left_out` counts running spans that the format cannot express."""

    content: bytes
    spans: int = 0
    logs: int = 0
    left_out: int = 0


def make_row_redactor(settings: Settings | None) -> RowRedactor | None:
    """Return what redacts rows as an exporter with these settings redacts records; None: nothing is redacted."""
    found = None if settings is None else make_span_redactor(settings)
    return None if found is None else RowRedactor(found)


def read_details(connection: sqlite3.Connection, query: str, spans: Sequence[Row]) -> dict[Any, Sequence[Row]]:
    """Return the rows that `query` finds of these spans, in order, by the `id` of their span."""
    details: dict[Any, list[Row]] = {}
    keys = orjson.dumps([span["id"] for span in spans]).decode()
    for row in fetch(connection, Select(read_query(query), {"spans": keys})):
        details.setdefault(row["span"], []).append(row)
    return {**details}
