# SPDX-License-Identifier: Apache-2.0
"""An application that makes small spans at a steady rate: whether it keeps pace, and which spans it loses."""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import set_span_in_context

from benchmarks.producers import count
from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.sdk.span_queues import SpansAsTheyAre

_SPANS_A_TRACE = 10
_TURNS = 3
_NEVER_MS = 3_600_000


class NoOpProcessor(SQLiteSpanProcessor):
    """The same thread with a queue of spans, which are counted and dropped."""

    received = 0

    def __init__(self) -> None:
        super().__init__(open_delay_ms=_NEVER_MS)

    def _begin(self) -> None:
        super()._begin()
        self._queue = SpansAsTheyAre(self._count)

    def _count(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.received += len(spans)
        return SpanExportResult.SUCCESS


class Paced(NamedTuple):
    """Spans a second that were made, how many of them did not arrive, and how many the file counts as dropped."""

    spans_a_second: float
    lost: int
    dropped: int = 0


def keep_pace(folder: Path, spans_a_second: int, seconds: float) -> tuple[Paced, Paced]:
    """Make spans for a processor that drops them, and for one that writes them to a file: in turns, `seconds` for each
    in all. A producer that falls behind goes on without a pause."""
    path = folder / "paced.db"
    dropping: list[tuple[int, float]] = []
    writing: list[tuple[int, float]] = []
    received = 0
    for _ in range(_TURNS):
        no_op = NoOpProcessor()
        dropping.append(_make_traces(no_op, spans_a_second, seconds / _TURNS))
        received += no_op.received
        writing.append(_make_traces(SQLiteSpanProcessor(path), spans_a_second, seconds / _TURNS))
    with closing(sqlite3.connect(path)) as connection:
        (dropped,) = connection.execute("SELECT sum(dropped) FROM exporter_health").fetchone()
    return _sum(dropping, received), _sum(writing, count(path))._replace(dropped=dropped)


def _make_traces(processor: SpanProcessor, spans_a_second: int, seconds: float) -> tuple[int, float]:
    """Make traces of ten spans, a share in each hundredth of a second. Return the number of spans, and the seconds."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("benchmarks")
    traces = -(-int(spans_a_second * seconds) // _SPANS_A_TRACE)
    gc.collect()
    began = time.perf_counter()
    for made in range(0, traces * _SPANS_A_TRACE, _SPANS_A_TRACE):
        if made % (spans_a_second // 100) < _SPANS_A_TRACE:
            time.sleep(max(began + made / spans_a_second - time.perf_counter(), 0))
        root = tracer.start_span("work", attributes={"number": made})
        context = set_span_in_context(root)
        for number in range(1, _SPANS_A_TRACE):
            tracer.start_span("step", context, attributes={"number": number}).end()
        root.end()
    took = time.perf_counter() - began
    provider.shutdown()
    return traces * _SPANS_A_TRACE, took


def _sum(turns: Sequence[tuple[int, float]], arrived: int) -> Paced:
    spans = sum(spans for spans, _ in turns)
    return Paced(spans / sum(took for _, took in turns), spans - arrived)
