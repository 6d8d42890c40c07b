# SPDX-License-Identifier: Apache-2.0
"""Whatever a provider gives an exporter can be read back from the file as it was."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from otel_sqlite_exporter import SQLiteSpanExporter
from otel_sqlite_exporter.model.values import decode_attributes
from tests import strategies
from tests.new_files import put_new_file

pytestmark = pytest.mark.core

_ids = st.integers(1, 2**64 - 1)
_contexts = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=_ids,
    is_remote=st.booleans(),
    trace_flags=st.integers(0, 3).map(TraceFlags),
    trace_state=st.sampled_from([TraceState(), TraceState([("vendor", "value"), ("other", "1")])]),
)
_spans = st.fixed_dictionaries(
    {
        "name": strategies.names,
        "kind": st.sampled_from(SpanKind),
        "attributes": strategies.attributes,
        "events": st.lists(st.tuples(strategies.names, strategies.attributes, strategies.times), max_size=3),
        "links": st.lists(st.tuples(_contexts, strategies.attributes), max_size=2),
        "status": st.sampled_from([None, Status(StatusCode.OK), Status(StatusCode.ERROR, "it broke\0 \ud800")]),
        "start_time": st.one_of(st.none(), strategies.times),
        "end_time": st.one_of(st.none(), strategies.times),
        "parent": st.one_of(st.none(), _contexts),
    }
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    spans=st.lists(_spans, min_size=1, max_size=4),
    resource=strategies.attributes,
    scope=st.tuples(strategies.texts, st.one_of(st.none(), strategies.texts), strategies.attributes),
)
def test_every_span_reads_back_as_the_provider_made_it(
    spans: list[dict[str, Any]], resource: dict[str, Any], scope: tuple[str, str | None, dict[str, Any]]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        memory = InMemorySpanExporter()
        limits = SpanLimits(max_span_attributes=4, max_events=2, max_links=1, max_event_attributes=3)
        provider = TracerProvider(ALWAYS_ON, Resource(resource, "https://schema.example"), span_limits=limits)
        put_new_file(path)
        exporter = SQLiteSpanExporter(path)
        provider.add_span_processor(SimpleSpanProcessor(memory))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer(scope[0] or "tracer", scope[1], attributes=scope[2])
        for span in spans:
            _record(tracer, span)
        provider.shutdown()
        with closing(sqlite3.connect(path)) as file:
            file.row_factory = sqlite3.Row
            file.text_factory = str
            stored = {(row["trace_id"], row["span_id"]): row for row in file.execute("SELECT * FROM spans")}
            finished = memory.get_finished_spans()
            assert len(stored) == len(finished)
            for made in finished:
                context = made.get_span_context()
                assert context is not None
                _compare(file, stored[f"{context.trace_id:032x}", f"{context.span_id:016x}"], made)
            (health,) = file.execute("SELECT * FROM exporter_health").fetchall()
            assert health["received"] == health["written"] == len(finished)
            assert health["quarantined"] == health["duplicate"] == 0
            assert (health["repaired"] > 0) == any(map(_needs_repair, finished))
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []


def _record(tracer: Any, span: dict[str, Any]) -> None:
    context = set_span_in_context(NonRecordingSpan(span["parent"])) if span["parent"] else None
    links = [Link(linked, attributes) for linked, attributes in span["links"]]
    started = tracer.start_span(
        span["name"], context, span["kind"], span["attributes"], links=links, start_time=span["start_time"]
    )
    for name, attributes, time in span["events"]:
        started.add_event(name, attributes, time)
    if span["status"] is not None:
        started.set_status(span["status"])
    started.end(span["end_time"])


def _compare(file: sqlite3.Connection, row: sqlite3.Row, span: ReadableSpan) -> None:
    context = span.context
    assert row["name"] == _text(span.name)
    assert row["kind"] == span.kind.name
    assert row["trace_flags"] == context.trace_flags
    assert (row["trace_state"] or "") == context.trace_state.to_header()
    parent = span.parent
    assert row["parent_span_id"] == (None if parent is None else f"{parent.span_id:016x}")
    assert row["parent_is_remote"] == (None if parent is None else parent.is_remote)
    assert (row["start_time_unix_nano"], row["end_time_unix_nano"]) == (span.start_time, span.end_time)
    assert row["start_time_source"] == row["end_time_source"] == "record"
    assert row["status_code"] == span.status.status_code.name
    assert row["status_description"] == (None if span.status.description is None else _text(span.status.description))
    assert row["dropped_attributes"] == span.dropped_attributes
    assert row["dropped_events"] == span.dropped_events
    assert row["dropped_links"] == span.dropped_links
    _same_attributes(row, "attributes", span.attributes)
    _same_attributes(row, "resource_attributes", span.resource.attributes)
    assert row["resource_schema_url"] == span.resource.schema_url
    scope = span.instrumentation_scope
    assert scope is not None
    assert (row["scope_name"], row["scope_version"]) == (
        _text(scope.name),
        _text(scope.version) if scope.version else None,
    )
    assert row["scope_schema_url"] == _text(scope.schema_url)
    _same_attributes(row, "scope_attributes", scope.attributes)
    where = "WHERE trace_id = ? AND span_id = ?"
    key = (row["trace_id"], row["span_id"])
    events = file.execute(f"SELECT * FROM events {where} AND source = 'event' ORDER BY ordinal", key).fetchall()
    assert len(events) == len(span.events)
    for stored, event in zip(events, span.events, strict=True):
        assert (stored["name"], stored["start_time_unix_nano"]) == (_text(event.name), event.timestamp)
        assert stored["dropped_attributes"] == event.dropped_attributes
        _same_attributes(stored, "attributes", event.attributes)
    links = file.execute(f"SELECT * FROM links {where} ORDER BY ordinal", key).fetchall()
    assert len(links) == len(span.links)
    for stored, link in zip(links, span.links, strict=True):
        linked = link.context
        assert stored["linked_trace_id"] == f"{linked.trace_id:032x}"
        assert stored["linked_span_id"] == f"{linked.span_id:016x}"
        assert (stored["is_remote"], stored["trace_flags"]) == (linked.is_remote, linked.trace_flags)
        assert (stored["trace_state"] or "") == linked.trace_state.to_header()
        assert stored["dropped_attributes"] == link.dropped_attributes
        _same_attributes(stored, "attributes", link.attributes)


def _same_attributes(row: sqlite3.Row, column: str, attributes: Mapping[str, Any] | None) -> None:
    types = column.replace("attributes", "attribute_types")
    stored = decode_attributes(row[column], row[types])
    expected = _plain(dict(attributes or {}))
    if "\ufffd" not in "".join(stored):  # repaired keys may have been made distinct
        assert _comparable(stored) == _comparable(expected)
    assert len(stored) == len(attributes or {})


def _plain(value: Any) -> Any:
    """What JSON can hold of a value: arrays as lists, lone surrogates replaced."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _comparable(value: Any) -> Any:
    """A form in which 1, 1.0 and True differ, and NaN equals itself."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return (type(value).__name__, "nan" if isinstance(value, float) and math.isnan(value) else value)


def _text(value: Any) -> str:
    text = "" if value is None else str(value)
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def _needs_repair(span: ReadableSpan) -> bool:
    def bad(value: Any) -> bool:
        if isinstance(value, str):
            return _text(value) != value
        if isinstance(value, Mapping):
            return any(bad(key) or bad(item) for key, item in value.items())
        return isinstance(value, (list, tuple)) and any(map(bad, value))

    scope = span.instrumentation_scope
    names = [span.name, *(event.name for event in span.events), *([scope.name] if scope is not None else [])]
    maps = [span.attributes, *(event.attributes for event in span.events), *(link.attributes for link in span.links)]
    shared = [span.resource.attributes, getattr(span.instrumentation_scope, "attributes", None)]
    description = span.status.description
    return any(not isinstance(name, str) or bad(name) for name in names) or any(map(bad, [*maps, *shared, description]))
