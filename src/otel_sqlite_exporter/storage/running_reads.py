# SPDX-License-Identifier: Apache-2.0
"""The questions to files that this process is answering, so that a server that stops can end those that take long."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_running: set[tuple[str, sqlite3.Connection]] = set()


@contextlib.contextmanager
def noting_read(path: str, connection: sqlite3.Connection) -> Iterator[None]:
    """Let `interrupt_reads` know of a question while it is answered."""
    entry = (os.path.abspath(path), connection)
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
        found = [connection for read, connection in _running if read == path]
        for connection in found:
            connection.interrupt()
    return bool(found)
