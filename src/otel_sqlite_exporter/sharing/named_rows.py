# SPDX-License-Identifier: Apache-2.0
"""Gives a shared session whose id is masked another name, by which its traces, marks and scores stay together."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from otel_sqlite_exporter.model.mark_rows import SESSION_KEY
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.values import decode_value, encode_attributes
from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.askable_views import TRACES
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import build_page
from otel_sqlite_exporter.redact.redacted_signals import SpanRedactor

_NAME = "redacted"
_DIGITS = 8


def make_name(connection: sqlite3.Connection, session_id: str) -> str:
    """Return a name for a session that says nothing of its id: `redacted-`, and how the id of its first trace begins.
    So two sessions that are shared do not become one where both are imported."""
    filters = {"session_id": session_id}
    rows = fetch(connection, build_page(TRACES, filters, limit=1, cursor=None, newest_first=False))
    return f"{_NAME}-{rows[0]['trace_id'][:_DIGITS]}" if rows else _NAME


class NamedRows(RowRedactor):
    """Redacts the rows of one session, and names the session in each span, log record, data point and mark of it."""

    def __init__(self, redactor: SpanRedactor, name: str) -> None:
        super().__init__(redactor)
        self._name = name

    def redact_span(
        self, span: Row, events: Sequence[Row], links: Sequence[Row]
    ) -> tuple[Row, Sequence[Row], Sequence[Row]]:
        """Return a span, its events and its links."""
        redacted, its_events, its_links = super().redact_span(span, events, links)
        return self._name_session(redacted), its_events, its_links

    def redact_log(self, log: Row) -> Row:
        """Return a log record."""
        return self._name_session(super().redact_log(log))

    def redact_point(self, point: PointFields) -> PointFields:
        """Return a data point."""
        redacted = super().redact_point(point)
        return redacted._replace(attributes={**redacted.attributes, SESSION_KEY: self._name})

    def redact_mark(self, mark: Row) -> Row | None:
        """Return a mark of the session by its name, and one of a trace as `RowRedactor` does."""
        if mark["trace_id"] is not None:
            return super().redact_mark(mark)
        redacted = super().redact_log(mark)
        if redacted["body"] is None:
            return None
        return self._name_session({**mark, "body": redacted["body"], "body_type": redacted["body_type"]})

    def _name_session(self, row: Row) -> Row:
        attributes = decode_value(row["attributes"], row["attribute_types"], restore_keys=True)
        text, types, _ = encode_attributes({**attributes, SESSION_KEY: self._name})
        return {**row, "attributes": text, "attribute_types": types}
