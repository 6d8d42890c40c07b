# SPDX-License-Identifier: Apache-2.0
"""The SDK's edge: a SpanExporter that writes to a SQLite file."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_sqlite_exporter.errors import ClosedError, SQLiteExporterError
from otel_sqlite_exporter.ingest.encode import SpanEncoder
from otel_sqlite_exporter.ingest.quarantine import quarantine_row, quarantine_span
from otel_sqlite_exporter.ingest.rows import EncodedSpan, QuarantineRow
from otel_sqlite_exporter.ingest.writer import Run, write_batch
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import Database

_logger = logging.getLogger(__name__)
_LOG_INTERVAL_S = 60.0
# What SQLite says of a value rather than of the file: only these are worth trying span by span.
_VALUE_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
    ValueError,
    TypeError,
    OverflowError,
)


class SQLiteSpanExporter(SpanExporter):
    """Writes finished spans, with their start and finish records, to a SQLite file.

    When `export` returns SUCCESS the batch is in the file; it never raises, and waits for other writers no longer than
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

    None means unset: the environment variable, then the default. All arguments are JSON types, so that they serve as
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
    ) -> None:
        self._settings = resolve_settings(
            path,
            session_attributes=session_attributes,
            busy_timeout_ms=busy_timeout_ms,
            synchronous=synchronous,
            auto_migrate=auto_migrate,
            pairing_window_ms=pairing_window_ms,
        )
        self._encoder = SpanEncoder(self._settings.session_attributes)
        self._database = Database(self._settings)
        self._window_ns = self._settings.pairing_window_ms * 1_000_000
        self._run = Run.begin()
        self._is_shut_down = False
        self._log_lock = threading.Lock()
        self._quiet_until: dict[object, float] = {}

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write `spans`; SUCCESS means that they are in the file (or, where a span cannot be a row, in its quarantine).

        FAILURE means that the batch is not, or not wholly, written: the file is locked for longer than
        `busy_timeout_ms`, or cannot be used; one log line a minute says why. After `shutdown` every batch fails, with
        one warning.
        """
        if self._is_shut_down:
            self._warn_of_shutdown(len(spans))
            return SpanExportResult.FAILURE
        try:
            with _suppress_instrumentation():
                self._write(*self._encode(spans))
        except ClosedError:
            self._warn_of_shutdown(len(spans))
            return SpanExportResult.FAILURE
        except Exception as error:
            self._log_failure(error, len(spans))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file. An export that is under way is waited for, up to `busy_timeout_ms`."""
        if not self._is_shut_down:
            self._is_shut_down = True
            with _suppress_instrumentation(), contextlib.suppress(sqlite3.Error):
                self._database.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: nothing is held back, every export has been written when it returns."""
        return True

    def _encode(self, spans: Sequence[ReadableSpan]) -> tuple[list[EncodedSpan], list[QuarantineRow]]:
        arrival = time.time_ns()
        encoded = []
        quarantine = []
        for span in spans:
            try:
                encoded.append(self._encoder.encode_span(span, arrival))
            except Exception as error:
                quarantine.append(quarantine_span(span, error, arrival))
        return encoded, quarantine

    def _write(self, spans: list[EncodedSpan], quarantine: list[QuarantineRow]) -> None:
        if not spans and not quarantine:
            return
        with self._database.use() as connection:
            if self._run.pid != os.getpid():
                self._run = Run.begin()
            try:
                self._write_batch(connection, spans, quarantine)
            except _VALUE_ERRORS as error:
                _logger.debug("the batch is written span by span: %s", error)
                self._write_one_by_one(connection, spans, quarantine)

    def _write_one_by_one(
        self, connection: sqlite3.Connection, spans: list[EncodedSpan], quarantine: list[QuarantineRow]
    ) -> None:
        if quarantine:
            self._write_batch(connection, [], quarantine)
        for span in spans:
            try:
                self._write_batch(connection, [span], [])
            except _VALUE_ERRORS as error:
                self._write_batch(connection, [], [quarantine_row(span, error, time.time_ns())])

    def _write_batch(
        self, connection: sqlite3.Connection, spans: list[EncodedSpan], quarantine: list[QuarantineRow]
    ) -> None:
        write_batch(connection, spans, quarantine, self._run, pairing_window_ns=self._window_ns)

    def _warn_of_shutdown(self, spans: int) -> None:
        if self._may_log("shutdown", math.inf):
            _logger.warning("%d spans came after shutdown and are not written, nor are any others", spans)

    def _log_failure(self, error: Exception, spans: int) -> None:
        if not self._may_log(type(error), _LOG_INTERVAL_S):
            return
        expected = isinstance(error, (SQLiteExporterError, sqlite3.Error, OSError))
        _logger.error(
            "%d spans could not be written to %s and are lost: %s (said once a minute at most)",
            spans,
            self._settings.path,
            error,
            exc_info=None if expected else error,
        )

    def _may_log(self, what: object, interval_s: float) -> bool:
        # Not waited for: whoever holds it is about to log, and a child could inherit it, locked, through a fork.
        if not self._log_lock.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            if now < self._quiet_until.get(what, 0.0):
                return False
            self._quiet_until[what] = now + interval_s
            return True
        finally:
            self._log_lock.release()


@contextlib.contextmanager
def _suppress_instrumentation() -> Iterator[None]:
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        yield
    finally:
        detach(token)
