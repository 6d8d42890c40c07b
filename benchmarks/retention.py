# SPDX-License-Identifier: Apache-2.0
"""An exporter that keeps its file within the retention settings: what its exports wait for that, whether it keeps up
with what is written, and whether a file at its cap stays as it is."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

from benchmarks.services import service_spans
from otel_sqlite_exporter import SQLiteSpanExporter

_BATCH = 512
_SPANS_A_SECOND = 5_000
_TURNS = 3
_FIRST_LOOK_S = 1.0
"""When an exporter looks for what is due for the first time."""


class Waits(NamedTuple):
    """How long exports took, in milliseconds, and what they left in the spool."""

    p50_ms: float
    p99_ms: float
    largest_ms: float
    spooled: int


class Beside(NamedTuple):
    """Exports alone, and beside the removal of what is due; and how many spans a second went meanwhile."""

    alone: Waits
    beside: Waits
    removed_a_second: float


class Window(NamedTuple):
    """A part of the time at the cap: the size of the file in bytes, CPU of this process in us for each span that was
    written, and its memory in MB."""

    written: int
    file_bytes: int
    cpu_us: float
    rss_mb: float


def export_beside_retention(folder: Path, spans: int, seconds: float) -> Beside:
    """Export a batch ten times a second into a file of `spans` that are due: without retention and with it, in turns of
    `seconds` each."""
    filled = folder / "filled.db"
    _fill(filled, service_spans(spans // 10, seed=1))
    source = service_spans(10**9, seed=2)
    took: dict[bool, list[float]] = {False: [], True: []}
    spooled = {False: 0, True: 0}
    removed = worked = 0.0
    for turn in range(_TURNS):
        for is_beside in (False, True):
            path = folder / f"beside-{turn}-{is_beside}.db"
            shutil.copyfile(filled, path)
            exporter = SQLiteSpanExporter(path, retention_days=1 if is_beside else None)
            exporter.export(_now(source, 1))
            before = _count_spans(path)
            time.sleep(_FIRST_LOOK_S)
            began = time.perf_counter()
            written = _export_paced(exporter, source, seconds, took[is_beside])
            if is_beside:
                removed += before + written - _count_spans(path)
                worked += time.perf_counter() - began
            exporter.shutdown()
            with closing(sqlite3.connect(path)) as file:
                (count,) = file.execute("SELECT sum(spooled) FROM exporter_health").fetchone()
                spooled[is_beside] += count
            path.unlink()
    alone, beside = (_sum_up(took[key], spooled[key]) for key in (False, True))
    return Beside(alone, beside, removed / worked)


def stay_at_cap(folder: Path, cap_bytes: int, spans: int, windows: int) -> list[Window]:
    """Write `spans` of a simulated week, each batch when the last is written, into a file of at most `cap_bytes`."""
    path = folder / "capped.db"
    source = service_spans(spans // 10, seed=3)
    exporter = SQLiteSpanExporter(path, retention_bytes=cap_bytes)
    found = []
    for _ in range(windows):
        began, written = time.process_time(), 0
        while written < spans // windows and (batch := [*islice(source, _BATCH)]):
            exporter.export(batch)
            written += len(batch)
            time.sleep(len(batch) / _SPANS_A_SECOND / 2)
        cpu = (time.process_time() - began) * 1e6 / written
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found.append(Window(written, os.path.getsize(path), cpu, rss))
    exporter.shutdown()
    return found


def _fill(path: Path, source: Iterator[ReadableSpan]) -> None:
    exporter = SQLiteSpanExporter(path)
    while batch := [*islice(source, _BATCH)]:
        exporter.export(batch)
    exporter.shutdown()


def _now(source: Iterator[ReadableSpan], count: int) -> list[ReadableSpan]:
    """The next spans of `source`, as if they ended now."""
    spans = [*islice(source, count)]
    for span in spans:
        moved: Any = span
        length, moved._end_time = moved._end_time - moved._start_time, time.time_ns()
        moved._start_time = moved._end_time - length
    return spans


def _export_paced(
    exporter: SQLiteSpanExporter, source: Iterator[ReadableSpan], seconds: float, took: list[float]
) -> int:
    began = due = time.perf_counter()
    written = 0
    while due - began < seconds:
        batch = _now(source, _BATCH)
        time.sleep(max(0.0, due - time.perf_counter()))
        start = time.perf_counter()
        exporter.export(batch)
        took.append((time.perf_counter() - start) * 1e3)
        written += len(batch)
        due += _BATCH / _SPANS_A_SECOND
    return written


def _count_spans(path: Path) -> int:
    with closing(sqlite3.connect(path)) as file:
        return int(file.execute("SELECT count(*) FROM _spans").fetchone()[0])


def _sum_up(took: list[float], spooled: int) -> Waits:
    took = sorted(took)
    p50, p99 = (took[int(len(took) * part)] for part in (0.5, 0.99))
    return Waits(p50, p99, took[-1], spooled)


def main() -> None:
    """Print what the exports of a busy application wait for removal, and a file at its cap."""
    with tempfile.TemporaryDirectory(prefix="otel-retention-") as folder:
        found = export_beside_retention(Path(folder), 100_000, 6)
        print(f"{_SPANS_A_SECOND:,} spans/s, alone: {_describe(found.alone)}")
        print(f"beside removal: {_describe(found.beside)}; {found.removed_a_second:,.0f} spans/s removed")
        print(f"p99 beside / alone: {found.beside.p99_ms / found.alone.p99_ms:.2f}", flush=True)
        for window in stay_at_cap(Path(folder), 60_000_000, 240_000, 8):
            print(
                f"{window.written:,} spans: file {window.file_bytes / 1e6:.1f} MB, "
                f"{window.cpu_us:.0f} us of CPU a span, memory {window.rss_mb:.0f} MB"
            )


def _describe(waits: Waits) -> str:
    return f"p50 {waits.p50_ms:.0f}, p99 {waits.p99_ms:.0f}, longest {waits.largest_ms:.0f} ms, {waits.spooled} spooled"


if __name__ == "__main__":
    main()
