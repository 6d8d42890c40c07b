# SPDX-License-Identifier: Apache-2.0
"""Flushes that may not hold up the end of a process."""

from __future__ import annotations

import _thread
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

_logger = logging.getLogger(__name__)


def run_within(jobs: Iterable[Callable[[], Any]], timeout_s: float) -> None:
    """Run `jobs` at the same time, and return when all are done, or after that time. Never raises an Exception."""
    # The main thread may have been interrupted while it held a lock of a queue, of `logging` or of `threading`, and a
    # forked child may find one locked for ever. So other threads do the work, and they are not of the class Thread,
    # whose start takes a lock.
    deadline = time.monotonic() + timeout_s
    under_way = []
    for job in jobs:
        is_done = _thread.allocate_lock()
        is_done.acquire()
        try:
            _thread.start_new_thread(_run, (job, is_done))
        except RuntimeError:  # the interpreter ends, and its exit functions flush
            continue
        under_way.append(is_done)
    for is_done in under_way:
        is_done.acquire(timeout=max(0.0, deadline - time.monotonic()))


def flush_provider(provider: Any, timeout_ms: int) -> None:
    """Flush a provider of the SDK. One that only stands in for another has nothing to flush."""
    force_flush = getattr(provider, "force_flush", None)
    if force_flush is not None:
        force_flush(timeout_ms)


def _run(job: Callable[[], Any], is_done: _thread.LockType) -> None:
    try:
        job()
    except Exception:
        _logger.exception("at the end of the process, something could not be flushed")
    finally:
        is_done.release()
