# SPDX-License-Identifier: Apache-2.0
"""Log records, as the SDK gives them to the exporter, in the file."""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.model.values import decode_attributes, decode_value
from tests.conftest import health, read
from tests.file_checks import check_links
from tests.new_files import put_new_file

_RESOURCE = Resource({"service.name": "one"})
# The SDK moves it to a package of its own, and says so.
_OLD_HANDLER = pytest.mark.filterwarnings("ignore:.*LoggingHandler:DeprecationWarning")
_SCOPE = InstrumentationScope("tests")


def make_log(*, trace: int = 0, span: int = 0, resource: Resource = _RESOURCE, **fields: Any) -> ReadableLogRecord:
    """A log record as a processor gives it to an exporter."""
    context = set_span_in_context(NonRecordingSpan(SpanContext(trace, span, False, TraceFlags(1))))
    return ReadableLogRecord(LogRecord(context=context, **fields), resource, _SCOPE)


@contextmanager
def logging_to(path: Path, **keywords: Any) -> Iterator[SQLiteLogRecordExporter]:
    put_new_file(path)
    exporter = SQLiteLogRecordExporter(path, **keywords)
    try:
        yield exporter
    finally:
        exporter.shutdown()


@_OLD_HANDLER
def test_a_record_of_the_standard_library_is_linked_with_its_span_trace_and_session(path: Path) -> None:
    spans, logs = TracerProvider(shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    logger = logging.getLogger("application")
    handler = LoggingHandler(logger_provider=logs)
    logger.addHandler(handler)
    try:
        tracer = spans.get_tracer("tests")
        with tracer.start_as_current_span("work", attributes={"session.id": "s-1"}):
            logger.warning("disk is %d%% full", 93)
    finally:
        logger.removeHandler(handler)
        spans.shutdown()
        logs.shutdown()
    ((trace_id, span_id),) = read(path, "SELECT trace_id, span_id FROM spans")
    query = (
        "SELECT trace_id, span_id, session_id, severity_number, severity_text, body, scope_name, event_name FROM logs"
    )
    assert read(path, query) == [(trace_id, span_id, "s-1", 13, "WARN", '"disk is 93% full"', "application", None)]
    assert read(path, "SELECT logs, spans FROM traces") == [(1, 1)]
    assert read(path, "SELECT session_id, logs, spans FROM sessions") == [("s-1", 1, 1)]
    assert read(path, "SELECT signal, received, written FROM exporter_health ORDER BY signal") == [
        ("logs", 1, 1),
        ("traces", 1, 1),
    ]


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.binary(),
    st.text(st.characters(exclude_categories=["Cs"])),
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(body=_values, attributes=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _values, max_size=4))
def test_body_and_attributes_come_back_as_they_were(body: Any, attributes: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        with logging_to(path) as exporter:
            assert exporter.export([make_log(body=body, attributes=attributes)]).name == "SUCCESS"
        query = "SELECT body, body_type, attributes, attribute_types FROM logs"
        ((text, types, attribute_text, attribute_types),) = read(path, query)
        assert (None if text is None else decode_value(text, types)) == body
        assert decode_attributes(attribute_text, attribute_types) == attributes
        assert health(path, "repaired", "quarantined") == (0, 0)


def test_bytes_are_noted_as_the_type_of_the_body(path: Path) -> None:
    with logging_to(path) as exporter:
        exporter.export([make_log(body=b"\x00\xff")])
    ((body, types),) = read(path, "SELECT body, body_type FROM logs")
    assert json.loads(body) == base64.b64encode(b"\x00\xff").decode()
    assert json.loads(types) == {"": "bytes"}


def test_a_time_that_is_missing_is_the_observed_one(path: Path) -> None:
    with logging_to(path) as exporter:
        exporter.export([make_log(timestamp=5, observed_timestamp=7), make_log(observed_timestamp=8)])
    query = "SELECT start_time_unix_nano, observed_time_unix_nano, time_source FROM logs ORDER BY id"
    assert read(path, query) == [(5, 7, "record"), (8, 8, "observed")]


def test_bad_values_are_repaired_and_counted(path: Path) -> None:
    record = make_log(timestamp="soon", severity_text="\ud800", body=object, event_name=7)
    with logging_to(path) as exporter:
        assert exporter.export([record]).name == "SUCCESS"
    assert health(path, "written", "repaired", "quarantined") == (1, 4, 0)


def test_what_is_no_log_record_is_quarantined(path: Path) -> None:
    with logging_to(path) as exporter:
        assert exporter.export([None, make_log(body="kept")]).name == "SUCCESS"
    assert health(path, "written", "quarantined") == (1, 1)


def test_secrets_are_masked(path: Path) -> None:
    with logging_to(path, redact_keys=["password"], redact_values=[r"sk-\w+"]) as exporter:
        exporter.export([make_log(body={"text": "key sk-123"}, attributes={"password": "x"}, event_name="of sk-9")])
    query = "SELECT body, attributes, event_name FROM logs"
    assert read(path, query) == [('{"text":"key [redacted]"}', '{"password":"[redacted]"}', "of [redacted]")]


def test_start_and_finish_in_one_span_pair_without_a_window_across_batches(path: Path) -> None:
    with logging_to(path, pairing_window_ms=1) as exporter:
        exporter.export([make_log(trace=1, span=2, timestamp=10**12, event_name="job.finish")])
        exporter.export([make_log(trace=1, span=2, timestamp=10, event_name="job.start")])
    query = "SELECT phase, source, link_method, duration_ms FROM events ORDER BY start_time_unix_nano"
    assert read(path, query) == [
        ("start", "log", "span", (10**12 - 10) / 1e6),
        ("finish", "log", "span", (10**12 - 10) / 1e6),
    ]


def test_records_without_a_trace_pair_by_session_alone(path: Path) -> None:
    with logging_to(path) as exporter:
        for session in ({}, {"session.id": "a"}, {"session.id": "b"}):
            exporter.export([make_log(timestamp=10, event_name="job.start", attributes=session)])
        for session in ({}, {"session.id": "a"}):
            exporter.export([make_log(timestamp=20, event_name="job.finish", attributes=session)])
    query = "SELECT session_id, phase, link_method FROM events ORDER BY session_id, phase DESC"
    assert read(path, query) == [
        *((None, "start", None), (None, "finish", None)),
        *(("a", "start", "temporal"), ("a", "finish", "temporal")),
        ("b", "start", None),
    ]
    assert read(path, "SELECT * FROM traces") == []
    assert read(path, "SELECT session_id, logs FROM sessions ORDER BY session_id") == [("a", 2), ("b", 1)]


def test_records_wait_in_the_spool_and_come_in_once(path: Path) -> None:
    with logging_to(path, busy_timeout_ms=0) as exporter:
        exporter.export([make_log(body="first")])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert exporter.export([make_log(body="second", severity_number=SeverityNumber.INFO)]).name == "SUCCESS"
        exporter.export([make_log(body="third")])
    assert read(path, "SELECT body FROM logs ORDER BY body") == [('"first"',), ('"second"',), ('"third"',)]


@_OLD_HANDLER
@pytest.mark.parametrize("processor", [SimpleLogRecordProcessor, BatchLogRecordProcessor])
def test_the_packages_own_lines_make_no_loop(processor: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(processor(SQLiteLogRecordExporter(tmp_path / "folder" / "otel.db")))
    lines: list[logging.LogRecord] = []
    counter = logging.Handler()
    counter.emit = lines.append  # type: ignore[assignment,method-assign]
    root = logging.getLogger()
    handlers = [LoggingHandler(logger_provider=provider), counter]
    for handler in handlers:
        root.addHandler(handler)
    try:
        for number in range(5):
            logging.getLogger("application").error("line %d", number)
            provider.force_flush()
    finally:
        for handler in handlers:
            root.removeHandler(handler)
        provider.shutdown()
    own = [line for line in lines if line.name.startswith("otel_sqlite_exporter")]
    assert len(own) == 1


def test_a_forked_child_writes_its_own_records(path: Path) -> None:
    with logging_to(path) as exporter:
        exporter.export([make_log(body="parent")])
        pid = os.fork()
        if not pid:
            os._exit(exporter.export([make_log(body="child")]) is not LogRecordExportResult.SUCCESS)
        assert os.waitpid(pid, 0)[1] == 0
    assert read(path, "SELECT body FROM logs ORDER BY body") == [('"child"',), ('"parent"',)]
    assert read(path, "SELECT count(*) FROM exporter_health WHERE signal = 'logs'") == [(2,)]


_times = st.integers(1, 12).map(lambda step: 1_795_000_000_000_000_000 + step * 7_000_000)
_attributes = st.fixed_dictionaries(
    {},
    optional={
        "session.id": st.sampled_from(["A", "B"]),
        "metadata": st.sampled_from(['{"thread_id": "A"}', '{"thread_id": "C", "user_id": "bob"}']),
        "user.id": st.just("ada"),
    },
)
_names = st.sampled_from([None, "note", "call.start", "call.finish", "call.error", "tool.start"])
_events = st.lists(st.builds(Event, _names.filter(bool), st.none(), _times), max_size=3)
_VIEWS = (
    *("spans", "events", "logs", "traces", "sessions", "link_health", "agent_tree"),
    *("complete_llm_interactions", "complete_tool_interactions"),
)
_RESOURCES = (_RESOURCE, Resource({"service.name": "two", "session.id": "of the resource"}))


_RECORDS = """
    SELECT {key}, sum(is_log), sum(NOT is_log), min(start), max("end")
    FROM (
      SELECT {key}, 0 AS is_log, start_time_unix_nano AS start, end_time_unix_nano AS "end" FROM spans
      UNION ALL
      SELECT {key}, 1, start_time_unix_nano, start_time_unix_nano FROM logs
    )
    WHERE {key} IS NOT NULL
    GROUP BY {key}
"""


@st.composite
def _records(draw: st.DrawFn) -> list[ReadableSpan | ReadableLogRecord]:
    records: list[ReadableSpan | ReadableLogRecord] = []
    for number in range(draw(st.integers(0, 4))):
        times = sorted([draw(_times), draw(_times)])
        trace, resource, attributes = draw(st.integers(1, 2)), draw(st.sampled_from(_RESOURCES)), draw(_attributes)
        parent = draw(st.sampled_from([None, SpanContext(trace, 9, False, TraceFlags(1))]))
        records.append(
            ReadableSpan(
                name=f"span {number}",
                context=SpanContext(trace, number + 1, False, TraceFlags(1)),
                parent=parent,
                resource=resource,
                attributes=attributes,
                events=draw(_events),
                start_time=times[0],
                end_time=times[1],
            )
        )
        other = draw(st.sampled_from(["", "open", "ended later", "started and ended later"]))
        if other:  # it is written before it ends, too, or in two versions, as after a fork
            records.append(
                ReadableSpan(
                    name=f"span {number}",
                    context=SpanContext(trace, number + 1, False, TraceFlags(1)),
                    parent=parent,
                    resource=resource if other == "open" else _RESOURCE,
                    attributes=draw(_attributes),
                    events=draw(_events),
                    start_time=times[0] + (1_000_000 if other.startswith("started") else 0),
                    end_time=None if other == "open" else times[1] + 5_000_000,
                )
            )
    for number in range(draw(st.integers(1, 8))):
        trace = draw(st.integers(0, 2))
        records.append(
            make_log(
                trace=trace,
                span=draw(st.integers(0, 4)) if trace else 0,
                resource=draw(st.sampled_from(_RESOURCES)),
                timestamp=draw(_times),
                observed_timestamp=1_795_000_000_000_000_000,
                event_name=draw(_names),
                body=number,
                attributes=draw(_attributes),
            )
        )
    return records


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(records=_records(), seed=st.integers(0, 2**32))
def test_order_and_split_of_spans_and_logs_do_not_change_any_view(
    records: list[ReadableSpan | ReadableLogRecord], seed: int
) -> None:
    chance = random.Random(seed)
    spans = [record for record in records if isinstance(record, ReadableSpan)]
    logs = [record for record in records if isinstance(record, ReadableLogRecord)]
    batches: list[list[Any]] = []
    shuffled = chance.sample(records, len(records))
    for record in shuffled:
        if not batches or chance.random() < 0.5 or _kind(batches[-1][0]) != _kind(record):
            batches.append([])
        batches[-1].append(record)
    opened = [span for span in spans if span.end_time is None]
    finished = [span for span in spans if span.end_time is not None]
    assert find_contents([logs, opened, finished]) == find_contents(batches)


def _kind(record: ReadableSpan | ReadableLogRecord) -> str:
    if isinstance(record, ReadableLogRecord):
        return "log"
    return "open" if record.end_time is None else "finished"


def find_contents(batches: Sequence[Sequence[Any]]) -> dict[str, list[str]]:
    """Return what the views show of spans and log records, exported in these batches of either. Ids are the file's own:
    a record is known by its place."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        span_exporter = SQLiteSpanExporter(path, pairing_window_ms=20)
        with logging_to(path, pairing_window_ms=20) as log_exporter:
            for batch in filter(None, batches):
                export: Any = {
                    "log": log_exporter.export,
                    "open": span_exporter.export_open,
                    "finished": span_exporter.export,
                }[_kind(batch[0])]
                assert export(batch).name == "SUCCESS"
            span_exporter.shutdown()
        with closing(sqlite3.connect(path)) as file:
            file.row_factory = sqlite3.Row
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
            check_links(file)
            for view, key in (("sessions", "session_id"), ("traces", "trace_id")):
                shown = file.execute(f"SELECT {key}, logs, spans, start_time_unix_nano, end_time_unix_nano FROM {view}")
                counted = file.execute(_RECORDS.format(key=key))
                assert sorted(map(tuple, shown)) == sorted(map(tuple, counted))
            known: dict[Any, Any] = {
                row["id"]: (row["trace_id"], row["span_id"], row["source"], row["phase"], row["body"])
                for row in file.execute("SELECT e.*, l.body FROM events AS e LEFT JOIN logs AS l ON l.event_id = e.id")
            }
            contents = {}
            for view in _VIEWS:
                rows = [dict(row) for row in file.execute(f"SELECT * FROM {view}")]
                for row in rows:
                    if view != "events":
                        row.pop("id", None)
                    for key in {"id", "event_id", "related_event_id", "start_id", "finish_id"}.intersection(row):
                        row[key] = known.get(row[key])
                contents[view] = sorted(map(repr, rows))
            return contents
