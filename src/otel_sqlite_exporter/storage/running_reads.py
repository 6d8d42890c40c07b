# SPDX-License-Identifier: Apache-2.0
"""The questions to files that this process is answering, so that a server that stops can end those that take long."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

_lock = threading.Lock()
_running: set[tuple[str, Callable[[], None]]] = set()


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
