# SPDX-License-Identifier: Apache-2.0
"""From encoded records to the file or, where it cannot be written, to the spool beside it."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from otel_sqlite_exporter.deliver.interrupted_spans import interrupt_spans
from otel_sqlite_exporter.deliver.loss_ledger import LossLedger, ledger_path
from otel_sqlite_exporter.deliver.problem_log import ProblemLog
from otel_sqlite_exporter.deliver.refusals import Refusals
from otel_sqlite_exporter.deliver.retry import is_about_file, write_records
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.deliver.spool_format import dump_batches, dump_slowly
from otel_sqlite_exporter.deliver.spool_replay import replay_spool
from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.errors import ClosedError, ForeignFileError, NewerFileError, SQLiteExporterError
from otel_sqlite_exporter.model.memory import is_memory_limited
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.database import Database
from otel_sqlite_exporter.storage.transactions import Deadline, is_lock
from otel_sqlite_exporter.write.exporter_runs import Run, fold_runs
from otel_sqlite_exporter.write.writer import Writer

if TYPE_CHECKING:
    from otel_sqlite_exporter.deliver.retention_worker import RetentionWorker

_logger = logging.getLogger(__name__)
# Once the file was locked, the next batches do not wait for it: the queue of the exporter would fill up meanwhile.
_IMPATIENT_S = 0.1
_SPOOL_TIMEOUT_S = 1.0


Measure = Callable[[int], Callable[[BaseException | None], None]]
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
        run_suppressed: Callable[[Callable[[], None]], None] = lambda work: work(),
        senders_repeat: bool = False,
    ) -> None:
        """`signal` is `traces`, `logs`, `metrics` or `receive`. Whatever touches the file is done by `run_suppressed`,
        so that instrumentation of the application does not trace it. Where `senders_repeat` what was not delivered, it
        is not lost, and none of it goes to the spool of a file that only a newer version can write."""
        self._settings = settings
        self._signal = signal
        self._timeout_s = settings.busy_timeout_ms / 1000
        self._database = Database(settings, on_open=_tidy)
        self._refusals = Refusals(settings.path)
        self._spool = Spool(spool_path(settings.path), limit_bytes=settings.spool_limit_bytes)
        self._losses = LossLedger(ledger_path(settings.path))
        self._may_have_losses = True
        self._writer: Writer | None = None
        self._run = Run.begin(signal, settings)
        self._measure = measure
        self._run_suppressed = run_suppressed
        self._senders_repeat = senders_repeat
        self._is_waiting = False
        self._is_closed = False
        self._noted = (0, 0, 0)
        self._log = ProblemLog(_logger, settings.path)
        self._retention: RetentionWorker | None = None
        rules = (settings.retention_days, settings.retention_bytes, settings.metrics_raw_days)
        if any(rule is not None for rule in rules):
            from otel_sqlite_exporter.deliver.retention_worker import RetentionWorker

            self._retention = RetentionWorker(settings, self._log, run_suppressed)

    def deliver(self, records: Records, *, lost: int = 0, timeout_s: float = math.inf) -> bool:
        """Return whether `records` are durable: in the file, its quarantine, or the spool; False also where so many
        others of their batch were `lost` for want of memory. Never raises an Exception, and waits for other writers no
        longer than the busy timeout or `timeout_s`, and a second for the spool."""
        return self.try_to_deliver(records, lost=lost, timeout_s=timeout_s) is None

    def try_to_deliver(self, records: Records, *, lost: int = 0, timeout_s: float = math.inf) -> BaseException | None:
        """Do what `deliver` does, and return None or what `records` could not be delivered for."""
        end = self._measure(len(records) + lost)
        error: BaseException | None = ClosedError("it was interrupted")
        try:
            self._own_run().dropped += lost
            error = self._deliver_twice(records, timeout_s)
            if lost and error is None:
                error = MemoryError("there was no memory to encode them")
                self._log.report_loss(error, lost)
            return error
        finally:
            end(error)

    def _deliver_twice(self, records: Records, timeout_s: float) -> Exception | None:
        """Deliver, once more where an exception comes from outside: from a signal handler, which raises it once."""
        results: list[Exception | None] = []
        batch_id = os.urandom(16)
        deadline = self._begin(timeout_s)
        for _ in range(2):
            try:
                self._run_suppressed(lambda: results.append(self._deliver(records, batch_id, deadline)))
                return results[0]
            except Exception as error:
                raised = error
                if results:
                    return results[0]
        self._lose(len(records), raised)
        return raised

    def _begin(self, timeout_s: float) -> Deadline:
        """Return by when what begins now has waited for other threads and other writers."""
        return Deadline(min(timeout_s, self._timeout_s, _IMPATIENT_S if self._is_waiting else math.inf))

    def _deliver(self, records: Records, batch_id: bytes, deadline: Deadline) -> Exception | None:
        """Return None where `records` are durable, else why they are lost."""
        if self._is_closed:
            self._log.warn_of_shutdown(len(records))
            return ClosedError("the exporter was shut down")
        if not records:
            return None
        try:
            self._write(records, deadline)
        except ClosedError as error:
            self._log.warn_of_shutdown(len(records))
            return error
        except Exception as error:
            if not is_about_file(error) and self._writer is not None and self._writer.has_written(records):
                return None
            return None if self._keep(records, batch_id, error) else error
        if self._retention is not None:
            self._retention.note_delivery()
        return None

    @property
    def has_spooled(self) -> bool:
        """Whether batches wait in the spool, of this process or of another."""
        with contextlib.suppress(OSError):
            return not self._spool.is_empty()
        return False

    def note_alive(self) -> None:
        """Note in the file that this process lives, if the file can be written at once."""
        self._try_to_write(Deadline(_IMPATIENT_S))

    def drop(self, records: int) -> None:
        """Count records that were lost before they came here; the next batch writes the count."""
        self._own_run().dropped += records

    def close(self, timeout_s: float = math.inf) -> None:
        """Write counts that are not in the file yet, and close it. Waits up to the busy timeout or `timeout_s`, in all,
        for a delivery that is under way and for other writers."""
        if self._is_closed:
            _logger.warning("the exporter was shut down before: this call does nothing")
            return
        deadline = self._begin(timeout_s)
        if self._count_run() != self._noted or (self._may_have_losses and self._losses.count()):
            self._try_to_write(deadline)
        self._is_closed = True
        if self._retention is not None:
            self._retention.close(deadline)
        with contextlib.suppress(sqlite3.Error):
            self._database.close(deadline)

    def _try_to_write(self, deadline: Deadline) -> None:
        with contextlib.suppress(Exception):
            self._run_suppressed(lambda: self._write(Records(), deadline))

    def _write(self, records: Records, deadline: Deadline) -> None:
        self._refusals.check()

        def work(connection: sqlite3.Connection) -> None:
            writer = self._writer
            if writer is None or writer.connection is not connection:
                writer = self._writer = Writer(connection, self._settings)
            if not (records and writer.has_written(records)):
                writer.may_forget = bool(records.requests) and self._spool.is_empty()
                self._write_counted(writer, records)
            if not self._spool.is_empty():
                writer.may_forget = False
                self._replay(writer, deadline)

        try:
            self._database.run(work, deadline)
        except Exception as error:
            self._refusals.note(error)
            raise
        self._refusals.clear()
        self._is_waiting = False

    def _write_counted(self, writer: Writer, records: Records) -> None:
        """Write a batch with the counts of this process, and with the losses that are not in the file yet."""
        run = self._own_run()

        def write(losses: int) -> None:
            run.dropped += losses
            try:
                write_records(writer, records, run)
            except BaseException:
                if not writer.has_written(records):
                    run.dropped -= losses
                raise

        if self._may_have_losses:
            self._losses.settle(write)
            self._may_have_losses = False
        else:
            write(0)
        self._noted = self._count_run()

    def _replay(self, writer: Writer, deadline: Deadline) -> None:
        try:
            batches, records = replay_spool(writer, self._spool, deadline=deadline)
        except Exception as error:
            # Another process may be replaying it. The spool keeps its batches.
            _logger.debug("the spool of %s is not written to it yet: %s", self._settings.path, describe_error(error))
        else:
            if batches:
                _interrupt_spans(writer.connection)  # those that a dead process could only write to the spool
                self._log.tell_of_replay(records)

    def _keep(self, records: Records, batch_id: bytes, error: Exception) -> bool:
        """Put a batch that could not be written into the spool, and return whether that succeeded."""
        run = self._own_run()
        if isinstance(error, ForeignFileError):  # nothing is to appear beside it
            self._lose(len(records), error)
            return False
        if self._senders_repeat and isinstance(error, NewerFileError):
            self._log.warn_of_refusal(error, len(records))
            return False
        with contextlib.suppress(sqlite3.Error):
            if not is_lock(error):
                self._database.reopen()
        self._is_waiting = True
        run.spooled += len(records)
        try:
            dump = dump_slowly if is_memory_limited() else None
            frames = dump_batches(records, run, time.time_ns(), dump=dump)
            self._spool.append(frames, batch_id, timeout_s=_SPOOL_TIMEOUT_S)
        except BaseException as spool_error:
            run.spooled -= len(records)
            if not isinstance(spool_error, (SQLiteExporterError, OSError, MemoryError)):
                raise
            self._lose(len(records), error, spool_error)
            return False
        self._log.warn_of_spool(error, len(records), self._spool.path)
        return True

    def _lose(self, records: int, error: Exception, spool_error: BaseException | None = None) -> None:
        """Note records that could not be delivered: where the file could be ours, they are found also after a restart;
        else, and where that cannot be noted, the next batch counts them."""
        if self._senders_repeat:
            self._log.warn_of_refusal(error, records, spool_error)
            return
        if spool_error is not None and self._losses.add(records):
            self._may_have_losses = True
        else:
            self._own_run().dropped += records
        self._log.report_loss(error, records, spool_error)

    def _count_run(self) -> tuple[int, int, int]:
        run = self._own_run()
        return run.spooled, run.dropped, run.retries

    def _own_run(self) -> Run:
        if self._run.process.pid != os.getpid():
            self._run = Run.begin(self._signal, self._settings)
            self._noted = (0, 0, 0)
        return self._run


def _tidy(connection: sqlite3.Connection) -> None:
    """Do what is due when a process opens the file."""
    _interrupt_spans(connection)
    with contextlib.suppress(sqlite3.Error):
        fold_runs(connection)


def _interrupt_spans(connection: sqlite3.Connection) -> None:
    try:
        interrupted = interrupt_spans(connection)
    except sqlite3.Error as error:
        _logger.debug("spans of processes that have ended stay open for now: %s", describe_error(error))
    else:
        if interrupted:
            _logger.info("marked as interrupted, because the process has ended: %s", count(interrupted, "span"))
