# SPDX-License-Identifier: Apache-2.0
"""From encoded records to the file or, where it cannot be written, to the spool beside it."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from otel_sqlite_exporter.deliver.interrupted_spans import interrupt_spans
from otel_sqlite_exporter.deliver.retry import is_about_file, write_records
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import dump_batch
from otel_sqlite_exporter.deliver.spool_replay import replay_spool
from otel_sqlite_exporter.error_texts import describe_error, explain_error, list_frames
from otel_sqlite_exporter.errors import ClosedError, ForeignFileError, SQLiteExporterError
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.database import Database
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer

_logger = logging.getLogger(__name__)
_LOG_INTERVAL_S = 60.0
# Once the file was locked, the next batches do not wait for it: the queue of the exporter would fill up meanwhile.
_IMPATIENT_S = 0.1
_SPOOL_TIMEOUT_S = 1.0


Measure = Callable[[int], Callable[[Exception | None], None]]
"""Records that a delivery of so many records begins, and returns a function that records its end, with the error that
lost the records."""


class Delivery:
    """Brings the records of one exporter to its file. Making one touches nothing. Used by several threads, and by the
    children of a fork, which count for themselves."""

    def __init__(
        self,
        settings: Settings,
        signal: str,
        *,
        measure: Measure = lambda records: lambda error: None,
        suppress_instrumentation: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`signal` is `traces` or `logs`. Whatever touches the file is done within `suppress_instrumentation()`, so
        that instrumentation of the application does not trace it."""
        self._settings = settings
        self._signal = signal
        self._timeout_s = settings.busy_timeout_ms / 1000
        self._database = Database(settings, on_open=_interrupt_spans)
        self._spool = Spool(spool_path(settings.path), limit_bytes=settings.spool_limit_bytes)
        self._writer: Writer | None = None
        self._run = Run.begin(signal, settings)
        self._measure = measure
        self._suppress_instrumentation = suppress_instrumentation
        self._is_waiting = False
        self._is_closed = False
        self._noted = (0, 0, 0)
        self._log_lock = threading.Lock()
        self._quiet_until: dict[object, float] = {}

    def deliver(self, records: Records) -> bool:
        """Return whether `records` are durable: in the file, its quarantine, or the spool. Never raises an Exception,
        and waits for other writers no longer than the busy timeout, and a second for the spool."""
        end = self._measure(len(records))
        error = self._deliver(records)
        end(error)
        return error is None

    def _deliver(self, records: Records) -> Exception | None:
        """Return None where `records` are durable, else why they are lost."""
        if self._is_closed:
            self._warn_of_shutdown(len(records))
            return ClosedError("the exporter was shut down")
        if not records:
            return None
        with self._suppress_instrumentation():
            try:
                self._write(records)
            except ClosedError as error:
                self._warn_of_shutdown(len(records))
                return error
            except Exception as error:
                return None if self._keep(records, error) else error
            return None

    def note_alive(self) -> None:
        """Note in the file that this process lives, if the file can be written at once."""
        with self._suppress_instrumentation(), contextlib.suppress(Exception):
            self._write(Records(), timeout_s=_IMPATIENT_S)

    def drop(self, records: int) -> None:
        """Count records that were lost before they came here; the next batch writes the count."""
        self._own_run().dropped += records

    def close(self) -> None:
        """Write counts that are not in the file yet, and close it. Waits up to the busy timeout for a delivery that is
        under way."""
        if self._is_closed:
            _logger.warning("the exporter was shut down before: this call does nothing")
            return
        run = self._own_run()
        with self._suppress_instrumentation():
            if (run.spooled, run.dropped, run.retries) != self._noted:
                with contextlib.suppress(Exception):
                    self._write(Records())
            self._is_closed = True
            with contextlib.suppress(sqlite3.Error):
                self._database.close()

    def _write(self, records: Records, timeout_s: float | None = None) -> None:
        began = time.monotonic()
        if self._is_waiting:
            timeout_s = min(_IMPATIENT_S, self._timeout_s)
        with self._database.use(timeout_s) as connection:
            run = self._own_run()
            writer = self._writer
            if writer is None or writer.connection is not connection:
                writer = self._writer = Writer(connection, self._settings)
            write_records(writer, records, run)
            self._is_waiting = False
            self._noted = (run.spooled, run.dropped, run.retries)
            if not self._spool.is_empty():
                self._replay(writer, began + self._timeout_s)

    def _replay(self, writer: Writer, deadline: float) -> None:
        try:
            batches, records = replay_spool(writer, self._spool, deadline=deadline)
        except Exception as error:
            # Another process may be replaying it. The spool keeps its batches.
            _logger.debug("the spool of %s is not written to it yet: %s", self._settings.path, describe_error(error))
        else:
            if batches:
                _interrupt_spans(writer.connection)  # those that a dead process could only write to the spool
            if batches and self._may_log("replayed", _LOG_INTERVAL_S):
                _logger.info("wrote %s from the spool to %s", count(records, "record"), self._settings.path)

    def _keep(self, records: Records, error: Exception) -> bool:
        """Put a batch that could not be written into the spool, and return whether that succeeded."""
        run = self._own_run()
        if not is_about_file(error) or isinstance(error, ForeignFileError):
            run.dropped += len(records)
            self._log_loss(error, len(records))
            return False
        with contextlib.suppress(sqlite3.Error):
            if not _is_lock(error):
                self._database.reopen()
        self._is_waiting = True
        run.spooled += len(records)
        try:
            self._spool.append(dump_batch(records, run, time.time_ns()), timeout_s=_SPOOL_TIMEOUT_S)
        except Exception as spool_error:
            run.spooled -= len(records)
            run.dropped += len(records)
            self._log_loss(error, len(records), spool_error)
            return False
        if self._may_log((type(error), "spooled"), _LOG_INTERVAL_S):
            _logger.warning(
                "%s cannot be written: %s. %s kept in %s. The exporter will write them later. The next records may go "
                "there too (logged once a minute at most)",
                self._settings.path,
                explain_error(error),
                count(len(records), "record is", "records are"),
                self._spool.path,
            )
        return True

    def _own_run(self) -> Run:
        if self._run.process.pid != os.getpid():
            self._run = Run.begin(self._signal, self._settings)
            self._noted = (0, 0, 0)
        return self._run

    def _warn_of_shutdown(self, records: int) -> None:
        if self._may_log("shutdown", math.inf):
            lost = count(records, "record is", "records are")
            _logger.warning("after shutdown nothing is written: %s lost", lost)

    def _log_loss(self, error: Exception, records: int, spool_error: Exception | None = None) -> None:
        if not self._may_log((type(error), "lost"), _LOG_INTERVAL_S):
            return
        where = f"written to {self._settings.path}"
        expected = isinstance(error, (SQLiteExporterError, sqlite3.Error, OSError))
        said = explain_error(error) if expected else f"{describe_error(error)}\n{list_frames(error)}"
        _logger.error(
            "%s: %s%s (logged once a minute at most)",
            count(records, f"record could not be {where} and is lost", f"records could not be {where} and are lost"),
            said,
            "" if spool_error is None else f"; the spool could not be written either: {explain_error(spool_error)}",
        )

    def _may_log(self, occasion: object, interval_s: float) -> bool:
        # Not waited for: its holder is about to log, and a forked child could inherit it locked.
        if not self._log_lock.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            if now < self._quiet_until.get(occasion, 0.0):
                return False
            self._quiet_until[occasion] = now + interval_s
            return True
        finally:
            self._log_lock.release()


def _interrupt_spans(connection: sqlite3.Connection) -> None:
    try:
        interrupted = interrupt_spans(connection)
    except sqlite3.Error as error:
        _logger.debug("spans of processes that have ended stay open for now: %s", describe_error(error))
    else:
        if interrupted:
            _logger.info("marked as interrupted, because the process has ended: %s", count(interrupted, "span"))


def _is_lock(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
