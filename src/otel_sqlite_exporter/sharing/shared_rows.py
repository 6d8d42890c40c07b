# SPDX-License-Identifier: Apache-2.0
"""Redacts what is shared: in a session whose id is masked, each record gets another name of it, and a data point keeps
no exemplar of a trace that is not shared."""

from __future__ import annotations

from collections.abc import Sequence

from otel_sqlite_exporter.model.mark_rows import SESSION_KEY
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.values import decode_value, encode_attributes
from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.redact.redacted_signals import SpanRedactor
from otel_sqlite_exporter.redact.share_redactor import ShareRedactor

_DESCRIPTION = "metric.description"
_OTHER_TRACES = "exemplars of other traces"


class SharedRows(RowRedactor):
    """Redacts the rows of one session or trace, the spans and log records before the data points. `name`: what the
    session is called in each record of it; None: it has its own name."""

    def __init__(self, redactor: ShareRedactor, name: str | None) -> None:
        super().__init__(SpanRedactor(redactor))
        self._counts = redactor.counts
        self._name = name
        self._traces: set[int] = set()
        self._described: set[str] = set()

    def redact_span(
        self, span: Row, events: Sequence[Row], links: Sequence[Row]
    ) -> tuple[Row, Sequence[Row], Sequence[Row]]:
        """Return a span, its events and its links."""
        self._traces.add(int(span["trace_id"], 16))
        redacted, its_events, its_links = super().redact_span(span, events, links)
        return self._name_session(redacted), its_events, its_links

    def redact_log(self, log: Row) -> Row:
        """Return a log record."""
        if log["trace_id"] is not None:
            self._traces.add(int(log["trace_id"], 16))
        return self._name_session(super().redact_log(log))

    def redact_point(self, point: PointFields) -> PointFields:
        """Return a data point, with the exemplars of no trace and of those traces that are shared."""
        exemplars = [one for one in point.exemplars if not one.trace_id or one.trace_id in self._traces]
        if left_out := len(point.exemplars) - len(exemplars):
            self._counts.note("left_out", _OTHER_TRACES, left_out)
        redacted = super().redact_point(point._replace(exemplars=exemplars))
        self._count_description(point, redacted)
        if self._name is None:
            return redacted
        return redacted._replace(attributes={**redacted.attributes, SESSION_KEY: self._name})

    def redact_mark(self, mark: Row) -> Row | None:
        """Return a mark of the session by its name, and one of a trace as `RowRedactor` does."""
        if self._name is None or mark["trace_id"] is not None:
            return super().redact_mark(mark)
        redacted = super().redact_log(mark)
        if redacted["body"] is None:
            return None
        return self._name_session({**mark, "body": redacted["body"], "body_type": redacted["body_type"]})

    def _count_description(self, point: PointFields, redacted: PointFields) -> None:
        """Count the description of a metric once if it is left out."""
        name = point.instrument.name
        if point.instrument.description and not redacted.instrument.description and name not in self._described:
            self._described.add(name)
            self._counts.note("left_out", _DESCRIPTION)

    def _name_session(self, row: Row) -> Row:
        if self._name is None:
            return row
        attributes = decode_value(row["attributes"], row["attribute_types"], restore_keys=True)
        text, types, _ = encode_attributes({**attributes, SESSION_KEY: self._name})
        return {**row, "attributes": text, "attribute_types": types}
