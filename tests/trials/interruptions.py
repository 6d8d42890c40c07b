# SPDX-License-Identifier: Apache-2.0
"""Handlers of signals raise exceptions in the middle of exports, flushes and the end of an exporter."""

from __future__ import annotations

import contextlib
import logging
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.sdk.trace import ReadableSpan

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from tests.trials.outcome import Outcome
from tests.trials.records import make_records
from tests.trials.writers import Notes, check, export_records, make_processor, noting

EXPORTS = 40


class HandlerError(Exception):
    """What a handler raises, as Celery does when a task takes too long."""


class Interruption:
    """A signal whose handler raises, once, after a time."""

    def __init__(self, error: type[BaseException]) -> None:
        self.count = 0
        self._error = error
        signal.signal(signal.SIGALRM, self._interrupt)

    def during(self, work: Callable[[], object], after_s: float) -> bool:
        """Do the work; return whether it ended without this exception."""
        try:
            signal.setitimer(signal.ITIMER_REAL, after_s)
            work()
            signal.setitimer(signal.ITIMER_REAL, 0)
            return True
        except self._error:
            return False
        finally:
            with contextlib.suppress(self._error):
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _interrupt(self, *_: object) -> None:
        self.count += 1
        raise self._error


def try_interruptions(folder: Path, chance: random.Random) -> Outcome:
    """Each exception is a trial."""
    logging.disable()
    path, notes = folder / "otel.db", Notes(folder / "notes")
    spans: Any = noting(SQLiteSpanExporter(path, busy_timeout_ms=500), notes)
    logs: Any = noting(SQLiteLogRecordExporter(path, busy_timeout_ms=500), notes)
    processor: Any = make_processor(path, "processor", notes)
    interruption = Interruption(chance.choice([HandlerError, KeyboardInterrupt, SystemExit]))
    longest_s = 0.002
    for number in range(EXPORTS):
        records = make_records(chance, f"{number}", chance.randrange(1, 6))
        locked = chance.random() < 0.1
        with _lock(path) if locked else contextlib.nullcontext():
            began = time.monotonic()
            work = chance.choice([_export, _export, _end_and_flush])
            interruption.during(lambda: work(records, spans, logs, processor), chance.uniform(0, longest_s))  # noqa: B023
            if not locked:
                longest_s = max(0.002, 0.9 * longest_s, min(0.1, 1.2 * (time.monotonic() - began)))
        _check_is_free(spans, logs, processor._exporter)
    kept = [chance.choice([spans, logs, processor])]
    for one in kept:
        interruption.during(one.shutdown, chance.uniform(0, 0.01))
    thread = threading.Thread(target=_export_last, args=(path, notes))
    thread.start()
    thread.join()
    for one in (spans, logs, processor):
        one.shutdown()
    return Counter(trials=interruption.count) + check(path, notes.names())


def _export(records: list[Any], spans: Any, logs: Any, processor: Any) -> None:
    export_records(records, spans, logs)


def _end_and_flush(records: list[Any], spans: Any, logs: Any, processor: Any) -> None:
    export_records(records, spans, logs, processor.on_end)
    processor.force_flush(5_000)


def _export_last(path: Path, notes: Notes) -> None:
    exporter = noting(SQLiteSpanExporter(path), notes)
    records = make_records(random.Random(1), "last", 3, open_spans=False)
    exporter.export([record for record in records if isinstance(record, ReadableSpan)])
    exporter.shutdown()


def _check_is_free(*exporters: Any) -> None:
    """No lock is kept, and no transaction is open. The thread of a processor may be at work."""
    for exporter in exporters[:2]:
        own = exporter._delivery._database._own
        assert not own.lock.locked()
        assert not exporter._delivery._log._lock.locked()
        assert own.connection is None or not own.connection.in_transaction
    own = exporters[2]._delivery._database._own
    assert own.lock.acquire(timeout=60)
    own.lock.release()
    assert not get_value(_SUPPRESS_INSTRUMENTATION_KEY)


@contextlib.contextmanager
def _lock(path: Path) -> Any:
    with closing(sqlite3.connect(path, timeout=60)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")
