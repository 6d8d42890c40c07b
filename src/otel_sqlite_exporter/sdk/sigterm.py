# SPDX-License-Identifier: Apache-2.0
"""Writes what waits in queues when the process gets SIGTERM, before the signal has the effect that it has anyway.

The default effect of SIGTERM ends a process at once: no exit function runs. uvicorn restores the handler that it found,
and sends itself the signal again. Its gunicorn worker first sets the default handler. So it is not enough to set a
handler once: `signal.signal` is replaced, and sets the handler of this module in place of the default one.
"""

from __future__ import annotations

import functools
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import get_tracer_provider

from otel_sqlite_exporter.sdk.span_processor import SQLiteSpanProcessor, living_processors
from otel_sqlite_exporter.sdk.timed_flushes import flush_provider, run_within

_logger = logging.getLogger(__name__)
_set_handler: Callable[[Any, Any], Any] = signal.signal
_providers: list[Any] = []
_timeout_ms = 0


def flush_on_sigterm(*providers: Any, timeout_ms: int = 5_000) -> None:
    """Write the spans, log records and metrics that wait when this process gets SIGTERM. Then the signal has the effect
    that it has without this function: the handler that was there is called, or the process ends by the signal.

    It flushes each `SQLiteSpanProcessor`, the global providers of OpenTelemetry, and `providers`, all at the same time.
    Spans that still run are written as they are. Call it once in the main thread, before or after a server sets its own
    handlers. In another thread, or if the application ignores SIGTERM, it changes nothing. It never raises an
    Exception.

    Args:
        providers: Tracer, logger and meter providers that are not the global ones.
        timeout_ms: The longest time, in milliseconds, that the end of the process waits.
    """
    global _timeout_ms
    try:
        if threading.current_thread() is not threading.main_thread():
            _logger.warning("SIGTERM does not flush: only the main thread can set a handler")
            return
        _providers.extend(provider for provider in providers if provider not in _providers)
        _timeout_ms = timeout_ms
        _install()
    except Exception as error:
        _logger.warning("SIGTERM does not flush: %s", error)


def _install() -> None:
    global _set_handler
    if signal.signal is not _signal:
        _set_handler = signal.signal
        signal.signal = _signal
    current = signal.getsignal(signal.SIGTERM)
    if _is_default(current):
        _set_handler(signal.SIGTERM, _flush_and_end)
    elif callable(current) and current is not _flush_and_end and not isinstance(current, _FlushFirst):
        _set_handler(signal.SIGTERM, _FlushFirst(current))


@functools.wraps(signal.signal)
def _signal(signalnum: Any, handler: Any) -> Any:
    if signalnum == signal.SIGTERM and _is_default(handler):
        handler = _flush_and_end
    previous = _set_handler(signalnum, handler)
    return signal.SIG_DFL if previous is _flush_and_end else previous


def _is_default(handler: Any) -> bool:
    return isinstance(handler, int) and handler == signal.SIG_DFL


def _flush_and_end(signalnum: int, frame: FrameType | None) -> None:
    try:
        _flush()
    finally:
        _set_handler(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)


class _FlushFirst:
    """A handler that flushes and then calls the handler that was there."""

    def __init__(self, handler: Callable[[int, FrameType | None], Any]) -> None:
        self._handler = handler

    def __call__(self, signalnum: int, frame: FrameType | None) -> Any:
        try:
            _flush()
        finally:
            self._handler(signalnum, frame)


def _flush() -> None:
    """Flush everything, for the time limit at most. Never raises an Exception."""
    jobs: list[Callable[[], Any]] = [
        *(functools.partial(_flush_processor, processor) for processor in living_processors()),
        *(functools.partial(flush_provider, provider, _timeout_ms) for provider in _providers),
        lambda: flush_provider(get_tracer_provider(), _timeout_ms),
        lambda: flush_provider(get_logger_provider(), _timeout_ms),
        lambda: flush_provider(get_meter_provider(), _timeout_ms),
    ]
    run_within(jobs, _timeout_ms / 1000)


def _flush_processor(processor: SQLiteSpanProcessor) -> None:
    processor._flush(_timeout_ms / 1000, with_running=True)
