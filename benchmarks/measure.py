# SPDX-License-Identifier: Apache-2.0
"""Times contenders against each other, batch by batch, so that noise of the machine affects all of them alike."""

from __future__ import annotations

import contextlib
import gc
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

from benchmarks.rivals import Contender
from benchmarks.spans import BATCH, trace_spans

WINDOW = 8
_WARM_UP = 2


class Result(NamedTuple):
    """`cpu_us_a_span` is process CPU time: user and system, all threads, including SQLite and its checkpoints."""

    cpu_us_a_span: float
    wall_ms: float
    worst_ms: float


def run_rounds(
    contenders: Mapping[str, Contender],
    rounds: int,
    *,
    busy: bool = False,
    make_spans: Callable[[], Iterator[ReadableSpan]] = trace_spans,
) -> dict[str, Result]:
    """Give every contender the same new batch in each round, in a changing order. Return medians: of wall time over all
    batches, and of CPU over windows of eight batches, because a checkpoint comes once in a few batches."""
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    spans = make_spans()
    names = list(contenders)
    order = random.Random(5)
    for number in range(-_WARM_UP, rounds):
        batch = list(islice(spans, BATCH))
        prepared = {name: contender.prepare(batch) for name, contender in contenders.items()}
        gc.collect()
        order.shuffle(names)
        for name in names:
            with busy_thread() if busy else contextlib.nullcontext():
                cpu_s, wall_s = _time(contenders[name], prepared[name])
            if number >= 0:
                cpu[name].append(cpu_s / BATCH * 1e6)
                wall[name].append(wall_s * 1e3)
    return {name: Result(_median_of_windows(cpu[name]), median(wall[name]), max(wall[name])) for name in contenders}


@contextlib.contextmanager
def busy_thread() -> Iterator[None]:
    """Run a thread of pure Python that always requests the interpreter lock."""
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def read_written_bytes() -> int:
    """Return how much this process has written to files, also where the system has not passed it on to the disk."""
    try:
        return int(Path("/proc/self/io").read_text().partition("wchar: ")[2].split()[0])
    except OSError:
        return 0


def _time(contender: Contender, prepared: Any) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    contender.write(prepared)
    return time.process_time() - cpu, time.perf_counter() - wall


def _median_of_windows(values: list[float]) -> float:
    return median(fmean(values[first : first + WINDOW]) for first in range(0, len(values), WINDOW))
