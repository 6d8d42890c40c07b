# SPDX-License-Identifier: Apache-2.0
"""What this process is reading: how long one request may read, and how a server that stops ends what takes longer."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from otel_sqlite_exporter.storage.transactions import Deadline

_lock = threading.Lock()
_running: set[tuple[str, Callable[[], None]]] = set()
_reads_until: ContextVar[Deadline | None] = ContextVar("reads until", default=None)


@contextlib.contextmanager
def noting_read(path: str, interrupt: Callable[[], None]) -> Iterator[None]:
    """Let `interrupt_reads` know of a question while it is answered, and how to end it."""
    entry = (os.path.abspath(path), interrupt)
    with _lock:
        _running.add(entry)
    try:
        yield
    finally:
        with _lock:
            _running.discard(entry)


def interrupt_reads(path: str) -> bool:
    """Interrupt what is being read of a file; return whether anything was. A question may be several statements, and an
    interrupt between two does nothing: call this again until it returns False."""
    path = os.path.abspath(path)
    with _lock:
        found = [interrupt for read, interrupt in _running if read == path]
        for interrupt in found:
            interrupt()
    return bool(found)


@contextlib.contextmanager
def reading_for(seconds: float) -> Iterator[None]:
    """Let all that is read in the block, on this thread, take so long together. SQLite interrupts what goes on."""
    token = _reads_until.set(Deadline(seconds))
    try:
        yield
    finally:
        _reads_until.reset(token)


def is_reading_over() -> bool:
    """Return whether the time for reading is over."""
    until = _reads_until.get()
    return until is not None and until.has_passed()


def make_progress_handler() -> Callable[[], bool | None]:
    """Return what SQLite is to call while it runs on this thread, and which ends that when the time is over."""
    until = _reads_until.get()
    return (lambda: None) if until is None else until.has_passed
