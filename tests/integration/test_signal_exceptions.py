# SPDX-License-Identifier: Apache-2.0
"""Exceptions of signal handlers (Ctrl-C in a notebook, Celery's SoftTimeLimitExceeded, gunicorn's SystemExit) come
between any two steps of an export. Afterwards the exporter works as before: no lock is kept, no transaction is open,
nothing acknowledged is lost, nothing is there twice, and no sound record is in the quarantine."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import signal
import traceback
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteMetricExporter, SQLiteSpanExporter, SQLiteSpanProcessor
from tests.conftest import in_new_process, make_spans, read, span_names
from tests.file_checks import settle
from tests.integration.test_log_exporter import make_log
from tests.metering import make_data, make_sum

EXPORTS = 400


class HandlerError(Exception):
    """What a handler raises."""


class HandlerExit(BaseException):
    """What passes through an export."""


EXPORTERS: dict[str, type[Any]] = {
    "spans": SQLiteSpanExporter,
    "logs": SQLiteLogRecordExporter,
    "metrics": SQLiteMetricExporter,
}
ERRORS = {error.__name__: error for error in (HandlerError, HandlerExit, KeyboardInterrupt)}


def _count_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def export_and_be_interrupted(path: str, error: str, signals: str) -> None:
    logging.disable()
    raised = ERRORS[error]

    def interrupt(*_: object) -> None:
        raise raised

    signal.signal(signal.SIGALRM, interrupt)
    exporter: Any = EXPORTERS[signals](path, busy_timeout_ms=2_000)
    exporter.export(make_records(signals, "first"))
    own = exporter._delivery._database._own
    chance = random.Random(7)
    acknowledged, kept, descriptors, tried = [], [], _count_descriptors(), []
    for number in range(EXPORTS):
        name = f"{number:04}"
        batch = make_records(signals, name)
        tried.append(name)
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00002, 0.002))
            result = exporter.export(batch)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if result.name == "SUCCESS":
                acknowledged.append(name)
        except raised as caught:
            kept.append(caught)  # with its traceback, as a notebook keeps the last one: nothing is freed by garbage
        finally:
            with contextlib.suppress(raised):
                signal.setitimer(signal.ITIMER_REAL, 0)
        where = traceback.format_exception(kept[-1]) if kept else ""
        assert not own.lock.locked(), where
        assert not exporter._delivery._log._lock.locked(), where
        assert own.connection is None or not own.connection.in_transaction, where
        assert not get_value(_SUPPRESS_INSTRUMENTATION_KEY), where
        kept = kept[-1:]
    assert exporter.export(make_records(signals, "last")).name == "SUCCESS"
    assert _count_descriptors() <= descriptors + 1
    exporter.shutdown()
    print(json.dumps([acknowledged, tried]))


def make_records(signals: str, name: str) -> Any:
    if signals == "metrics":
        return make_data(make_sum("orders", 1, name=name))
    return list(make_spans(name)) if signals == "spans" else [make_log(body=name, timestamp=1, observed_timestamp=1)]


@pytest.mark.slow
@pytest.mark.parametrize("signals", ["spans", "logs", "metrics"])
@pytest.mark.parametrize("error", ERRORS)
def test_an_exception_of_a_signal_handler_leaves_nothing_behind(path: Path, error: str, signals: str) -> None:
    acknowledged, tried = in_new_process(export_and_be_interrupted, path, error, signals)
    settle(path)
    if signals == "spans":
        stored = span_names(path)
    elif signals == "metrics":
        stored = [name for (name,) in read(path, "SELECT attributes ->> 'name' FROM metric_points")]
    else:
        stored = [json.loads(body) for (body,) in read(path, "SELECT body FROM logs ORDER BY body")]
    assert len(stored) == len(set(stored))
    assert {"first", "last", *acknowledged} <= set(stored) <= {"first", "last", *tried}
    assert read(path, "SELECT reason FROM _quarantine") == []


def end_spans_and_be_interrupted(path: str, error: str) -> None:
    logging.disable()
    raised = ERRORS[error]
    is_due = False

    def interrupt(*_: object) -> None:
        if is_due:
            raise raised

    signal.signal(signal.SIGALRM, interrupt)
    # One span a batch and a queue of one: the end of a span starts and wakes the thread, and waits for room.
    processor = SQLiteSpanProcessor(path, queue_size=1, queue_wait_ms=5_000, open_delay_ms=1)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    chance = random.Random(7)
    names = [f"{number:04}" for number in range(EXPORTS // 2)]
    for name in names:
        try:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00001, 0.002))
            is_due = True
            for _ in range(2):
                tracer.start_span(name).end()
            processor.force_flush()
        except raised:
            pass
        finally:
            is_due = False
        assert processor.force_flush()
    provider.shutdown()
    print(json.dumps(names))


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS)
def test_the_thread_of_a_processor_goes_on_after_an_exception_of_a_signal_handler(path: Path, error: str) -> None:
    names = in_new_process(end_spans_and_be_interrupted, path, error)
    assert set(span_names(path)) <= set(names)
    assert read(path, "SELECT reason FROM _quarantine") == []


def shut_down_and_be_interrupted(path: str) -> None:
    def interrupt(*_: object) -> None:
        raise HandlerExit

    signal.signal(signal.SIGALRM, interrupt)
    chance = random.Random(7)
    for number in range(25):
        processor = SQLiteSpanProcessor(path)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        provider.get_tracer("t").start_span(str(number)).end()
        with contextlib.suppress(HandlerExit):
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00001, 0.002))
            processor.shutdown()
            signal.setitimer(signal.ITIMER_REAL, 0)
        with contextlib.suppress(HandlerExit):
            signal.setitimer(signal.ITIMER_REAL, 0)
        processor.shutdown()


@pytest.mark.slow
def test_a_shutdown_that_was_interrupted_is_completed_by_the_next(path: Path) -> None:
    in_new_process(shut_down_and_be_interrupted, path)
    assert set(span_names(path)) == {str(number) for number in range(25)}
