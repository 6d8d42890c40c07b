# SPDX-License-Identifier: Apache-2.0
"""The exporter of log records for the OpenTelemetry SDK."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Unpack

import opentelemetry.sdk._logs.export as sdk

from otel_sqlite_exporter.encode.each_record import encode_each
from otel_sqlite_exporter.encode.logs import LogEncoder
from otel_sqlite_exporter.encode.quarantine import quarantine_fields
from otel_sqlite_exporter.genai.rules import extend_rules
from otel_sqlite_exporter.model.rows import EncodedLog, QuarantineRow, Records
from otel_sqlite_exporter.model.signals import LogFields
from otel_sqlite_exporter.model.values import copy_attributes
from otel_sqlite_exporter.redact.redacted_signals import SpanRedactor, make_span_redactor
from otel_sqlite_exporter.sdk.keywords import show_keywords
from otel_sqlite_exporter.sdk.sdk_delivery import make_delivery
from otel_sqlite_exporter.settings import SettingKeywords, Settings, resolve_settings

# Older SDKs have only the older names.
_Base: Any = getattr(sdk, "LogRecordExporter", None) or sdk.LogExporter
_Result: Any = getattr(sdk, "LogRecordExportResult", None) or sdk.LogExportResult

_exporting = threading.local()


@show_keywords(SettingKeywords, Settings)
class SQLiteLogRecordExporter(_Base):  # type: ignore[misc]
    """Writes log records to a SQLite file, the same that `SQLiteSpanExporter` writes spans to.

    It gives the same guarantees and takes the same keywords. A `redactor` gets the body of a record as `log.body`. Log
    records have no identity: a record that is exported twice is in the file twice.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used. (A bad environment variable logs a warning.)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, **keywords: Unpack[SettingKeywords]) -> None:
        settings = resolve_settings(path, **keywords)
        self._redactor = make_span_redactor(settings)
        self._encoder = LogEncoder(settings.session_attributes, extend_rules(settings.dialects))
        self._delivery = make_delivery(settings, "logs")

    def export(self, batch: Sequence[Any]) -> Any:
        """Write log records; results are those of `SQLiteSpanExporter.export`.

        An export may log, and a processor without a queue then calls `export` again on the same thread. That record is
        not written.
        """
        if getattr(_exporting, "is_under_way", False):
            return _Result.FAILURE
        _exporting.is_under_way = True
        try:
            return _Result.SUCCESS if self._deliver(batch) else _Result.FAILURE
        finally:
            _exporting.is_under_way = False

    def shutdown(self) -> None:
        """Close the file. Waits for an export that still runs, at most for `busy_timeout_ms`."""
        self._delivery.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: each export is written when it returns."""
        return True

    def _deliver(self, batch: Sequence[Any]) -> bool:
        arrival = time.time_ns()

        def encode(record: Any) -> EncodedLog:
            return self._encoder.encode_log(read_log(record, self._redactor), arrival)

        def quarantine(record: Any, error: Exception) -> QuarantineRow:
            fields = None
            with suppress(Exception):
                fields = read_log(record, self._redactor)
            return quarantine_fields(fields, error, arrival)

        encoded = encode_each(batch, encode, quarantine)
        return self._delivery.deliver(Records(logs=encoded.rows, quarantine=encoded.refused), lost=encoded.lost)


def read_log(record: Any, redactor: SpanRedactor | None) -> LogFields:
    """Return the fields of a ReadableLogRecord (or of the LogData of older SDKs), redacted.

    Raises:
        AttributeError: It is neither.
    """
    log = record.log_record
    first: Any = [getattr(log, field, None) for field in LogFields._fields[:9]]
    resource = getattr(record, "resource", None)
    values = (
        *first,
        copy_attributes(log.attributes),
        getattr(record if resource is not None else log, "dropped_attributes", 0),
        resource if resource is not None else getattr(log, "resource", None),
        getattr(record, "instrumentation_scope", None),
    )
    fields = LogFields._make(values)
    return fields if redactor is None else redactor.redact_log(fields)
