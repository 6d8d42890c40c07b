# SPDX-License-Identifier: Apache-2.0
"""What the SDK may rely on: SUCCESS is durable, threads may share an exporter, shutdown may come at any time, and a
span that comes again, or that SQLite refuses, costs no other."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.conftest import creating, exporting, health, in_new_process, make_spans, read, span_names, using

pytestmark = pytest.mark.core

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
NUMBERED = [f"{number:04}" for number in range(600)]


class UnwritableAttributes(BoundedAttributes):
    """Attributes that count more dropped ones than a column holds, or count them in words."""

    def __init__(self, dropped: Any) -> None:
        super().__init__(attributes={"kept": "as it was"})
        self.dropped = dropped


def refused_span(name: str, **parts: Any) -> ReadableSpan:
    context = SpanContext(trace_id=0x1234, span_id=0x5678, is_remote=False)
    return ReadableSpan(name, context, start_time=1, end_time=2, **parts)


def test_making_an_exporter_touches_nothing(tmp_path: Path) -> None:
    threads = threading.enumerate()
    descriptors = os.listdir("/dev/fd")
    exporters = [SQLiteSpanExporter(tmp_path / "new" / "otel.db"), SQLiteSpanExporter(tmp_path), SQLiteSpanExporter()]
    assert (threading.enumerate(), os.listdir("/dev/fd")) == (threads, descriptors)
    assert list(tmp_path.iterdir()) == []
    for exporter in exporters:
        assert exporter.export([]) is SUCCESS
        assert exporter.force_flush() is True
        exporter.shutdown()
    assert list(tmp_path.iterdir()) == []


def test_the_first_export_makes_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "otel.db"
    with exporting(path) as exporter:
        assert exporter.export(make_spans("one")) is SUCCESS
    assert path.stat().st_mode & 0o777 == 0o600
    assert span_names(path) == ["one"]


@pytest.mark.parametrize(
    "name",
    ["a b.db", "100%?#.db", "é.db", "a&mode=memory.db", "quo'te\".db", "line\nbreak.db", os.fsdecode(b"\xff.db")],
)
@pytest.mark.parametrize("slashes", ["/", "//"])
def test_any_path_can_be_written_again_and_again(tmp_path: Path, name: str, slashes: str) -> None:
    for number in ("1", "2"):
        with exporting(f"{slashes}{str(tmp_path).lstrip('/')}/{name}") as exporter:
            assert exporter.export(make_spans(number)) is SUCCESS
    os.rename(tmp_path / name, tmp_path / "plain.db")
    assert span_names(tmp_path / "plain.db") == ["1", "2"]


def export_and_die(path: str, how: str) -> None:
    if SQLiteSpanExporter(path).export(make_spans(*NUMBERED)) is SUCCESS:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)


@pytest.mark.parametrize(("how", "status"), [("exit", 0), ("kill", -signal.SIGKILL)])
def test_success_survives_the_death_of_the_process(path: Path, how: str, status: int) -> None:
    in_new_process(export_and_die, path, how, status=status)
    assert span_names(path) == NUMBERED


def test_what_was_acknowledged_can_be_read_while_the_exporter_lives(path: Path) -> None:
    with exporting(path) as exporter:
        for name in ("1", "2", "3"):
            assert exporter.export(make_spans(name)) is SUCCESS
            assert span_names(path)[-1] == name


def test_a_reader_does_not_keep_an_export_waiting(path: Path) -> None:
    with exporting(path, busy_timeout_ms=0) as exporter:
        assert exporter.export(make_spans("before")) is SUCCESS
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT name FROM spans").fetchall() == [("before",)]
            assert exporter.export(make_spans("meanwhile")) is SUCCESS
            assert reader.execute("SELECT name FROM spans").fetchall() == [("before",)]
    assert span_names(path) == ["before", "meanwhile"]


@pytest.mark.row("Export after shutdown")
def test_after_shutdown_every_export_fails_with_one_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exporter = SQLiteSpanExporter(path)
    assert exporter.export(make_spans("before")) is SUCCESS
    exporter.shutdown()
    assert [exporter.export(make_spans("after")) for _ in range(3)] == [FAILURE] * 3
    assert [(record.levelno, "after shutdown" in record.message) for record in caplog.records] == [
        (logging.WARNING, True)
    ]
    assert exporter.force_flush() is True
    assert os.listdir(path.parent) == ["otel.db"]
    assert span_names(path) == ["before"]


def test_shutdown_of_an_exporter_that_never_exported_makes_no_file(path: Path) -> None:
    with creating(path):
        pass
    assert list(path.parent.iterdir()) == []


@pytest.mark.slow
def test_shutdown_may_arrive_during_an_export(tmp_path: Path) -> None:
    for attempt in range(10):
        path = tmp_path / f"{attempt}.db"
        exporter = SQLiteSpanExporter(path)
        results: dict[str, SpanExportResult] = {}

        def export_until_failure(number: int, exporter: SQLiteSpanExporter, results: dict[str, Any]) -> None:
            batches = 0
            while not batches or results[f"{number}/{batches:04}"] is SUCCESS:
                batches += 1
                name = f"{number}/{batches:04}"
                results[name] = exporter.export(make_spans(name))

        threads = [threading.Thread(target=export_until_failure, args=(n, exporter, results)) for n in range(3)]
        for thread in threads:
            thread.start()
        while len(results) < 5 + attempt and all(thread.is_alive() for thread in threads):
            time.sleep(0.001)
        exporter.shutdown()
        for thread in threads:
            thread.join()
        # The connection is closed, for SQLite has put its journal away.
        assert list(tmp_path.glob(f"{attempt}.db*")) == [path]
        assert span_names(path) == sorted(name for name, result in results.items() if result is SUCCESS)


def test_a_simple_processor_may_export_from_eight_threads_at_once(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("tests")
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for turn in range(25):
            tracer.start_span(f"{number}/{turn:02}").end()

    run_threads(work)
    provider.shutdown()
    assert span_names(path) == [f"{number}/{turn:02}" for number in range(8) for turn in range(25)]
    assert health(path, "received", "written", "duplicate", "quarantined") == (200, 200, 0, 0)


def test_eight_threads_may_share_an_exporter(path: Path) -> None:
    batches = [[make_spans(*(f"{n}/{turn}/{i:02}" for i in range(20))) for turn in range(5)] for n in range(8)]
    results: list[SpanExportResult] = []
    with exporting(path) as exporter:
        run_threads(lambda number: results.extend(exporter.export(batch) for batch in batches[number]))
    assert results == [SUCCESS] * 40
    assert span_names(path) == sorted(span.name for own in batches for batch in own for span in batch)
    assert health(path, "batches", "received", "written") == (40, 800, 800)


def run_threads(work: Any) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_span_that_comes_again_is_one_row_and_counted(path: Path) -> None:
    one, two, three = make_spans("one", "two", "three")
    with exporting(path) as exporter:
        assert exporter.export([one, two, one]) is SUCCESS
        assert exporter.export([one, three]) is SUCCESS
        assert exporter.export([three]) is SUCCESS
    assert span_names(path) == ["one", "three", "two"]
    assert read(path, "SELECT count(*) FROM events") == [(6,)]
    assert health(path, "received", "written", "duplicate", "quarantined") == (6, 3, 3, 0)


def test_two_processors_on_one_file_give_each_span_once(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(path)))
    for name in NUMBERED[:50]:
        provider.get_tracer("tests").start_span(name).end()
    provider.shutdown()
    assert span_names(path) == NUMBERED[:50]
    assert health(path, "received", "written", "duplicate") == (100, 50, 50)
    assert read(path, "SELECT count(*), count(DISTINCT run_id) FROM exporter_health") == [(2, 2)]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (refused_span("refused", attributes=UnwritableAttributes(2**63)), "OverflowError: "),
        (refused_span("refused", attributes=UnwritableAttributes("many")), "IntegrityError: cannot store TEXT"),
        (refused_span("refused", events=[Event("e", UnwritableAttributes(2**64))]), "OverflowError: "),
        (refused_span("refused", attributes=UnwritableAttributes(object())), "ProgrammingError: "),
        (ReadableSpan("refused", None), "UnstorableSpanError: "),
        (ReadableSpan("refused", SpanContext(0, 1, False)), "UnstorableSpanError: "),
    ],
)
def test_a_span_that_cannot_be_a_row_costs_no_other(path: Path, refused: ReadableSpan, reason: str) -> None:
    first, last = make_spans("first", "last")
    with exporting(path) as exporter:
        assert exporter.export([first, refused, last]) is SUCCESS
        with using(exporter) as connection:
            assert not connection.in_transaction
        assert exporter.export([refused]) is SUCCESS
        assert exporter.export(make_spans("next")) is SUCCESS
    assert span_names(path) == ["first", "last", "next"]
    ((why, content),) = read(path, "SELECT reason, content FROM _quarantine")
    assert why.startswith(reason)
    assert "refused" in json.dumps(json.loads(content))
    assert health(path, "received", "written", "quarantined") == (5, 3, 2)
