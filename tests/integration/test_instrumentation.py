# SPDX-License-Identifier: Apache-2.0
"""The exporter is not part of what is observed: with sqlite3, SQLAlchemy and threading
instrumented, it causes no span."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.conftest import in_new_process, make_spans, span_names, using

SQLite3Instrumentor = pytest.importorskip("opentelemetry.instrumentation.sqlite3").SQLite3Instrumentor
ThreadingInstrumentor = pytest.importorskip("opentelemetry.instrumentation.threading").ThreadingInstrumentor
SQLAlchemyInstrumentor = pytest.importorskip("opentelemetry.instrumentation.sqlalchemy").SQLAlchemyInstrumentor

SUCCESS = SpanExportResult.SUCCESS


class Observed(NamedTuple):
    """A provider whose spans are kept in memory, while sqlite3 and threading report to it."""

    provider: TracerProvider
    memory: InMemorySpanExporter

    def names(self) -> list[str]:
        return [span.name for span in self.memory.get_finished_spans()]


@pytest.fixture
def observed() -> Iterator[Observed]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    instrumentors = [SQLite3Instrumentor(), ThreadingInstrumentor()]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    yield Observed(provider, memory)
    for instrumentor in instrumentors:
        instrumentor.uninstrument()
    provider.shutdown()


def query_as_the_application_does(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("processor", [SimpleSpanProcessor, BatchSpanProcessor])
def test_only_the_application_is_seen(
    path: Path, observed: Observed, processor: type[SimpleSpanProcessor] | type[BatchSpanProcessor]
) -> None:
    exporter = SQLiteSpanExporter(path)
    observed.provider.add_span_processor(processor(exporter))
    tracer = observed.provider.get_tracer("application")

    def work() -> None:
        with tracer.start_as_current_span("in a thread"):
            query_as_the_application_does(path.parent / "application.db")

    with tracer.start_as_current_span("work"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    observed.provider.force_flush()
    exporter.shutdown()
    expected = ["SELECT", "in a thread", "work"]
    assert observed.names() == expected
    assert span_names(path) == sorted(expected)


def test_opening_writing_refusing_and_closing_a_file_is_not_seen(path: Path, observed: Observed) -> None:
    spans = make_spans("exported")
    with observed.provider.get_tracer("application").start_as_current_span("around"):
        current = trace.get_current_span()
        exporter = SQLiteSpanExporter(path)
        assert exporter.export(spans) is SUCCESS
        for file in path.parent.glob("otel.db*"):
            file.unlink()
        assert exporter.export(spans) is SUCCESS
        exporter.shutdown()
        refused = SQLiteSpanExporter(path.parent)
        assert refused.export(spans) is not SUCCESS
        refused.shutdown()
        assert trace.get_current_span() is current
    assert observed.names() == ["around"]
    assert span_names(path) == ["exported"]


def test_of_an_application_of_sqlalchemy_only_its_own_queries_are_seen(
    path: Path, tmp_path: Path, observed: Observed
) -> None:
    instrumentor = SQLAlchemyInstrumentor()
    instrumentor.instrument(tracer_provider=observed.provider)
    try:
        import sqlalchemy

        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'theirs.db'}")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
        before = observed.names()
        exporter = SQLiteSpanExporter(path)
        assert exporter.export(make_spans("exported")) is SUCCESS
        exporter.shutdown()
        engine.dispose()
    finally:
        instrumentor.uninstrument()
    assert any("SELECT" in name for name in before)
    assert observed.names() == before
    assert span_names(path) == ["exported"]


def list_what_is_not_suppressed(path: str) -> None:
    seen: list[tuple[str, bool]] = []

    def note(event: str, arguments: object) -> None:
        if event == "sqlite3.connect":
            seen.append(("connect", is_instrumentation_enabled()))

    sys.addaudithook(note)
    exporter = SQLiteSpanExporter(path)
    assert exporter.export(make_spans("one")) is SUCCESS
    with using(exporter) as connection:
        connection.set_trace_callback(lambda statement: seen.append((statement, is_instrumentation_enabled())))
    assert exporter.export(make_spans("two")) is SUCCESS
    connection.set_trace_callback(None)
    for file in Path(path).parent.glob("otel.db*"):
        file.unlink()
    assert exporter.export(make_spans("three")) is SUCCESS
    exporter.shutdown()
    assert [what for what, _ in seen].count("connect") >= 2
    assert len(seen) > 10
    print(json.dumps([what for what, enabled in seen if enabled]))


def test_instrumentation_is_suppressed_wherever_the_file_is_touched(path: Path) -> None:
    assert in_new_process(list_what_is_not_suppressed, path) == []


def test_what_others_put_in_the_place_of_sqlite3_connect_is_not_called(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*arguments: object, **keywords: object) -> sqlite3.Connection:
        raise AssertionError("a connection that others observe")

    monkeypatch.setattr(sqlite3, "connect", connect)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", connect)
    for name in ("one", "two"):
        exporter = SQLiteSpanExporter(path)
        assert exporter.export(make_spans(name)) is SUCCESS
        exporter.shutdown()


def test_an_export_leaves_the_context_as_it_was(path: Path) -> None:
    before = context.get_current()
    exporter = SQLiteSpanExporter(path)
    exporter.export(make_spans("one"))
    assert context.get_current() == before
    exporter.shutdown()
    exporter.export(make_spans("two"))
    assert context.get_current() == before
