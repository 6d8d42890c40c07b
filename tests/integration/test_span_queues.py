# SPDX-License-Identifier: Apache-2.0
"""A processor's queue holds spans, or the values of each from its end on: the file is the same, and what goes wrong
costs as much. With the compiled core all other tests of the processor use the second kind."""

from __future__ import annotations

import logging
import resource
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.trace import Link, SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.native.core_state import IN_USE
from otel_sqlite_exporter.sdk import span_exporter
from otel_sqlite_exporter.sdk.span_queues import SpansAsTheyAre, SpansAsValues
from tests.conftest import health, in_new_process, make_spans, named, read, span_names
from tests.integration.test_processor import CALL, end_on_both_sides_of_a_fork, tracing
from tests.integration.test_signal_exceptions import end_spans_and_be_interrupted

KINDS: dict[str, type] = {"spans": SpansAsTheyAre, "values": SpansAsValues}
_TIME_NS = 1_795_000_000_000_000_000
_ODD: Any = object()


def choose(kind: str) -> None:
    """Let processors made from now on use this kind of queue."""
    span_exporter._encodes_at_end = lambda exporter: kind == "values"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(span_exporter, "_encodes_at_end", span_exporter._encodes_at_end)  # is restored
    choose(request.param)
    return str(request.param)


def span_of(number: int, **parts: Any) -> ReadableSpan:
    """A sampled span whose trace has this id."""
    context = SpanContext(number, number, False, TraceFlags(1))
    return ReadableSpan(f"span {number}", context, **{"start_time": _TIME_NS, "end_time": _TIME_NS + 1_000} | parts)


def sample_spans() -> list[ReadableSpan]:
    return [
        span_of(1, attributes=CALL | {"gen_ai.usage.input_tokens": 7}),
        span_of(2, parent=SpanContext(2, 7, False), events=[Event("e.start", {"n": 1}, _TIME_NS)]),
        span_of(3, links=[Link(SpanContext(3, 9, True), {"why": "it came first"})]),
        span_of(4, attributes={"text": "\udcff", "large": 2**70, "list": ["a", "b"]}),
        span_of(5, attributes={"odd": _ODD}, start_time="yesterday"),
        span_of(2**130),
        ReadableSpan("no trace", SpanContext(0, 1, False, TraceFlags(1))),
    ]


def test_both_kinds_write_what_the_exporter_writes(path: Path, kind: str) -> None:
    exported = path.with_name("exported.db")
    exporter = SQLiteSpanExporter(exported)
    spans = sample_spans()
    exporter.export(spans)
    exporter.shutdown()
    with tracing(path) as (_, processor):
        assert isinstance(processor._queue, KINDS[kind])
        for span in spans:
            processor.on_end(span)
    for view in ("spans", "events", "links", "traces", "sessions", "complete_llm_interactions"):
        query = f"SELECT * FROM {view} ORDER BY 1, 2"
        assert read(path, query) == read(exported, query)
    query = "SELECT reason, digest, content FROM _quarantine ORDER BY digest"
    assert read(path, query) == read(exported, query)
    assert health(path, "received", "quarantined", "dropped") == health(exported, "received", "quarantined", "dropped")
    assert health(path, "quarantined")[0] > 0


def test_a_queue_of_values_drops_each_span_at_its_end(path: Path, kind: str) -> None:
    with tracing(path) as (_, processor), processor._writing:
        (span,) = make_spans("one")
        dropped = weakref.ref(span)
        processor.on_end(span)
        del span
        assert (dropped() is None) == (kind == "values")
    assert span_names(path) == ["one"]


@pytest.mark.row("Queue full")
def test_what_finds_no_room_is_counted(path: Path, kind: str) -> None:
    with tracing(path, queue_size=4, batch_size=4, queue_wait_ms=0) as (tracer, processor), processor._writing:
        for _ in range(10):
            tracer.start_span("many").end()
    assert health(path, "received", "dropped") == (4, 6)


def test_redactors_run_on_the_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_exporter, "find_core_state", lambda: IN_USE)
    threads = set()

    def redactor(key: str, value: Any) -> Any:
        threads.add(threading.get_ident())
        return value

    with tracing(path, redactor=redactor) as (tracer, processor):
        assert isinstance(processor._queue, SpansAsTheyAre)
        tracer.start_span("one", attributes={"a": "b"}).end()
        processor.force_flush()
    assert threads
    assert threading.get_ident() not in threads


def end_without_memory(path: str) -> None:
    logging.disable()
    choose("values")
    processor = SQLiteSpanProcessor(path)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    tracer.start_span("first").end()
    processor.force_flush()
    spans = make_spans(*named("large", 4), attributes={"text": "x" * 30_000_000})
    with processor._writing:
        tracer.start_span("waits").end()
        time.sleep(0.05)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000, resource.RLIM_INFINITY))
        for span in spans:
            processor.on_end(span)
    processor.force_flush()
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    tracer.start_span("last").end()
    provider.shutdown()


@pytest.mark.row("Memory limit")
def test_a_span_that_finds_no_memory_is_counted(path: Path) -> None:
    in_new_process(end_without_memory, path)
    assert span_names(path) == ["first", "last", "waits"]
    assert health(path, "dropped", "quarantined") == (4, 0)


def interrupt_ends(path: str, error: str) -> None:
    choose("values")
    end_spans_and_be_interrupted(path, error)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["HandlerError", "KeyboardInterrupt"])
def test_an_exception_of_a_signal_handler_at_the_end_of_a_span_costs_nothing(path: Path, error: str) -> None:
    names = in_new_process(interrupt_ends, path, error)
    assert set(span_names(path)) <= set(names)
    assert read(path, "SELECT reason FROM _quarantine") == []


def fork_with_values(path: str) -> None:
    choose("values")
    end_on_both_sides_of_a_fork(path)


def test_a_child_leaves_the_values_that_wait_to_its_parent(path: Path) -> None:
    in_new_process(fork_with_values, path)
    assert span_names(path) == ["both", "child", "parent"]
    assert health(path, "dropped") == (0,)


def end_in_a_recursion(path: str) -> None:
    """End spans where calls fail, and print how many ended."""
    choose("values")
    ended = 0
    with tracing(Path(path), queue_wait_ms=60_000) as (tracer, _):

        def recur() -> None:
            nonlocal ended
            span = tracer.start_span("deep", attributes=CALL | {"not a number": float("nan")})
            try:
                recur()
            finally:
                span.end()
                ended += 1

        with suppress(RecursionError):
            recur()
    print(ended)


def test_a_span_that_ends_near_the_limit_of_recursion_is_written(path: Path) -> None:
    ended = in_new_process(end_in_a_recursion, path)
    assert health(path, "quarantined", "dropped") == (0, 0)
    assert len(span_names(path)) == ended > 100
