# SPDX-License-Identifier: Apache-2.0
"""What an asyncio service notices: how long its requests take, with each way to export their spans.

Requests come at a steady rate, whether the one before is done or not. Each makes ten spans (benchmarks/spans.py), does
some work in Python for each, and waits 2 ms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Tracer, set_span_in_context

from benchmarks.paced import NoOpProcessor
from benchmarks.rivals import Contender, OverHTTP
from benchmarks.spans import Content
from otel_sqlite_exporter import SQLiteSpanProcessor

SPANS_A_REQUEST = 10
_STEPS_A_SPAN = 1_500
_WAIT_S = 0.002
_WARM_UP = 25
_SCHEDULE_DELAY_MS = 1_000
"""The default of SQLiteSpanProcessor, so that all contenders write batches of the same size."""


class Latency(NamedTuple):
    """Milliseconds from the time at which a request was due until its end."""

    p50_ms: float
    p99_ms: float
    worst_ms: float


class _Through(SpanExporter):
    """Exports by a contender."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._contender.write(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._contender.close()


def send_over_http(contender: OverHTTP) -> SpanProcessor:
    """Return the stock processor over OTLP/HTTP; it closes the contender."""
    return BatchSpanProcessor(_Through(contender), schedule_delay_millis=_SCHEDULE_DELAY_MS)


SERVICES: dict[str, Callable[[Path], SpanProcessor]] = {
    "no-op exporter": lambda path: NoOpProcessor(),
    "SQLiteSpanProcessor": SQLiteSpanProcessor,
    "OTLP/HTTP": lambda path: send_over_http(OverHTTP()),
}


def measure_latency(folder: Path, requests_a_second: int, requests: int, turns: int) -> dict[str, Latency]:
    """Let each contender serve `requests` in so many turns. What waits is written before the turn of the next one."""
    providers = {}
    for name, make in SERVICES.items():
        providers[name] = TracerProvider(shutdown_on_exit=False)
        providers[name].add_span_processor(make(folder / "service.db"))
    content = Content()
    took: dict[str, list[float]] = {name: [] for name in SERVICES}
    for turn in range(turns + 1):
        for name, provider in providers.items():
            number = requests // turns if turn else min(_WARM_UP, requests)
            served = asyncio.run(serve(provider.get_tracer("service"), content, requests_a_second, number))
            provider.force_flush()
            took[name] += served if turn else []
    for provider in providers.values():
        provider.shutdown()
    return {name: _summarize(sorted(times)) for name, times in took.items()}


async def serve(tracer: Tracer, content: Content, requests_a_second: int, requests: int) -> list[float]:
    """Serve requests, and return the seconds that each took."""
    began = time.perf_counter()
    tasks = []
    for number in range(requests):
        due = began + number / requests_a_second
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(_answer(tracer, content, content.session(number), due)))
    return await asyncio.gather(*tasks)


async def _answer(tracer: Tracer, content: Content, session: str, due: float) -> float:
    root = tracer.start_span("invoke_agent researcher", attributes=content.attributes("invoke_agent", session))
    context = set_span_in_context(root)
    for _ in range(SPANS_A_REQUEST - 1):
        attributes = content.attributes("chat", session)
        span = tracer.start_span("chat gpt-4.1", context, SpanKind.CLIENT, attributes)
        for name, event_attributes in content.events():
            span.add_event(name, event_attributes)
        sum(step * step for step in range(_STEPS_A_SPAN))
        await asyncio.sleep(0)
        span.end()
    await asyncio.sleep(_WAIT_S)
    root.end()
    return time.perf_counter() - due


def _summarize(seconds: Sequence[float]) -> Latency:
    p50, p99 = (seconds[int(len(seconds) * part)] * 1e3 for part in (0.5, 0.99))
    return Latency(p50, p99, seconds[-1] * 1e3)
