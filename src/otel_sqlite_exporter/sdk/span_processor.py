# SPDX-License-Identifier: Apache-2.0
"""The span processor for the OpenTelemetry SDK: it also writes spans that still run."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from queue import SimpleQueue
from typing import Any, NamedTuple, Unpack

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import TraceFlags

from otel_sqlite_exporter.declarations import check_keywords, declared_settings, resolve
from otel_sqlite_exporter.deliver.turn_thread import Call, TurnThread, wait_for
from otel_sqlite_exporter.error_texts import describe_error, list_frames
from otel_sqlite_exporter.processor_settings import ProcessorKeywords, ProcessorSettings
from otel_sqlite_exporter.sdk.child_exits import flush_at_exit_of_child
from otel_sqlite_exporter.sdk.keywords import show_keywords
from otel_sqlite_exporter.sdk.running_spans import RunningSpans
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter, make_queue
from otel_sqlite_exporter.settings import Settings

_logger = logging.getLogger(__name__)
_SHUTDOWN_TIMEOUT_S = 30.0
_ALIVE_INTERVAL_S = 5.0
"""How often the process is noted as alive while a span runs and nothing else is written. A write takes 1 ms."""
_SHORTEST_TICK_S = 0.01
_SAMPLED = int(TraceFlags.SAMPLED)
_processors: weakref.WeakSet[SQLiteSpanProcessor] = weakref.WeakSet()


class _Flush(NamedTuple):
    done: Call
    with_running: bool


@show_keywords(ProcessorKeywords, Settings, ProcessorSettings)
class SQLiteSpanProcessor(SpanProcessor):
    """Writes spans to a SQLite file: each when it has ended, and also while it runs if it runs for longer than
    `open_delay_ms`. A span that never ends, because its process was killed, is in the file as interrupted.

    Spans wait in a queue for a thread that writes them in batches: when no other span has ended for `idle_delay_ms`,
    and under load when the first has waited for `schedule_delay_ms`. The thread sleeps when no span runs or waits. It
    starts with the first span, in each process separately: a forked child does not write the spans that wait in its
    parent.

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
        self._idle_delay_s = min(settings.idle_delay_ms, settings.schedule_delay_ms) / 1000
        self._queue_size = settings.queue_size
        self._batch_size = min(settings.batch_size, settings.queue_size)
        self._queue_wait_s = settings.queue_wait_ms / 1000
        # How long the thread waits at most while a span waits to be written or has just started. So a span that ends
        # need not wake it.
        self._tick_s = max(min(self._idle_delay_s, settings.open_delay_ms / 1000), _SHORTEST_TICK_S)
        self._is_shut_down = self._has_closed = False
        self._has_warned = False
        self._begin()
        _processors.add(self)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember that a span runs. Never raises an Exception."""
        try:
            context = span.context
            if context is not None and context.trace_flags & _SAMPLED:
                if self._is_asleep:
                    self._follow_fork()
                self._running.starting[context.span_id] = span
                if self._is_asleep:
                    self._rouse()
        except Exception:
            _logger.exception("the start of a span is not noted")

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that has ended. Never raises an Exception."""
        try:
            self._queue_span(span)
        except BaseException as error:
            # A signal handler raises it once. A span that is queued twice is one row.
            try:
                self._queue_span(span)
            except Exception:
                _logger.exception("a span is lost")
            if not isinstance(error, Exception):
                raise

    def shutdown(self) -> None:
        """Write the spans that wait, for 30 seconds at most, and close the file. Spans that still run stay open in the
        file, until the next process that opens it marks them as interrupted. A second call only logs a warning, unless
        the first was interrupted by an exception."""
        if self._has_closed:
            _logger.warning("the span processor was shut down before: this call does nothing")
            return
        self._is_shut_down = True
        self._follow_fork()
        deadline = time.monotonic() + _SHUTDOWN_TIMEOUT_S
        self._thread.wake()
        self._thread.wait_for_end(_SHUTDOWN_TIMEOUT_S)
        self._write_queue(deadline)
        if self._queue:
            self._exporter.count_dropped(len(self._queue))
        self._exporter.shutdown()
        self._has_closed = True

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Write every span that has ended, for `timeout_millis` at most. Return whether all were written by then; the
        others are written later."""
        return self._flush(timeout_millis / 1000)

    def _flush(self, timeout_s: float, *, with_running: bool = False) -> bool:
        """Do what `force_flush` does; `with_running`, also write each span that still runs, as it is now."""
        self._follow_fork()
        if self._is_shut_down:
            return True
        if not self._thread.is_started or self._thread.is_current:
            return self._write_queue(time.monotonic() + timeout_s)
        # By the thread, because an export may take longer than this call.
        flush = _Flush(SimpleQueue(), with_running)
        self._flushes.append(flush)
        self._thread.wake()
        return wait_for(flush.done, timeout_s)

    def _begin(self) -> None:
        """Start with empty queues and new locks, in the first process and in each forked child."""
        self._pid = os.getpid()
        self._queue = make_queue(self._exporter)
        self._queued_at = -math.inf
        self._waits_since: float | None = None
        self._written_at = -math.inf
        self._running = RunningSpans()
        self._flushes: deque[_Flush] = deque()
        self._is_asleep = True
        self._waiting: deque[Call] = deque()
        self._writing = threading.Lock()
        self._thread = TurnThread()

    def _follow_fork(self) -> None:
        """Begin again in a child of a server that forks without running Python's hooks."""
        if self._pid != os.getpid():
            self._begin()

    def _queue_span(self, span: ReadableSpan) -> None:
        self._follow_fork()
        context = span.context
        if context is None or not context.trace_flags & _SAMPLED:
            return
        self._running.discard(context.span_id)
        if self._is_shut_down:
            self._warn_of_shutdown()
            return
        queue = self._queue
        if len(queue) >= self._queue_size and not self._wait_for_room():
            self._exporter.count_dropped(1)
            return
        queue.put(span)
        self._queued_at = time.monotonic()
        if self._is_asleep:
            self._rouse()
        elif len(queue) >= self._batch_size:  # two threads may have passed it at once
            self._thread.wake()

    def _rouse(self) -> None:
        if self._thread.is_started:
            self._thread.wake()
        elif not self._is_shut_down:
            flush_at_exit_of_child(self)
            thread = self._thread
            reference = weakref.ref(self, lambda _: thread.wake())
            thread.start(lambda: _take_turn(reference))

    def _wait_for_room(self) -> bool:
        deadline = time.monotonic() + self._queue_wait_s
        room: Call = SimpleQueue()
        while len(self._queue) >= self._queue_size and (left_s := deadline - time.monotonic()) > 0:
            self._waiting.append(room)
            self._thread.wake()
            if len(self._queue) >= self._queue_size:
                wait_for(room, left_s)
        return len(self._queue) < self._queue_size

    def _turn(self) -> float:
        """Write the spans that are due. Return the seconds until the next turn; infinity: until a span starts or
        ends."""
        self._is_asleep = False
        flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
        with self._writing:
            now = time.monotonic()
            batches, rest = divmod(len(self._queue), self._batch_size)
            if rest and (flushes or self._is_shut_down or now >= self._find_due(now)):
                batches += 1
            for _ in range(batches):
                self._write_batch()
                self._waits_since = None
            # After the ended ones, so that no span is written as running after it was written as ended.
            delay_ns = 0 if any(flush.with_running for flush in flushes) else self._open_delay_ns
            self._write_open(time.time_ns() - delay_ns)
            if self._running.opened and now - self._written_at >= _ALIVE_INTERVAL_S:
                self._exporter.note_alive()
                self._written_at = now
        for flush in flushes:
            flush.done.put(None)
        return self._plan_turn()

    def _find_due(self, now: float) -> float:
        """Return when the spans that wait are to be written."""
        if not self._queue:
            self._waits_since = None
            return math.inf
        if self._waits_since is None:
            self._waits_since = now
        return min(self._queued_at + self._idle_delay_s, self._waits_since + self._schedule_delay_s)

    def _plan_turn(self) -> float:
        self._is_asleep = True  # from here on, a span that starts or ends wakes the thread
        if not self._queue and not self._running.starting:
            return _ALIVE_INTERVAL_S if self._running.opened else math.inf
        self._is_asleep = False
        now = time.monotonic()
        return min(max(self._find_due(now) - now, 0.0), self._tick_s)

    def _write_batch(self) -> None:
        batch: list[Any] = []
        while self._queue and len(batch) < self._batch_size:
            batch.append(self._queue.popleft())
        while self._waiting:
            self._waiting.popleft().put(None)
        if batch:
            self._queue.export(batch)
            self._written_at = time.monotonic()

    def _write_open(self, started_until_ns: int) -> None:
        due = self._running.take(started_until_ns)
        for first in range(0, len(due), self._batch_size):
            self._exporter.export_open(due[first : first + self._batch_size])
            self._written_at = time.monotonic()

    def _write_queue(self, deadline: float) -> bool:
        """Write the spans that wait now, and return whether that was done by `deadline`."""
        is_held = False
        try:
            (is_held,) = map(self._writing.acquire, (True,), (max(0.0, deadline - time.monotonic()),))
            if not is_held:
                return False
            for _ in range(len(self._queue)):
                if not self._queue:
                    break
                if time.monotonic() > deadline:
                    return False
                self._write_batch()
            return time.monotonic() <= deadline
        finally:
            if is_held:
                self._writing.release()

    def _warn_of_shutdown(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            _logger.warning("after shutdown nothing is written: a span is lost")


def living_processors() -> list[SQLiteSpanProcessor]:
    """Return the processors of this process."""
    return list(_processors)


def _take_turn(reference: weakref.ref[SQLiteSpanProcessor]) -> float | None:
    """Return the seconds until the next turn; None if the processor is shut down or collected as garbage."""
    processor = reference()
    if processor is None:
        return None
    is_last = processor._is_shut_down
    delay_s = processor._tick_s
    try:
        delay_s = processor._turn()
    except BaseException as error:  # the thread must go on, because nothing else empties the queue
        _logger.error("spans could not be written: %s\n%s", describe_error(error), list_frames(error))
    return None if is_last else delay_s


def _after_fork_in_child() -> None:
    for processor in living_processors():
        processor._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
