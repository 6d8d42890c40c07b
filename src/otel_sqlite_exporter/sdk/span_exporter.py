# SPDX-License-Identifier: Apache-2.0
"""The exporter of spans for the OpenTelemetry SDK."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Unpack

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_sqlite_exporter.encode.each_record import EncodedRecords, encode_each
from otel_sqlite_exporter.encode.quarantine import quarantine_span
from otel_sqlite_exporter.encode.span_encoders import make_span_encoder
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.model.rows import EncodedSpan, QuarantineRow, Records
from otel_sqlite_exporter.native.core_state import IN_USE, find_core_state
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.sdk.keywords import show_keywords
from otel_sqlite_exporter.sdk.sdk_delivery import make_delivery
from otel_sqlite_exporter.sdk.span_queues import SpanQueue, SpansAsTheyAre, SpansAsValues
from otel_sqlite_exporter.settings import SettingKeywords, Settings, resolve_settings


@show_keywords(SettingKeywords, Settings)
class SQLiteSpanExporter(SpanExporter):
    """Writes finished spans, with their start and finish records, to a SQLite file.

    When `export` returns SUCCESS, the batch is durable. `export` never raises, and it waits for other writers no longer
    than `busy_timeout_ms`. The constructor touches nothing: the first export creates or checks the file. The exporter
    works with every span processor, on several threads, and in forked children, which open the file themselves.

    The keywords are those of `SettingKeywords`; docs/settings.md describes each. For one that is None or missing, its
    environment variable holds, then its default.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used. (A bad environment variable logs a warning.)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, **keywords: Unpack[SettingKeywords]) -> None:
        settings = resolve_settings(path, **keywords)
        self._redactor = make_span_redactor(settings)
        self._encoder = make_span_encoder(settings.session_attributes, extend_rules(settings.dialects))
        self._delivery = make_delivery(settings, "traces")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write finished spans.

        SUCCESS means that they are in the file; a span that cannot be a row is in the file's quarantine. If the file
        cannot be written within `busy_timeout_ms`, SUCCESS means that they are in the spool beside it. A later export,
        or `python -m otel_sqlite_exporter recover`, moves them into the file.

        FAILURE means that the spool could not be written either. One log line a minute says why, and the file counts
        the spans as dropped. After `shutdown` every batch fails, with one warning.
        """
        return self._export(spans, are_open=False)

    def export_open(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write spans that still run, as they are now. The file shows them as running until `export` writes them again
        as finished, or until their process has ended. Results are those of `export`."""
        return self._export(spans, are_open=True)

    def note_alive(self) -> None:
        """Write to the file that this process still runs. Its running spans then last until this time."""
        self._delivery.note_alive()

    def count_dropped(self, spans: int) -> None:
        """Add spans that were lost before they reached the exporter to `dropped` in the view `exporter_health`."""
        self._delivery.drop(spans)

    def shutdown(self) -> None:
        """Close the file. Waits for an export that still runs, at most for `busy_timeout_ms`."""
        self._delivery.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: each export is written when it returns."""
        return True

    def _export(self, spans: Sequence[ReadableSpan], *, are_open: bool) -> SpanExportResult:
        encoded = self._encode(spans, are_open=are_open)
        # A running span comes again when it has ended.
        return self._deliver(encoded._replace(refused=[]) if are_open else encoded)

    def _encode(self, spans: Sequence[ReadableSpan], *, are_open: bool = False) -> EncodedRecords[EncodedSpan]:
        arrival = time.time_ns()

        def encode(original: ReadableSpan) -> EncodedSpan:
            span = original if self._redactor is None else self._redactor.redact_span(original)
            return self._encoder.encode_span(span, arrival, is_open=are_open)

        def quarantine(original: ReadableSpan, error: Exception) -> QuarantineRow:
            span = original if self._redactor is None else self._redactor.redact_span(original)
            return quarantine_span(span, error, arrival)

        return encode_each(spans, encode, quarantine)

    def _deliver(self, encoded: EncodedRecords[EncodedSpan]) -> SpanExportResult:
        records = Records(spans=encoded.rows, quarantine=encoded.refused)
        is_durable = self._delivery.deliver(records, lost=encoded.lost)
        return SpanExportResult.SUCCESS if is_durable else SpanExportResult.FAILURE


def make_queue(exporter: SQLiteSpanExporter) -> SpanQueue:
    """Return an empty queue for the spans that end in a processor, whose `export` is that of `exporter`."""
    if _encodes_at_end(exporter):
        return SpansAsValues(exporter._encoder.encode_span, exporter._encode, exporter._deliver)
    return SpansAsTheyAre(exporter.export)


def _encodes_at_end(exporter: SQLiteSpanExporter) -> bool:
    """Return whether a span is encoded where it ends, because that takes microseconds: by the compiled core, with
    nothing to redact. A redactor of the user may take longer; it runs on the thread that exports."""
    return find_core_state() == IN_USE and exporter._redactor is None
