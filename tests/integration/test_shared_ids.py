# SPDX-License-Identifier: Apache-2.0
"""The client's and the server's span of one call may have the same ids, as Zipkin's have: both are kept, in any
order."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession

from otel_sqlite_exporter import SQLiteLogRecordExporter, TelemetryDatabase
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.orm import Span, open_engine
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run_here
from tests.conftest import exporting, health, read
from tests.source_files import view_rows

FRONTEND, BACKEND = Resource({"service.name": "frontend"}), Resource({"service.name": "backend"})


def context(span: int) -> SpanContext:
    return SpanContext(1, span, False, TraceFlags(1))


def make_span(
    name: str, span: int, parent: int | None, kind: SpanKind, resource: Resource, start: int, **more: Any
) -> ReadableSpan:
    above = None if parent is None else context(parent)
    more |= {"start_time": start, "end_time": start + 10}
    return ReadableSpan(name, context(span), above, resource=resource, kind=kind, **more)


def make_call(sender: SpanKind = SpanKind.CLIENT, receiver: SpanKind = SpanKind.SERVER) -> list[ReadableSpan]:
    """A call of the backend, with one span of each side and one below it in each service."""
    event = [Event("told", timestamp=25)]
    return [
        make_span("root", 1, None, SpanKind.INTERNAL, FRONTEND, 10),
        make_span("send", 2, 1, sender, FRONTEND, 20, attributes={"session.id": "chat"}, events=event),
        make_span("receive", 2, 1, receiver, BACKEND, 30, events=event, links=[Link(context(9))]),
        make_span("query", 3, 2, SpanKind.CLIENT, BACKEND, 40),
        make_span("encode", 4, 2, SpanKind.INTERNAL, FRONTEND, 21),
    ]


@pytest.mark.parametrize(
    ("sender", "receiver"), [(SpanKind.CLIENT, SpanKind.SERVER), (SpanKind.PRODUCER, SpanKind.CONSUMER)]
)
def test_both_are_kept_each_once(path: Path, sender: SpanKind, receiver: SpanKind) -> None:
    spans = make_call(sender, receiver)
    with exporting(path) as exporter:
        exporter.export(spans)
        exporter.export(spans)
    assert health(path, "received", "written", "duplicate", "quarantined") == (10, 5, 5, 0)
    assert read(path, "SELECT name, kind FROM spans WHERE span_id = '0000000000000002' ORDER BY name") == [
        ("receive", receiver.name),
        ("send", sender.name),
    ]
    assert read(path, "SELECT spans FROM traces") == [(5,)]
    assert read(path, "SELECT count(*), count(DISTINCT id) FROM events WHERE source = 'span'") == [(10, 10)]
    assert read(path, "SELECT count(*) FROM events WHERE source = 'event'") == [(2,)]


@pytest.mark.slow
def test_any_order_gives_the_same_file_and_nothing_to_reindex(tmp_path: Path) -> None:
    found = []
    for number, order in enumerate(permutations(make_call()[1:4])):
        path = tmp_path / f"{number}.db"
        with exporting(path) as exporter:
            for span in (*order, make_call()[0]):
                exporter.export([span])
        found.append(view_rows(path))
        done = reindex(resolve_settings(path))
        assert (done.changed_spans, done.recounted_calls) == (0, 0)
    assert all(rows == found[0] for rows in found)


def test_the_receiver_stands_below_the_sender_and_each_child_in_its_service(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_call())
    tree = TelemetryDatabase(path).get_trace(f"{1:032x}")
    assert [(node.span.name, node.depth) for node in tree] == [
        ("root", 0),
        ("send", 1),
        ("encode", 2),
        ("receive", 2),
        ("query", 3),
    ]


def test_a_trace_whose_root_both_share_is_one_row(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export([make_span("send", 2, None, SpanKind.CLIENT, FRONTEND, 20, attributes={"session.id": "chat"})])
        exporter.export([make_span("receive", 2, None, SpanKind.SERVER, BACKEND, 15)])
    assert read(path, "SELECT name, service_name, spans FROM traces") == [("send", "frontend", 2)]
    assert read(path, "SELECT service_name, spans FROM sessions") == [("frontend", 2)]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_log_record_belongs_to_the_span_of_its_service(order: tuple[int, ...], path: Path) -> None:
    def add_log(resource: Resource) -> None:
        exporter = SQLiteLogRecordExporter(path)
        record = LogRecord(
            context=set_span_in_context(NonRecordingSpan(context(2))), timestamp=25, observed_timestamp=25, body="x"
        )
        exporter.export([ReadableLogRecord(record, resource)])
        exporter.shutdown()

    sender, receiver = make_call()[1:3]
    receiver = make_span("receive", 2, 1, SpanKind.SERVER, BACKEND, 30, attributes={"session.id": "other"})
    with exporting(path) as exporter:
        for number in order:
            if number < 2:
                exporter.export([(sender, receiver)[number]])
                continue
            for resource in (FRONTEND, BACKEND, Resource({"service.name": "third"})):
                add_log(resource)
    assert read(path, "SELECT service_name, session_id FROM logs ORDER BY 1") == [
        ("backend", "other"),
        ("frontend", "chat"),
        ("third", "other"),
    ]


def test_export_and_import_keep_both(path: Path, tmp_path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_call())
    target, copy = tmp_path / "out.jsonl", tmp_path / "copy.db"
    assert run_here("export", path, "--output", target).exit_code == 0
    assert run_here("import", target, "--into", copy).exit_code == 0
    assert view_rows(copy) == view_rows(path)
    spans = [
        span
        for line in target.read_text().splitlines()
        for group in json.loads(line)["resourceSpans"]
        for scoped in group["scopeSpans"]
        for span in scoped["spans"]
    ]
    assert {span["name"]: len(span.get("links", ())) for span in spans} == {
        **dict.fromkeys(("root", "send", "query", "encode"), 0),
        "receive": 1,
    }


def test_each_is_a_row_of_the_models(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_call())
    with OrmSession(open_engine(path)) as orm:
        assert sorted(span.name for span in orm.scalars(select(Span))) == [
            "encode",
            "query",
            "receive",
            "root",
            "send",
        ]


def test_a_finish_is_paired_with_the_start_of_the_same_side_in_any_order(tmp_path: Path) -> None:
    spans = [
        make_span("send", 2, None, SpanKind.CLIENT, FRONTEND, 20, events=[Event("call.start", timestamp=25)]),
        make_span("receive", 2, None, SpanKind.SERVER, BACKEND, 20, events=[Event("call.start", timestamp=25)]),
        make_span("end", 3, None, SpanKind.INTERNAL, FRONTEND, 20, events=[Event("call.finish", timestamp=28)]),
    ]
    paired = (
        "SELECT s.name FROM _events AS e JOIN _spans AS s ON s.id = e.span "
        "WHERE e.source = 1 AND e.link_method = 'temporal' ORDER BY 1"
    )
    found = set()
    for number, order in enumerate(permutations(spans)):
        path = tmp_path / f"{number}.db"
        with exporting(path) as exporter:
            for span in order:
                exporter.export([span])
        found.add(tuple(read(path, paired)))
    assert len(found) == 1
    assert len(found.pop()) == 2
