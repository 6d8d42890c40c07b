# SPDX-License-Identifier: Apache-2.0
"""Several processes write one file, however they were started, and lose nothing when they end."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, SQLiteSpanProcessor
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.steps import load_migrations
from otel_sqlite_exporter.write.exporter_runs import Run, fold_runs
from otel_sqlite_exporter.write.writer import Writer
from tests.conftest import (
    HANG_S,
    beside_process,
    export_all,
    exporting,
    health,
    in_new_process,
    make_spans,
    named,
    read,
    span_names,
    write_and_close,
)
from tests.file_checks import check_file

pytestmark = pytest.mark.slow

NUMBERED = [f"{number:04}" for number in range(600)]
BATCHES = 40


def leave_without_shutdown(path: str, how: str, processor: str) -> None:
    provider = TracerProvider()
    if processor == "batch":
        provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(path)))
    else:
        provider.add_span_processor(SQLiteSpanProcessor(path, open_delay_ms=0))
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(SQLiteLogRecordExporter(path)))
    logs.get_logger("tests").emit(LogRecord(body="a line"))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("tests")

    async def work() -> None:
        async def span(name: str) -> None:
            with tracer.start_as_current_span(name):
                await asyncio.sleep(0)

        await asyncio.gather(*map(span, NUMBERED))

    if how == "asyncio":
        asyncio.run(work())
        return
    for name in NUMBERED:
        tracer.start_span(name).end()
    if how == "exit":
        sys.exit(3)


@pytest.mark.parametrize("processor", ["batch", "ours"])
@pytest.mark.parametrize(("how", "status"), [("return", 0), ("exit", 3), ("asyncio", 0)])
@pytest.mark.row("Normal exit")
def test_nothing_is_lost_or_said_when_the_interpreter_exits(path: Path, how: str, status: int, processor: str) -> None:
    in_new_process(leave_without_shutdown, path, how, processor, status=status, flags=("-W", "default"))
    assert os.listdir(path.parent) == ["otel.db"]
    assert span_names(path) == NUMBERED
    assert read(path, "SELECT DISTINCT status FROM spans") == [("ok",)]
    assert read(path, "SELECT body FROM logs") == [('"a line"',)]


def write_with_the_others(path: str, name: str, barrier: Any) -> None:
    with exporting(path, busy_timeout_ms=120_000) as exporter:
        barrier.wait(HANG_S)
        for number in range(BATCHES):
            names = [f"{name}/{number:02}/{place}" for place in range(4)]
            spans = make_spans(*names, attributes={"session.id": f"session {number:02}"})
            assert exporter.export(spans) is SpanExportResult.SUCCESS


def test_eight_processes_write_one_file_at_the_same_time(path: Path) -> None:
    context: Any = multiprocessing.get_context("spawn")
    barrier = context.Barrier(8)
    writers = [context.Process(target=write_with_the_others, args=(str(path), f"writer{n}", barrier)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    expected = [f"writer{n}/{number:02}/{place}" for n in range(8) for number in range(BATCHES) for place in range(4)]
    assert span_names(path) == expected
    sessions = [(f"session {number:02}", 32) for number in range(BATCHES)]
    assert read(path, "SELECT session_id, spans FROM sessions ORDER BY session_id") == sessions
    assert health(path, "received", "written", "duplicate", "spooled", "dropped") == (len(expected),) * 2 + (0,) * 3
    assert read(path, "SELECT count(*) FROM exporter_health") == [(8,)]
    with closing(sqlite3.connect(path)) as file:
        check_file(file)


def test_exporters_of_one_process_do_not_drop_each_others_locks(path: Path) -> None:
    with exporting(path) as first:
        export_all(first, "first")
        with exporting(path) as second:
            export_all(second, "second")
        with beside_process(write_and_close, path):
            pass
        export_all(first, "first again")
        assert span_names(path) == ["first", "first again", *named("other", 3), "second"]


def serve_after_fork(path: str) -> None:
    exporter = SQLiteSpanExporter(path)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    workers = []
    wait, begin = os.pipe()
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            trace.get_tracer("tests").start_span(f"worker{number}").end()
            os.close(begin)
            os.read(wait, 1)
            sys.exit(0)
        workers.append(pid)
    assert not os.path.exists(path)
    os.close(begin)
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 8
    print(json.dumps(os.listdir(os.path.dirname(path))))


def test_the_workers_of_a_master_that_never_exports_make_the_file_together(path: Path) -> None:
    # Twice, for that they make it at the same moment is a matter of chance.
    for attempt in ("first", "second"):
        file = path.parent / attempt / "otel.db"
        assert in_new_process(serve_after_fork, file) == ["otel.db"]
        assert span_names(file) == [f"worker{number}" for number in range(8)]
        assert read(file, "SELECT max(version) FROM _migrations") == read(file, "PRAGMA user_version")
        assert read(file, "SELECT count(*) FROM _migrations") == [(len(load_migrations()),)]


def trace_a_task(argument: tuple[str, int]) -> None:
    path, number = argument
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    provider.get_tracer("tests").start_span(f"task/{number:02}").end()


def map_with_multiprocessing(path: str, method: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("tests")
    tracer.start_span("before").end()
    context: Any = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        pool.map(trace_a_task, [(path, number) for number in range(10)], chunksize=1)
    tracer.start_span("later").end()


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing_starts_processes_in_any_way(path: Path, method: str) -> None:
    in_new_process(map_with_multiprocessing, path, method)
    assert span_names(path) == ["before", "later", *named("task", 10)]


def test_the_runs_of_a_file_do_not_grow_for_ever(path: Path) -> None:
    def write(run: Run, name: str, **counts: int) -> None:
        for counter, number in counts.items():
            setattr(run, counter, number)
        writer.write(Records(spans=[encoder.encode_span(span, 7) for span in make_spans(name)]), run)

    settings = resolve_settings(path)
    encoder = SQLiteSpanExporter(path)._encoder
    with closing(open_file(settings)) as connection:
        writer = Writer(connection, settings)
        runs = [Run.begin("traces", resolve_settings()) for _ in range(12)]
        for number, run in enumerate(runs):
            write(run, f"{number:02}", **({"dropped": 3} if number == 1 else {}))
        before = health(path, "received", "written", "batches", "dropped")
        for _ in range(2):
            fold_runs(connection, most=8, kept=4)
            run_id = "iif(host = '', 'earlier ' || signal, run_id)"
            shown = read(path, f"SELECT {run_id}, received, dropped FROM exporter_health ORDER BY last_write")
            kept = [(run.run_id, 1, 0) for run in runs[-4:]]
            assert sorted(shown) == sorted([("earlier traces", 7, 0), (runs[1].run_id, 1, 3), *kept])
            assert health(path, "received", "written", "batches", "dropped") == before
        # One that was added up writes again, and is added up again.
        write(runs[0], "again")
        for number in range(4):
            write(Run.begin("traces", resolve_settings()), f"new/{number}")
        fold_runs(connection, most=8, kept=4)
        assert health(path, "received", "written", "batches", "dropped") == (17, 17, 17, 3)
        assert read(path, "SELECT received FROM exporter_health WHERE host = ''") == [(12,)]
