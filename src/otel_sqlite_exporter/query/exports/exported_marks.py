# SPDX-License-Identifier: Apache-2.0
"""Exports pins and notes as log records, from which `import` makes pins and notes again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from otel_sqlite_exporter.model.mark_rows import MarkRow, write_mark
from otel_sqlite_exporter.otlp.otlp_encoder import encode_logs
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.exports.exported_pieces import PAGE, ExportedPiece
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.sql.texts import read_query


def read_marks(
    file: TelemetryFile, filters: Mapping[str, Any], redactor: RowRedactor | None
) -> Iterator[ExportedPiece]:
    """Yield the marks, also those that were taken away: of a session and its traces, of a trace, or all. Times do not
    matter. A mark whose session is masked is left out, and so is a note of which nothing is left."""
    after = 0
    while True:
        marks = file.read(_read_page, filters, after)
        if not marks:
            return
        after = marks[-1][0]
        written = [write_mark(mark) for _, mark in marks]
        rows = written if redactor is None else [*filter(None, map(redactor.redact_mark, written))]
        if rows:
            yield ExportedPiece(encode_logs(rows) + b"\n", marks=len(rows))


def _read_page(connection: sqlite3.Connection, filters: Mapping[str, Any], after: int) -> list[tuple[int, MarkRow]]:
    asked = {"session_id": filters["session_id"], "trace_id": filters["trace_id"], "after": after, "limit": PAGE}
    if asked["session_id"] is None and asked["trace_id"] is None:
        found = connection.execute(read_query("read_marks"), {"after": after, "limit": PAGE})
    else:
        found = connection.execute(read_query("find_marks"), asked)
    return [(id, MarkRow._make(columns)) for id, *columns in found]
