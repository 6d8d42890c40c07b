# SPDX-License-Identifier: Apache-2.0
"""An application that makes spans as fast as it can: its speed, its lost spans; and many writers of one file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.rivals import OneTableExporter
from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor

WRITERS = 8
PRODUCERS: dict[str, Callable[[Path], SpanProcessor | None]] = {
    "no processor": lambda path: None,
    "BatchSpanProcessor, executemany": lambda path: BatchSpanProcessor(OneTableExporter(path)),
    "BatchSpanProcessor, this exporter": lambda path: BatchSpanProcessor(SQLiteSpanExporter(path)),
    "SQLiteSpanProcessor": SQLiteSpanProcessor,
}


class Produced(NamedTuple):
    """Spans a second that the producer made, the number that are not in the file, and microseconds for start and end of
    a span together (median) and for its end alone."""

    spans_a_second: float
    lost: int
    both_p50_us: float
    end_p50_us: float
    end_p99_us: float
    end_p999_us: float


def produce(name: str, folder: Path, spans: int) -> Produced:
    """Make `spans` as fast as possible."""
    path = folder / f"{name}.db"
    processor = PRODUCERS[name](path)
    provider = TracerProvider(shutdown_on_exit=False)
    if processor is not None:
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("benchmarks")
    clock = time.perf_counter_ns
    both, ends = [], []
    began = clock()
    for number in range(spans):
        before = clock()
        span = tracer.start_span("work", attributes={"number": number})
        started = clock()
        span.end()
        ended = clock()
        both.append(ended - before)
        ends.append(ended - started)
    seconds = (clock() - began) / 1e9
    provider.shutdown()
    both.sort()
    ends.sort()
    p50, p99, p999 = (ends[int(spans * part)] / 1e3 for part in (0.5, 0.99, 0.999))
    lost = 0 if processor is None else spans - count(path)
    return Produced(spans / seconds, lost, both[spans // 2] / 1e3, p50, p99, p999)


def write_together(folder: Path, batches: int) -> tuple[float, float]:
    """Let eight processes write batches of 512 spans to one file. Return the spans a second of all together, and the
    longest export in milliseconds."""
    path = folder / "together.db"
    began = time.perf_counter()
    readers = []
    for number in range(WRITERS):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, str(_write_alone(path, number, batches)).encode())
            os._exit(0)
        os.close(writer)
        readers.append(reader)
    worst = []
    for reader in readers:
        with os.fdopen(reader) as printed:
            worst.append(float(printed.read()))
    for _ in range(WRITERS):
        os.wait()
    return count(path) / (time.perf_counter() - began), max(worst)


def _write_alone(path: Path, writer: int, batches: int) -> float:
    from itertools import islice

    from benchmarks.spans import BATCH, trace_spans

    exporter = SQLiteSpanExporter(path, busy_timeout_ms=60_000)
    spans = trace_spans()
    worst = 0.0
    for _ in range(batches):
        batch = list(islice(spans, BATCH))
        began = time.perf_counter()
        exporter.export(batch)
        worst = max(worst, time.perf_counter() - began)
    exporter.shutdown()
    return worst * 1e3


def count(path: Path) -> int:
    """Return the number of spans in a file."""
    with closing(sqlite3.connect(path)) as connection:
        spans: int = connection.execute("SELECT count(*) FROM spans").fetchone()[0]
    return spans
