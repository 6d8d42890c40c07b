# SPDX-License-Identifier: Apache-2.0
"""The SDK's edge for logs: a LogRecordExporter that writes to a SQLite file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import opentelemetry.sdk._logs.export as sdk

from otel_sqlite_exporter.encode.logs import LogEncoder, read_log
from otel_sqlite_exporter.encode.quarantine import quarantine_log
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.redact.redacted_signals import make_span_redactor
from otel_sqlite_exporter.sdk.sdk_delivery import make_delivery
from otel_sqlite_exporter.settings import resolve_settings

# Older SDKs have the older names alone.
_Base: Any = getattr(sdk, "LogRecordExporter", None) or sdk.LogExporter
_Result: Any = getattr(sdk, "LogRecordExportResult", None) or sdk.LogExportResult

_exporting = threading.local()


class SQLiteLogRecordExporter(_Base):  # type: ignore[misc]
    """Writes log records to a SQLite file, the same that `SQLiteSpanExporter` writes spans to.

    When `export` returns SUCCESS the batch is durable; it never raises, and waits for other writers no longer than
    `busy_timeout_ms`. Making an exporter touches nothing. Works with every log record processor, on several threads,
    and in forked children. Log records have no identity: one that is exported twice is there twice.

    Args:
        path: Path of the file (text or PathLike). Environment: OTEL_EXPORTER_SQLITE_PATH. Default: `otel.db`.
        session_attributes: Names of the attributes that name a record's session, the strongest first.
        busy_timeout_ms: As all arguments below, what it is for `SQLiteSpanExporter`, with the same variables.
        synchronous: See there.
        auto_migrate: See there.
        pairing_window_ms: See there.
        spool_limit_bytes: See there.
        redact_keys: See there.
        redact_values: See there.
        redactor: See there; it knows the body of a record as `log.body`.
        capture_content: See there.
        capture_limit: See there.
        dialects: See there.

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
        self._encoder = LogEncoder(settings.session_attributes, extend_rules(settings.dialects))
        self._delivery = make_delivery(settings, "logs")

    def export(self, batch: Sequence[Any]) -> Any:
        """Write log records; results as of `SQLiteSpanExporter.export`.

        What is logged by an export, on its own thread, comes back here before the export is over where the package's
        own logger is exported: it is not written.
        """
        if getattr(_exporting, "is_under_way", False):
            return _Result.FAILURE
        _exporting.is_under_way = True
        try:
            return _Result.SUCCESS if self._delivery.deliver(self._encode(batch)) else _Result.FAILURE
        finally:
            _exporting.is_under_way = False

    def shutdown(self) -> None:
        """Close the file. An export that is under way is waited for, up to `busy_timeout_ms`."""
        self._delivery.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: nothing is held back, every export has been written when it returns."""
        return True

    def _encode(self, batch: Sequence[Any]) -> Records:
        arrival = time.time_ns()
        logs = []
        quarantine = []
        for record in batch:
            fields = None
            try:
                fields = read_log(record, self._redactor)
                logs.append(self._encoder.encode_log(fields, arrival))
            except Exception as error:
                quarantine.append(quarantine_log(fields, error, arrival))
        return Records(logs=logs, quarantine=quarantine)
