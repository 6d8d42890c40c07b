# SPDX-License-Identifier: Apache-2.0
"""SQLiteSpanProcessor: work in flight is in the file, what ended takes its place, and what died is seen to have."""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.deliver.spool import Spool, spool_path
from otel_sqlite_exporter.sdk import span_processor
from tests.commands import run_process
from tests.conftest import (
    HANG_S,
    WAIT_UNTIL_IT_IS_SEEN_TO_RUN,
    clean_environment,
    export_all,
    exporting,
    health,
    in_new_process,
    make_spans,
    read,
    span_names,
)
from tests.file_checks import check_links
from tests.integration.test_forks import raw_fork
from tests.new_files import put_new_file

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small", "session.id": "chat-1"}


@contextmanager
def tracing(path: Path | str, **keywords: Any) -> Iterator[tuple[Tracer, SQLiteSpanProcessor]]:
    """A tracer over one processor, which is shut down at the end."""
    put_new_file(path)
    processor = SQLiteSpanProcessor(path, **keywords)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    try:
        yield provider.get_tracer("tests"), processor
    finally:
        provider.shutdown()


def eventually(found: Callable[[], object], timeout_s: float = HANG_S) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        with suppress(sqlite3.OperationalError):  # the file is being made
            if found():
                return
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def wait_for_spans(path: Path, spans: int) -> None:
    eventually(lambda: path.exists() and len(span_names(path)) == spans)


def opened(path: Path) -> int:
    return health(path, "opened")[0] or 0 if path.exists() else 0


def test_a_call_is_seen_while_it_runs_and_is_completed_in_place(path: Path) -> None:
    with tracing(path, open_delay_ms=20) as (tracer, processor):
        with processor._writing:  # both are in the first version that is written
            span = tracer.start_span("chat small", attributes=CALL)
            span.add_event("llm.stream.start")
        eventually(lambda: opened(path))
        row = "SELECT name, status, end_time_source, end_time_unix_nano >= start_time_unix_nano, session_id FROM spans"
        assert read(path, row) == [("chat small", "running", "open", 1, "chat-1")]
        call = "SELECT start_id, finish_id IS NULL, status, input_tokens, request_model FROM complete_llm_interactions"
        ((start_id, *rest),) = read(path, call)
        assert rest == [1, "running", None, "small"]
        assert read(path, "SELECT orphan_starts, running, success_rate FROM link_health") == [(1, 1, 0.0)]
        assert read(path, "SELECT status, spans, running FROM traces") == [("running", 1, 1)]
        assert read(path, "SELECT spans, running, interrupted FROM sessions") == [(1, 1, 0)]
        span.set_attribute("gen_ai.usage.input_tokens", 7)
        span.add_event("llm.stream.finish")
        span.end()
        assert processor.force_flush()
        assert read(path, row) == [("chat small", "ok", "record", 1, "chat-1")]
        assert read(path, call) == [(start_id, 0, "ok", 7, "small")]
        assert read(path, "SELECT count(*), sum(related_event_id IS NULL) FROM events") == [(4, 0)]
        assert read(path, "SELECT status, spans, running FROM traces") == [("ok", 1, 0)]
    assert health(path, "received", "written", "duplicate", "opened") == (1, 1, 0, 1)


