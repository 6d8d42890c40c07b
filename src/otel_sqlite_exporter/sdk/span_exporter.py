# SPDX-License-Identifier: Apache-2.0
"""The SDK's edge: a SpanExporter that writes to a SQLite file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_sqlite_exporter.encode.quarantine import quarantine_span
from otel_sqlite_exporter.encode.spans import SpanEncoder
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.sdk.sdk_delivery import make_delivery
from otel_sqlite_exporter.settings import resolve_settings


class SQLiteSpanExporter(SpanExporter):
    """Writes finished spans, with their start and finish records, to a SQLite file.

    When `export` returns SUCCESS the batch is durable; it never raises, and waits for other writers no longer than
    `busy_timeout_ms`. Making an exporter touches nothing: the file is created or checked in the first export. Works
    with every span processor, on several threads, and in forked children, each of which opens the file for itself.

    Args:
        path: Path of the file (text or PathLike). Environment: OTEL_EXPORTER_SQLITE_PATH. Default: `otel.db`.
        session_attributes: Names of the attributes that name a span's session, the strongest first.
            Environment: OTEL_EXPORTER_SQLITE_SESSION_ATTRIBUTES (comma-separated).
        busy_timeout_ms: Milliseconds that one export waits for another writer.
            Environment: OTEL_EXPORTER_SQLITE_BUSY_TIMEOUT_MS. Default: 5000.
        synchronous: `normal` (what was acknowledged survives the death of the process) or `full` (and a power failure).
            Environment: OTEL_EXPORTER_SQLITE_SYNCHRONOUS. Default: `normal`.
        auto_migrate: Which steps may be applied to an older file without being asked: `safe`, `always` or `never`.
            Environment: OTEL_EXPORTER_SQLITE_AUTO_MIGRATE. Default: `safe`.
        pairing_window_ms: The longest time, in milliseconds, between records that are linked by time alone.
            Environment: OTEL_EXPORTER_SQLITE_PAIRING_WINDOW_MS. Default: 300000.
        spool_limit_bytes: Size up to which batches are kept beside a file that cannot be written; 0 keeps none.
            Environment: OTEL_EXPORTER_SQLITE_SPOOL_LIMIT_BYTES. Default: 67108864 (64 MiB).
        redact_keys: Globs, in whatever case: attributes of these keys are stored as `[redacted]`.
            Environment: OTEL_EXPORTER_SQLITE_REDACT_KEYS (comma-separated).
        redact_values: Regular expressions: what they match, in any text, is stored as `[redacted]`.
            Environment: OTEL_EXPORTER_SQLITE_REDACT_VALUES (one a line).
        redactor: A function (or `module:function` as text) from the key and the value of an attribute to what is
            stored. Environment: OTEL_EXPORTER_SQLITE_REDACTOR.
        capture_content: Whether prompts, completions, tool arguments and the like are stored.
            Environment: OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT. Default: true.
        capture_limit: The longest text that is stored whole, in characters; what is longer is cut there.
            Environment: OTEL_EXPORTER_SQLITE_CAPTURE_LIMIT. Default: none.
        dialects: Paths of JSON files, each with a dialect of your own (see docs/dialects.md).
            Environment: OTEL_EXPORTER_SQLITE_DIALECTS (comma-separated).

    None means unset: the environment variable, then the default. All arguments take JSON types, so that they serve as
    keys in a declarative configuration file.

    Raises:
        ConfigurationError: An argument has a value that cannot be used. (A bad environment variable warns instead.)
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        session_attributes: Sequence[str] | None = None,
        busy_timeout_ms: int | None = None,
        synchronous: str | None = None,
        auto_migrate: str | None = None,
        pairing_window_ms: int | None = None,
        spool_limit_bytes: int | None = None,
        redact_keys: Sequence[str] | None = None,
        redact_values: Sequence[str] | None = None,
        redactor: Callable[[str, Any], Any] | str | None = None,
        capture_content: bool | None = None,
        capture_limit: int | None = None,
        dialects: Sequence[str] | None = None,
    ) -> None:
        settings = resolve_settings(
            path,
            session_attributes=session_attributes,
            busy_timeout_ms=busy_timeout_ms,
            synchronous=synchronous,
            auto_migrate=auto_migrate,
            pairing_window_ms=pairing_window_ms,
            spool_limit_bytes=spool_limit_bytes,
            redact_keys=redact_keys,
            redact_values=redact_values,
            redactor=redactor,
            capture_content=capture_content,
            capture_limit=capture_limit,
            dialects=dialects,
        )
        self._redactor = make_span_redactor(settings)
        self._encoder = SpanEncoder(settings.session_attributes, extend_rules(settings.dialects))
        self._delivery = make_delivery(settings, "traces")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write `spans`; SUCCESS means that they are in the file (or, where a span cannot be a row, in its quarantine).
        Where the file cannot be written within `busy_timeout_ms`, it means that they are in the spool beside it, from
        which a later export, or `python -m otel_sqlite_exporter recover`, brings them in.

        FAILURE means that the spool could not be written either; one log line a minute says why, and the file counts
        them as dropped. After `shutdown` every batch fails, with one warning.
        """
        is_durable = self._delivery.deliver(self._encode(spans, are_open=False))
        return SpanExportResult.SUCCESS if is_durable else SpanExportResult.FAILURE

    def export_open(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write spans that have not ended, as they are now: the file shows them as running until `export` brings them
        finished, or their process is gone. Results as of `export`."""
        is_durable = self._delivery.deliver(self._encode(spans, are_open=True))
        return SpanExportResult.SUCCESS if is_durable else SpanExportResult.FAILURE

    def note_alive(self) -> None:
        """Let the file know that this process lives: spans of it that run are shown to have lasted until then."""
        self._delivery.note_alive()

    def count_dropped(self, spans: int) -> None:
        """Count spans that were lost before they came here, in the view `exporter_health`."""
        self._delivery.drop(spans)

    def shutdown(self) -> None:
        """Close the file. An export that is under way is waited for, up to `busy_timeout_ms`."""
        self._delivery.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: nothing is held back, every export has been written when it returns."""
        return True

    def _encode(self, spans: Sequence[ReadableSpan], *, are_open: bool) -> Records:
        if self._redactor is not None:
            spans = self._redactor.redact_spans(spans)
        arrival = time.time_ns()
        encoded = []
        quarantine = []
        for span in spans:
            try:
                encoded.append(self._encoder.encode_span(span, arrival, is_open=are_open))
            except Exception as error:
                if not are_open:  # it is told when the span has ended
                    quarantine.append(quarantine_span(span, error, arrival))
        return Records(spans=encoded, quarantine=quarantine)
