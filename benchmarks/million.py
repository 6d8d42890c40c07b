# SPDX-License-Identifier: Apache-2.0
"""Loads many spans into one file and measures the cost of each fifth of them.

It runs in its own process, so that it measures only its own memory: `python -m benchmarks.million PATH SPANS
SPANS_A_TRACE CALLS_A_TRACE TEXT_BYTES` prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks.measure import read_written_bytes
from benchmarks.rivals import Contender
from benchmarks.spans import BATCH, build_spans
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter

_FIFTHS = 5


class Load(NamedTuple):
    """For each fifth of a load: CPU for a span, the bytes that were written for a span (0 where the system does not
    count them), and the highest memory of the process after a batch."""

    spans: int
    cpu_us_a_span: list[float]
    written_a_span: list[float]
    peak_mib: list[float]
    bytes_a_span: float


class Reads(NamedTuple):
    """Milliseconds of each read, including opening and closing a new connection."""

    trace_median_ms: float
    trace_p95_ms: float
    sessions_median_ms: float


def run_load(path: Path, spans: int, spans_a_trace: int, calls_a_trace: int, text_bytes: int) -> Load:
    """Load `spans` into a new file at `path`, in a new process."""
    arguments = map(str, (path, spans, spans_a_trace, calls_a_trace, text_bytes))
    command = [sys.executable, "-m", "benchmarks.million", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[1])
    return Load(**json.loads(done.stdout))


def load(path: Path, spans: int, spans_a_trace: int, calls_a_trace: int, text_bytes: int) -> Load:
    """Load `spans`, rounded up to whole batches, in this process."""
    contender = Contender(SQLiteSpanExporter(path))
    source = build_spans(spans_a_trace, text_bytes, calls_a_trace)
    batches = max(-(-spans // BATCH), _FIFTHS)
    cpu, bytes_written, peak, written = [], [], [], 0
    for fifth in range(1, _FIFTHS + 1):
        taken = highest = 0.0
        before = read_written_bytes()
        until = batches * fifth // _FIFTHS
        for _ in range(written, until):
            batch = list(islice(source, BATCH))
            began = time.process_time()
            contender.write(batch)
            taken += time.process_time() - began
            highest = max(highest, _resident_mib())
        bytes_written.append((read_written_bytes() - before) / ((until - written) * BATCH))
        cpu.append(taken / ((until - written) * BATCH) * 1e6)
        peak.append(highest)
        written = until
    contender.close()
    return Load(batches * BATCH, cpu, bytes_written, peak, os.path.getsize(path) / (batches * BATCH))


def time_reads(path: Path, repeats: int) -> Reads:
    """Read whole traces, picked at random, and the newest 50 sessions."""
    with closing(_connect(path)) as connection:
        traces = connection.execute("SELECT max(id) FROM _traces").fetchone()[0]
        picked = random.Random(3).choices(range(1, traces + 1), k=repeats)
        text = "SELECT trace_id FROM _traces WHERE id = ?"
        trace_ids = [connection.execute(text, (number,)).fetchone()[0] for number in picked]
    trace = [_time_read(path, "SELECT * FROM spans WHERE trace_id = ?", trace_id) for trace_id in trace_ids]
    newest = "SELECT * FROM sessions ORDER BY end_time_unix_nano DESC LIMIT 50"
    sessions = [_time_read(path, newest) for _ in range(max(repeats // 10, 3))]
    return Reads(median(trace), quantiles(trace, n=20)[-1], median(sessions))


def _time_read(path: Path, query: str, *parameters: str) -> float:
    began = time.perf_counter()
    with closing(_connect(path)) as connection:
        rows = connection.execute(query, parameters).fetchall()
    took = (time.perf_counter() - began) * 1e3
    if not rows:
        raise RuntimeError(f"nothing found by {query}")
    return took


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)


def _resident_mib() -> float:
    # Not ru_maxrss if /proc is there: a new process inherits the peak of its parent.
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return pages * resource.getpagesize() / 1024**2


if __name__ == "__main__":
    file, *numbers = sys.argv[1:]
    print(json.dumps(load(Path(file), *map(int, numbers))._asdict()))