def test_what_the_sdk_forgot_of_the_start_is_kept(path: Path) -> None:
    processor = SQLiteSpanProcessor(path, open_delay_ms=0, schedule_delay_ms=20)
    provider = TracerProvider(span_limits=SpanLimits(max_span_attributes=3), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    span = provider.get_tracer("tests").start_span("agent", attributes=CALL)
    eventually(lambda: opened(path))
    for number in range(3):
        span.set_attribute(f"later.{number}", number)
    span.end()
    provider.shutdown()
    ((attributes, session),) = read(path, "SELECT attributes, session_id FROM spans")
    assert json.loads(attributes) == {"later.0": 0, "later.1": 1, "later.2": 2} | CALL
    assert session == "chat-1"
    assert read(path, "SELECT request_model FROM complete_llm_interactions") == [("small",)]


def test_null_takes_the_place_of_no_value_that_the_start_had(path: Path) -> None:
    with tracing(path) as (tracer, _):
        span = tracer.start_span("agent", attributes={**CALL, "never": None})
        eventually(lambda: opened(path))
        for name in (*CALL, "new"):
            span.set_attribute(name, None)
        span.end()
    ((attributes,),) = read(path, "SELECT attributes FROM spans")
    assert json.loads(attributes) == {**CALL, "never": None, "new": None}
    assert read(path, "SELECT request_model, session_id FROM complete_llm_interactions") == [("small", "chat-1")]


def test_short_spans_are_written_once(path: Path) -> None:
    with tracing(path, open_delay_ms=600_000) as (tracer, _):
        for number in range(100):
            tracer.start_span(f"{number:03}").end()
    assert span_names(path) == [f"{number:03}" for number in range(100)]
    assert health(path, "received", "opened", "dropped") == (100, 0, 0)


def test_a_short_span_is_in_the_file_within_the_schedule(path: Path) -> None:
    with tracing(path, schedule_delay_ms=50) as (tracer, _):
        tracer.start_span("short").end()
        eventually(lambda: path.exists() and span_names(path) == ["short"])


def test_what_ended_is_in_the_file_soon_after_if_nothing_else_ends(path: Path) -> None:
    with tracing(path, open_delay_ms=600_000, schedule_delay_ms=600_000) as (tracer, _):
        for wanted in (5, 10, 15):
            for _ in range(5):
                tracer.start_span("short").end()
            wait_for_spans(path, wanted)
    assert health(path, "opened") == (0,)


ONLY_FULL_BATCHES = {"open_delay_ms": 600_000, "schedule_delay_ms": 600_000, "idle_delay_ms": 600_000}
"""Settings with which the thread writes nothing else within a test."""


def test_full_batches_are_written_at_once_and_the_rest_grows(path: Path) -> None:
    with tracing(path, **ONLY_FULL_BATCHES, batch_size=100) as (tracer, processor):
        with processor._writing:
            for _ in range(250):
                tracer.start_span("many").end()
        eventually(lambda: len(processor._queue) == 50)
        tracer.start_span("one more").end()
    assert health(path, "received", "batches") == (251, 3)


def test_a_batch_that_two_threads_fill_at_once_is_written_at_once(path: Path) -> None:
    with tracing(path, **ONLY_FULL_BATCHES, batch_size=2) as (tracer, processor):
        span = tracer.start_span("third")
        eventually(lambda: processor._thread._wake.empty() and not processor._is_asleep)
        for queued in make_spans("first", "second"):  # by threads that have not looked yet whether the batch is full
            processor._queue.put(queued)
        span.end()
        eventually(lambda: len(processor._queue) == 1)


def test_a_process_that_does_nothing_is_not_woken(path: Path) -> None:
    with tracing(path, open_delay_ms=10) as (tracer, processor):
        span = tracer.start_span("long")
        eventually(lambda: processor._running.opened and processor._is_asleep)
        span.end()
        eventually(lambda: not processor._queue and processor._is_asleep)
        assert processor._plan_turn() == math.inf


def test_neither_the_start_nor_the_end_of_a_span_raises(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        @property
        def context(self) -> None:
            raise ValueError("it has no context")

    with tracing(path) as (tracer, processor):
        for odd in (Odd(), None, "text"):
            processor.on_start(odd)  # type: ignore[arg-type]
            processor.on_end(odd)  # type: ignore[arg-type]
        assert {record.levelname for record in caplog.records} == {"ERROR"}
        tracer.start_span("sound").end()
    assert span_names(path) == ["sound"]


def test_many_open_spans_are_written_in_batches(path: Path) -> None:
    with tracing(path, open_delay_ms=0, batch_size=10) as (tracer, processor):
        spans = [tracer.start_span(f"{number:02}") for number in range(40)]
        eventually(lambda: opened(path) == 40)
        for span in spans:
            span.end()
        assert processor.force_flush()
    assert health(path, "received", "opened") == (40, 40)
    assert len(span_names(path)) == 40


@pytest.mark.row("Queue full")
def test_a_flat_out_producer_waits_a_little_and_loses_nothing(path: Path) -> None:
    with tracing(path, queue_size=64, batch_size=32, queue_wait_ms=600_000) as (tracer, _):
        for _ in range(3_000):
            tracer.start_span("many").end()
    assert read(path, "SELECT count(*) FROM spans") == [(3_000,)]
    assert health(path, "received", "dropped") == (3_000, 0)


@pytest.mark.row("Queue full")
def test_what_finds_no_room_is_counted(path: Path) -> None:
    settings = {"queue_size": 4, "batch_size": 4, "queue_wait_ms": 0}
    # Held, as while a slow write is under way.
    with tracing(path, **settings) as (tracer, processor), processor._writing:
        for _ in range(10):
            tracer.start_span("many").end()
    assert health(path, "received", "dropped") == (4, 6)


def run_and_be_killed(path: str, how: str) -> None:
    processor = SQLiteSpanProcessor(path, open_delay_ms=0, schedule_delay_ms=20)
    provider = TracerProvider()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    root = tracer.start_span("agent", attributes={"session.id": "chat-1"})
    tracer.start_span("done", context=set_span_in_context(root)).end()
    tracer.start_span("chat small", context=set_span_in_context(root), attributes=CALL)
    assert processor.force_flush()
    eventually(lambda: opened(Path(path)) == 2)
    print("ready", flush=True)
    if how == "lives":
        sys.stdin.read()
        root.end()
        provider.shutdown()
    os.kill(os.getpid(), signal.SIGKILL)


STATES = "SELECT name, status, end_time_source, end_time_unix_nano >= start_time_unix_nano FROM spans ORDER BY name"
RUNNING = [("agent", "running", "open", 1), ("chat small", "running", "open", 1), ("done", "ok", "record", 1)]
DEAD = [
    ("agent", "interrupted", "estimated", 1),
    ("chat small", "interrupted", "estimated", 1),
    ("done", "ok", "record", 1),
]


def start(program: Callable[..., None], *arguments: object) -> subprocess.Popen[bytes]:
    code = f"import sys; from {program.__module__} import {program.__name__} as program; program(*sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_what_runs_lasts_until_now_also_where_nothing_else_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_processor, "_ALIVE_INTERVAL_S", 0.05)

    def durations() -> list[tuple[str, float]]:
        return read(
            path,
            "SELECT 'span', duration_ms FROM spans UNION ALL SELECT 'trace', duration_ms FROM traces"
            " UNION ALL SELECT 'call', duration_ms FROM complete_llm_interactions",
        )

    with tracing(path, open_delay_ms=10, schedule_delay_ms=10) as (tracer, _):
        span = tracer.start_span("hangs", attributes=CALL)
        eventually(lambda: opened(path) == 1)
        eventually(lambda: len(durations()) == 3 and all(ms >= 600 for _, ms in durations()))
        assert health(path, "batches", "received") == (1, 0)
        with closing(sqlite3.connect(path, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")  # is passed over
            time.sleep(0.3)
        span.end()
    assert read(path, "SELECT status FROM spans") == [("ok",)]
    assert not Path(spool_path(str(path))).exists()


@pytest.mark.row("os._exit, a signal without a handler, kill -9, out of memory")
def test_the_spans_of_a_killed_process_are_interrupted_by_who_opens_the_file_next(path: Path) -> None:
    with start(run_and_be_killed, path, "dies") as process:
        process.wait(HANG_S)
        assert read(path, STATES) == RUNNING
        with exporting(path) as exporter:
            export_all(exporter, "next")
        assert read(path, f"SELECT * FROM ({STATES}) WHERE name <> 'next'") == DEAD
        assert read(path, "SELECT status FROM complete_llm_interactions") == [("interrupted",)]
        assert read(path, "SELECT status, running, interrupted FROM traces WHERE spans = 3") == [("interrupted", 0, 2)]
        assert read(path, "SELECT running, interrupted, errors FROM sessions") == [(0, 2, 0)]
        assert read(path, "SELECT count(*) FROM events WHERE related_event_id IS NULL") == [(0,)]
        ((last,),) = read(path, "SELECT max(end_time_unix_nano) FROM spans WHERE status = 'interrupted'")
        assert read(path, "SELECT end_time_unix_nano FROM sessions") == [(last,)]
        assert span_names(path) == ["agent", "chat small", "done", "next"]


def run_beside_a_lock(path: str) -> None:
    logging.disable()
    with closing(sqlite3.connect(path, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        processor = SQLiteSpanProcessor(path, open_delay_ms=0, schedule_delay_ms=20, busy_timeout_ms=0)
        processor.on_start(TracerProvider().get_tracer("tests").start_span("agent"))  # type: ignore[arg-type]
        eventually(lambda: Spool(spool_path(path), limit_bytes=0).count() != (0, 0))
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("opener", ["exporter", "recover", "doctor"])
def test_a_start_that_only_the_spool_holds_outlives_its_process_and_is_interrupted(path: Path, opener: str) -> None:
    with exporting(path) as exporter:
        export_all(exporter, "first")
    in_new_process(run_beside_a_lock, path, status=-signal.SIGKILL)
    assert span_names(path) == ["first"]
    if opener == "exporter":
        with exporting(path) as exporter:
            export_all(exporter, "next")
    else:
        assert run_process(*opener.split(), path, *["--repair"] * (opener == "doctor"))[0] == 0
    assert read(path, "SELECT status, end_time_source FROM spans WHERE name = 'agent'") == [
        ("interrupted", "estimated")
    ]


def test_a_span_runs_on_while_its_process_lives_whoever_opens_the_file(path: Path) -> None:
    with start(run_and_be_killed, path, "lives") as process:
        with exporting(path) as exporter:
            export_all(exporter, "next")
        assert read(path, f"SELECT * FROM ({STATES}) WHERE name <> 'next'") == RUNNING
        assert process.stdin is not None
        process.stdin.close()
        process.wait(HANG_S)
    with exporting(path) as exporter:
        export_all(exporter, "last")
    states = read(path, f"SELECT name, status FROM ({STATES}) WHERE name NOT IN ('next', 'last')")
    assert states == [("agent", "ok"), ("chat small", "interrupted"), ("done", "ok")]


def test_another_process_with_the_same_id_is_not_the_owner(path: Path) -> None:
    with start(run_and_be_killed, path, "dies") as process:
        process.wait(HANG_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("UPDATE _exporter_runs SET pid = ?", (os.getpid(),))
        with exporting(path) as exporter:
            export_all(exporter, "next")
        assert read(path, f"SELECT * FROM ({STATES}) WHERE name <> 'next'") == DEAD


def end_on_both_sides_of_a_fork(path: str) -> None:
    processor = SQLiteSpanProcessor(path, open_delay_ms=0, schedule_delay_ms=20)
    provider = TracerProvider()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    span = tracer.start_span("both")
    eventually(lambda: opened(Path(path)))
    tracer.start_span("parent").end()
    pid = os.fork()
    if pid == 0:
        tracer.start_span("child").end()
        span.end()
        processor.force_flush()
        os._exit(0)
    os.waitpid(pid, 0)
    span.end()
    provider.shutdown()


def test_a_child_writes_its_own_spans_and_leaves_the_others_to_its_parent(path: Path) -> None:
    in_new_process(end_on_both_sides_of_a_fork, path)
    assert span_names(path) == ["both", "child", "parent"]
    assert read(path, "SELECT DISTINCT status FROM spans") == [("ok",)]
    assert health(path, "dropped") == (0,)


def run_in_a_raw_child(path: str) -> None:
    processor = SQLiteSpanProcessor(path, open_delay_ms=0, schedule_delay_ms=20)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    tracer.start_span("parent").end()
    assert processor.force_flush()
    eventually(lambda: processor._is_asleep)
    pid = raw_fork()
    if pid == 0:
        span = tracer.start_span("child")
        eventually(lambda: opened(Path(path)))
        span.end()
        processor.force_flush()
        os._exit(0)
    os.waitpid(pid, 0)
    provider.shutdown()


def test_a_child_that_is_forked_in_c_shows_its_running_spans(path: Path) -> None:
    in_new_process(run_in_a_raw_child, path)
    assert span_names(path) == ["child", "parent"]
    assert opened(path) == 1


def trace_in_child(path: str, name: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SQLiteSpanProcessor(path, schedule_delay_ms=60_000, idle_delay_ms=60_000))
    provider.get_tracer("tests").start_span(name).end()


def start_children(path: str, method: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SQLiteSpanProcessor(path, schedule_delay_ms=60_000, idle_delay_ms=60_000))
    tracer = provider.get_tracer("tests")
    tracer.start_span("parent").end()
    context: Any = multiprocessing.get_context(method)
    children = [context.Process(target=trace_in_child, args=(path, f"child/{number}")) for number in range(3)]
    if method == "fork":
        children.append(context.Process(target=lambda: tracer.start_span("of the parent's provider").end()))
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    provider.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_a_child_of_multiprocessing_holds_is_written_when_it_ends(path: Path, method: str) -> None:
    in_new_process(start_children, path, method)
    inherited = ["of the parent's provider"] * (method == "fork")
    assert span_names(path) == [*(f"child/{number}" for number in range(3)), *inherited, "parent"]


def test_a_flush_that_is_late_says_so(path: Path) -> None:
    # A flush that waited as long as the export would never end.
    with tracing(path, busy_timeout_ms=600_000) as (tracer, processor):
        tracer.start_span("first").end()
        assert processor.force_flush()
        with closing(sqlite3.connect(path, isolation_level=None)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            tracer.start_span("second").end()
            assert not processor.force_flush(100)
        assert processor.force_flush()
    assert span_names(path) == ["first", "second"]


def test_many_threads_open_and_end_spans_together(path: Path) -> None:
    with tracing(path, open_delay_ms=0, schedule_delay_ms=5, batch_size=7) as (tracer, _):

        def work(worker: int) -> None:
            for number in range(60):
                with tracer.start_as_current_span(f"{worker}/{number}", attributes={"n": number}):
                    time.sleep(0.003 if number % 3 else 0.03)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(span_names(path))) == 360
    assert read(path, "SELECT DISTINCT status FROM spans") == [("ok",)]
    with closing(sqlite3.connect(path)) as connection:
        check_links(connection)
    assert read(path, "SELECT count(*) FROM events WHERE related_event_id IS NULL") == [(0,)]
    assert health(path, "received", "written", "duplicate") == (360, 360, 0)
    assert opened(path) > 0


def test_nothing_happens_before_the_first_span(path: Path) -> None:
    threads = sys._current_frames().keys()
    processor = SQLiteSpanProcessor(path)
    assert processor.force_flush()
    assert sys._current_frames().keys() <= threads
    processor.shutdown()
    assert not path.exists()


def test_after_shutdown_spans_are_not_written_and_one_line_says_so(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tracing(path, open_delay_ms=600_000) as (tracer, processor):
        late = tracer.start_span("late")
        tracer.start_span("in time").end()
        processor.shutdown()
        late.end()
        processor.on_end(late)  # type: ignore[arg-type]
        assert [record.message for record in caplog.records] == ["after shutdown nothing is written: a span is lost"]
    assert span_names(path) == ["in time"]


def test_a_second_shutdown_does_nothing_but_log_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for make in (SQLiteSpanProcessor, SQLiteSpanExporter, SQLiteLogRecordExporter):
        one = make(path)
        one.shutdown()
        assert caplog.records == []
        one.shutdown()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        caplog.clear()


def test_the_thread_causes_no_span(path: Path) -> None:
    ThreadingInstrumentor().instrument()
    try:
        with tracing(path, open_delay_ms=0, schedule_delay_ms=10) as (tracer, _), tracer.start_as_current_span("one"):
            eventually(lambda: opened(path))
    finally:
        ThreadingInstrumentor().uninstrument()
    assert span_names(path) == ["one"]


PROGRAM = f"""
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("work"):
    {WAIT_UNTIL_IT_IS_SEEN_TO_RUN}
"""


@pytest.mark.slow
def test_a_variable_adds_it_without_code(path: Path) -> None:
    environment = clean_environment(
        OTEL_TRACES_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR="true",
        OTEL_EXPORTER_SQLITE_PATH=str(path),
        OTEL_EXPORTER_SQLITE_OPEN_DELAY_MS="50",
        WATCHED=str(path),
    )
    assert run_process("migrate", path)[0] == 0
    command = ["opentelemetry-instrument", sys.executable, "-c", PROGRAM]
    subprocess.run(command, env=environment, check=True, timeout=180)
    assert span_names(path) == ["work"]
    assert health(path, "opened", "received") == (1, 1)
