# SPDX-License-Identifier: Apache-2.0
"""Encodes spans, log records and data points that were read from messages as exported ones are: redacted, with the
dialects and session attributes of the settings. One that cannot be a row costs itself: it goes to quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.metric_encoding.merged_points import merge_points
from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.encode.quarantine import quarantine_fields, quarantine_piece, quarantine_span
from otel_sqlite_exporter.encode.span_encoders import make_span_encoder
from otel_sqlite_exporter.errors import UnreadableMarkError
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.model.mark_rows import MarkRow, read_mark
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow
from otel_sqlite_exporter.model.signals import LogFields, SpanFields
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.settings import REDACTED, Settings

_Fields = SpanFields | LogFields | PointFields


class RecordEncoder:
    """Encodes for the file of `settings`."""

    def __init__(self, settings: Settings) -> None:
        self._redactor = make_span_redactor(settings)
        rules = extend_rules(settings.dialects)
        sessions = settings.session_attributes
        self._encoders: dict[type[Any], Callable[..., EncodedSpan | EncodedLog | EncodedPoint]] = {
            SpanFields: make_span_encoder(sessions, rules).encode_span,
            LogFields: LogEncoder(sessions, rules).encode_log,
            PointFields: PointEncoder(sessions).encode_point,
        }

    @overload
    def encode(
        self, record: SpanFields | LogFields, altered: int, arrival_time_unix_nano: int
    ) -> EncodedSpan | EncodedLog | QuarantineRow: ...
    @overload
    def encode(
        self, record: PointFields, altered: int, arrival_time_unix_nano: int
    ) -> EncodedPoint | QuarantineRow: ...
    def encode(
        self, record: _Fields, altered: int, arrival_time_unix_nano: int
    ) -> EncodedSpan | EncodedLog | EncodedPoint | QuarantineRow:
        """Return the rows of `record`, or its row for the quarantine. `altered` is the number of its values that could
        not be read as they came.

        Raises:
            MemoryError: That says nothing about the record.
        """
        redacted = self._redact(record)
        try:
            encoded = self._encoders[type(record)](redacted, arrival_time_unix_nano)
        except MemoryError:
            raise
        except Exception as error:
            quarantine = quarantine_span if isinstance(redacted, SpanFields) else quarantine_fields
            return quarantine(redacted, error, arrival_time_unix_nano)
        return encoded._replace(repaired=encoded.repaired + altered) if altered else encoded

    def merge(self, points: Sequence[EncodedPoint]) -> Sequence[EncodedPoint]:
        """Return the points of one message: where something is masked or left out, those that it made points of one
        series and time are added up."""
        return points if self._redactor is None else merge_points(points)

    def encode_mark(self, record: LogFields) -> MarkRow:
        """Return the row of a pin or a note.

        Raises:
            UnreadableMarkError: It is not as this package writes it, or what it is about was masked.
        """
        redacted = self._redact(record)
        assert isinstance(redacted, LogFields)
        mark = read_mark(redacted)
        if REDACTED in mark.session_id:
            raise UnreadableMarkError("a pin or note of a session whose id is masked")
        return mark

    def refuse(
        self, record: UnreadableRecord, source: str, location: str, arrival_time_unix_nano: int
    ) -> QuarantineRow:
        """Return the row for the quarantine of a part of a message from `source` that cannot be read."""
        content = record.content if self._redactor is None else REDACTED
        return quarantine_piece(source, location, content, record.reason, arrival_time_unix_nano)

    def _redact(self, record: _Fields) -> _Fields:
        if self._redactor is None:
            return record
        if isinstance(record, SpanFields):
            return self._redactor.redact_span(record)
        if isinstance(record, PointFields):
            return self._redactor.redact_point(record)
        return self._redactor.redact_log(record)
