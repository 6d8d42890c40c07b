# SPDX-License-Identifier: Apache-2.0
"""How long the rest of a program stands still while a text is searched for what has to be masked, in Python's `re` and
in the engine of `redact_values`."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from otel_sqlite_exporter.patterns import PatternSearch, parse_pattern

KEY, MAIL = r"\bsk-[A-Za-z0-9]{8,}", r"[\w.+-]+@[\w-]+\.\w+"
"""The patterns of docs/operations.md."""
_TURN_S = 0.0005


class Pause(NamedTuple):
    """The longest time in which another thread did not run, in milliseconds, and the CPU time of the search."""

    text: str
    re_ms: float
    re_cpu_ms: float
    engine_ms: float
    engine_cpu_ms: float


def measure_pauses(characters: int = 10_000) -> Iterator[Pause]:
    """Yield the pauses for a word of `characters`, and for prose a hundred times as long."""
    patterns = [re.compile(pattern) for pattern in (KEY, MAIL)]
    engine = PatternSearch([parse_pattern(pattern) for pattern in (KEY, MAIL)])
    prose = "Who are you, and what do you want from me? " * (characters * 100 // 43)
    for name, text in ((f"a word of {characters:,} letters", "a" * characters), (f"{len(prose):,} of prose", prose)):
        by_re = _pause(lambda text: [pattern.search(text) for pattern in patterns], text)
        by_engine = _pause(engine.find, text)
        yield Pause(name, *by_re, *by_engine)


def _pause(search: Callable[[str], object], text: str) -> tuple[float, float]:
    longest, is_over, is_running = 0.0, False, threading.Event()

    def watch() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not is_over:
            time.sleep(_TURN_S)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
            is_running.set()

    other = threading.Thread(target=watch)
    other.start()
    is_running.wait()
    longest = 0.0
    began = time.thread_time()
    search(text)
    cpu = time.thread_time() - began
    time.sleep(_TURN_S)
    is_over = True
    other.join()
    return longest * 1_000, cpu * 1_000
