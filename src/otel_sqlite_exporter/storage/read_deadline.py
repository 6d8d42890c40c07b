# SPDX-License-Identifier: Apache-2.0
"""How long one request may read, over all connections that it opens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from otel_sqlite_exporter.storage.transactions import Deadline

_reads_until: ContextVar[Deadline | None] = ContextVar("reads until", default=None)


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
