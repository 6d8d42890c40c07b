# SPDX-License-Identifier: Apache-2.0
"""The span processor for the OpenTelemetry SDK: it also writes spans that still run."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
import weakref
from collections import deque
from typing import Any, Unpack

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_sqlite_exporter.declarations import check_keywords, declared_settings, resolve
from otel_sqlite_exporter.error_texts import describe_error, list_frames
from otel_sqlite_exporter.sdk.keywords import show_keywords
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.settings import ProcessorKeywords, ProcessorSettings, Settings

_logger = logging.getLogger(__name__)
_SHUTDOWN_TIMEOUT_S = 30.0
_ALIVE_INTERVAL_S = 5.0
"""How often the process is noted as alive while a span runs and nothing else is written. A write takes 1 ms."""
_processors: weakref.WeakSet[SQLiteSpanProcessor] = weakref.WeakSet()


@show_keywords(ProcessorKeywords, Settings, ProcessorSettings)
class SQLiteSpanProcessor(SpanProcessor):
    """Writes spans to a SQLite file: each when it has ended, and also while it runs if it runs for longer than
    `open_delay_ms`. A span that never ends, because its process was killed, is in the file as interrupted.

    Spans wait in a queue for a thread that writes them in batches. The thread starts with the first span, in each
    process separately: a forked child does not write the spans that wait in its parent.

    The keywords are those of `ProcessorKeywords`; docs/settings.md describes each. For one that is None or missing, its
    environment variable holds, then its default.

    Raises:
        ConfigurationError: A keyword has a value that cannot be used. (A bad environment variable logs a warning.)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, **keywords: Unpack[ProcessorKeywords]) -> None:
        given: dict[str, Any] = {"path": path, **keywords}
        check_keywords(given, Settings, ProcessorSettings)
        own = {name: given.pop(name, None) for name in declared_settings(ProcessorSettings)}
        settings = resolve(ProcessorSettings, **own)
        self._exporter = SQLiteSpanExporter(**given)
        self._open_delay_ns = settings.open_delay_ms * 1_000_000
        self._schedule_delay_s = settings.schedule_delay_ms / 1000
        self._queue_size = settings.queue_size
        self._batch_size = min(settings.batch_size, settings.queue_size)
        self._queue_wait_s = settings.queue_wait_ms / 1000
        # How often the thread looks for spans that run: as often as the shorter delay needs.
        self._tick_s = min(max(settings.open_delay_ms / 1000, 0.01), self._schedule_delay_s or 0.01)
        self._written_at = -math.inf
        self._is_shut_down = False
        self._has_warned = False
        self._begin()
        _processors.add(self)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember that a span runs."""
        if self._pid != os.getpid():  # some servers fork without running Python's hooks
            self._begin()
        context = span.context
        if context is not None and context.trace_flags.sampled:
            self._running[context.span_id] = span
            if self._thread is None:
                self._start_thread()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that has ended."""
        if self._pid != os.getpid():
            self._begin()
        context = span.context
        if context is None or not context.trace_flags.sampled:
            return
        self._running.pop(context.span_id, None)
        if self._is_shut_down:
            self._warn_of_shutdown()
            return
        queue = self._queue
        if len(queue) >= self._queue_size and not self._wait_for_room():
            self._exporter.count_dropped(1)
            return
        queue.append(span)
        if len(queue) == self._batch_size:
            self._wake.set()
        if self._thread is None:
            self._start_thread()

    def shutdown(self) -> None:
        """Write the spans that wait, for 30 seconds at most, and close the file. Spans that still run stay open in the
        file, until the next process that opens it marks them as interrupted."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        if self._pid != os.getpid():
            self._begin()
        deadline = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        if self._thread is not None:
            self._wake.set()
            self._thread.join(_SHUTDOWN_TIMEOUT_S)
        self._write_queue(deadline)
        if self._queue:
            self._exporter.count_dropped(len(self._queue))
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Write every span that has ended. Return whether that took no longer than `timeout_millis`."""
        if self._pid != os.getpid():
            self._begin()
        if self._is_shut_down:
            return True
        return self._write_queue(time.monotonic() + timeout_millis / 1000)

    def _begin(self) -> None:
        """Start with empty queues and new locks, in the first process and in each forked child."""
        self._pid = os.getpid()
        self._queue: deque[ReadableSpan] = deque()
        self._running: dict[int, Span] = {}
        self._written_open: set[int] = set()
        self._wake = threading.Event()
        self._room = threading.Condition()
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def _start_thread(self) -> None:
        with self._starting:
            if self._thread is None and not self._is_shut_down:
                reference = weakref.ref(self)
                thread = threading.Thread(target=_work, args=(reference,), name="SQLiteSpanProcessor", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the interpreter ends: `shutdown` writes the queue
                    return
                self._thread = thread
                self._flush_at_exit_of_child()

    def _flush_at_exit_of_child(self) -> None:
        # Children of multiprocessing and workers of Celery's prefork pool end by os._exit, which skips atexit. They
        # call these functions first.
        reference = weakref.ref(self)
        module = sys.modules.get("multiprocessing.util")
        if module is not None:
            module.Finalize(None, _flush, args=(reference,), exitpriority=0)
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            signals.worker_process_shutdown.connect(
                lambda **_: _flush(reference), weak=False, dispatch_uid=f"{__name__}:{id(self)}"
            )

    def _wait_for_room(self) -> bool:
        self._wake.set()
        with self._room:
            return self._room.wait_for(lambda: len(self._queue) < self._queue_size, self._queue_wait_s)

    def _turn(self, last_write: float) -> float:
        """Write the spans that are due. Return when ended spans were last written."""
        with self._writing:
            now = time.monotonic()
            if len(self._queue) >= self._batch_size or now - last_write >= self._schedule_delay_s:
                for _ in range(-(-len(self._queue) // self._batch_size)):
                    self._write_batch()
                last_write = now
            # After the ended ones, so that no span is written as running after it was written as ended.
            self._write_open()
            if self._written_open and now - self._written_at >= _ALIVE_INTERVAL_S:
                self._exporter.note_alive()
                self._written_at = now
        return last_write

    def _write_batch(self) -> None:
        batch: list[ReadableSpan] = []
        while self._queue and len(batch) < self._batch_size:
            batch.append(self._queue.popleft())
        with self._room:
            self._room.notify_all()
        if batch:
            self._exporter.export(batch)
            self._written_at = time.monotonic()

    def _write_open(self) -> None:
        due = time.time_ns() - self._open_delay_ns
        running = list(self._running.items())
        opened = [
            (span_id, span)
            for span_id, span in running
            if span_id not in self._written_open and span.start_time is not None and span.start_time <= due
        ]
        self._written_open &= {span_id for span_id, _ in running}
        self._written_open |= {span_id for span_id, _ in opened}
        if opened:
            self._exporter.export_open([span for _, span in opened])
            self._written_at = time.monotonic()

    def _write_queue(self, deadline: float) -> bool:
        """Write the spans that wait now, and return whether that was done by `deadline`."""
        if not self._writing.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return False
        try:
            for _ in range(len(self._queue)):
                if not self._queue:
                    break
                if time.monotonic() > deadline:
                    return False
                self._write_batch()
            return time.monotonic() <= deadline
        finally:
            self._writing.release()

    def _warn_of_shutdown(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            _logger.warning("after shutdown nothing is written: a span is lost")


def _flush(reference: weakref.ref[SQLiteSpanProcessor]) -> None:
    processor = reference()
    if processor is not None:
        processor.force_flush()


def _work(reference: weakref.ref[SQLiteSpanProcessor]) -> None:
    """Write until the processor is shut down or collected as garbage."""
    last_write = -math.inf
    while (processor := reference()) is not None and not processor._is_shut_down:
        wake, tick_s = processor._wake, processor._tick_s
        try:
            last_write = processor._turn(last_write)
        except Exception as error:  # the thread must go on, because nothing else empties the queue
            _logger.error("spans could not be written: %s\n%s", describe_error(error), list_frames(error))
        del processor
        wake.wait(tick_s)
        wake.clear()


def _after_fork_in_child() -> None:
    for processor in list(_processors):
        processor._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
