# SPDX-License-Identifier: Apache-2.0
"""Spans, their events and log records that report the same calls, and the views of a file that holds them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from tests.file_checks import check_links
from tests.new_files import put_new_file

Record = ReadableSpan | ReadableLogRecord

_START = 1_795_000_000_000_000_000
_VIEWS = ("spans", "events", "logs", "traces", "sessions", "agents", "days", "errors", "scores")
_CALLS = ("complete_llm_interactions", "complete_tool_interactions", "agent_tree", "session_conflicts")
_RESOURCES = (Resource({"service.name": "one"}), Resource({"service.name": "two"}))
_SCOPES = tuple(map(InstrumentationScope, ("framework", "client")))
_NO_CONTEXT = SpanContext(0, 0, False)
_times = st.integers(0, 12).map(lambda step: _START + step * 700_000_000)
_usage = st.sampled_from([None, None, (7, 3), (7, 3), (7, 5), (20, 3)])
_names = st.sampled_from(
    ["llm.call.start", "llm.call.finish", "claude_code.api_request", "tool.execution", "note", SCORE_EVENT]
)
_LATER = 86_400 * 10**9


@st.composite
def _facts(draw: st.DrawFn) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "gen_ai.request.model": draw(st.sampled_from([None, "gpt-4o", "gpt-4o", "gpt-4o-20241120", "o3-mini"])),
        "gen_ai.response.id": draw(st.sampled_from([None, None, "r1", "r2"])),
        "session.id": draw(st.sampled_from([None, None, "A", "B"])),
        "gen_ai.conversation.id": draw(st.sampled_from([None, None, None, "A", "C"])),
        "gen_ai.tool.call.id": draw(st.sampled_from([None, None, "call_1"])),
        "cost_usd": draw(st.sampled_from([None, None, 0.0006659999999999999])),
        "gen_ai.evaluation.name": draw(st.sampled_from([None, "Relevance", "Tone"])),
        "gen_ai.evaluation.score.value": draw(st.sampled_from([None, None, 0.25, 1, "0.5", "pass"])),
        "user.id": draw(st.sampled_from([None, None, "ada"])),
    }
    usage = draw(_usage)
    if usage is not None:
        facts |= {"gen_ai.usage.input_tokens": usage[0], "gen_ai.usage.output_tokens": usage[1]}
    return {name: value for name, value in facts.items() if value is not None}


@st.composite
def mixed_records(draw: st.DrawFn) -> list[Record]:
    """Spans, some also as they started, and log records."""
    records: list[Record] = []
    for number in range(draw(st.integers(1, 7))):
        # Some are also written while they run.
        has_start = draw(st.integers(1, 4)) == 1
        trace = draw(st.integers(1, 2))
        times = sorted([draw(_times), draw(_times)])
        operation = draw(st.sampled_from([None, "chat", "chat", "chat", "invoke_agent", "execute_tool"]))
        own = {} if operation is None else {"gen_ai.operation.name": operation}
        common: dict[str, Any] = {
            "name": f"span {number}",
            "context": _context(trace, number + 1),
            "parent": draw(st.sampled_from([None, _context(trace, 1), _context(trace, 2), _context(trace, 3)])),
            "resource": draw(st.sampled_from(_RESOURCES)),
            "instrumentation_scope": draw(st.sampled_from(_SCOPES)),
            "attributes": own | draw(_facts()),
            "start_time": times[0],
        }
        if number and draw(st.integers(1, 4)) == 1:  # both sides of one call have the same ids, as Zipkin has them
            common |= {"kind": SpanKind.SERVER, "context": _context(trace, number)}
        events = [Event(draw(_names), draw(_facts()), draw(_times)) for _ in range(draw(st.integers(0, 2)))]
        status = draw(st.sampled_from([Status(StatusCode.UNSET)] * 3 + [Status(StatusCode.ERROR)]))
        records.append(ReadableSpan(**common, events=events, status=status, end_time=times[1]))
        if has_start:
            records.insert(0, ReadableSpan(**common, events=events[:1]))
    for number in range(draw(st.integers(0, 4))):
        place = draw(st.sampled_from([_NO_CONTEXT, _NO_CONTEXT, _context(1, 1), _context(1, 2), _context(2, 3)]))
        name, time = draw(_names), draw(_times) + number
        if name == SCORE_EVENT:
            time += draw(st.sampled_from([-_LATER, _LATER, _LATER, 3 * _LATER]))
        record = LogRecord(
            context=set_span_in_context(NonRecordingSpan(place)),
            event_name=name,
            timestamp=time,
            observed_timestamp=time,
            attributes=draw(_facts()) | {"number": number},
        )
        records.append(ReadableLogRecord(record, draw(st.sampled_from(_RESOURCES)), draw(st.sampled_from(_SCOPES))))
    return records


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, False, TraceFlags(1))


def make_span(
    trace: int, span: int, times: tuple[int, int], attributes: Mapping[str, Any], parent: int | None = None, **more: Any
) -> ReadableSpan:
    """A span that ran between these seconds. `parent` is the id of a span of its trace."""
    start, end = (_START + time * 10**9 for time in times)
    around = None if parent is None else _context(trace, parent)
    common: dict[str, Any] = {"resource": _RESOURCES[0], "instrumentation_scope": _SCOPES[0]}
    common |= {"attributes": attributes, "start_time": start, "end_time": end}
    return ReadableSpan(**common | {"name": f"span {span}", "context": _context(trace, span), "parent": around} | more)


def make_log(
    number: int, attributes: Mapping[str, Any] = MappingProxyType({}), *, name: str = "note"
) -> ReadableLogRecord:
    """A log record outside of all traces."""
    record = LogRecord(
        timestamp=_START + number,
        observed_timestamp=_START + number,
        event_name=name,
        attributes={"number": number, **attributes},
    )
    return ReadableLogRecord(record, _RESOURCES[0], _SCOPES[0])


def export_batches(path: Path, batches: Sequence[Sequence[Record]]) -> None:
    """Write batches of records through exporters."""
    put_new_file(path)
    spans, logs = SQLiteSpanExporter(path), SQLiteLogRecordExporter(path)
    for batch in batches:
        of_spans = [record for record in batch if isinstance(record, ReadableSpan) and record.end_time is not None]
        starts = [record for record in batch if isinstance(record, ReadableSpan) and record.end_time is None]
        of_logs = [record for record in batch if isinstance(record, ReadableLogRecord)]
        assert not starts or spans.export_open(starts).name == "SUCCESS"
        assert not of_spans or spans.export(of_spans).name == "SUCCESS"
        assert not of_logs or logs.export(of_logs).name == "SUCCESS"
    spans.shutdown()
    logs.shutdown()


def read_views(path: Path) -> dict[str, list[str]]:
    """The rows of the views, without ids."""
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        check_links(file)
        # Ids are the file's own; a record is known by its place.
        known: dict[Any, tuple[Any, ...]] = {
            row["id"]: (row["trace_id"], row["span_id"], row["source"], row["name"], row["phase"], row["start_time"])
            for row in file.execute("SELECT * FROM events")
        }
        calls = file.execute("SELECT * FROM complete_llm_interactions")
        known |= {f"call {row['id']}": (row["trace_id"], row["span_id"], row["name"], row["source"]) for row in calls}
        references = ("related_event_id", "start_id", "finish_id", "event_id", "call_id")
        return {
            view: sorted(
                repr(
                    {
                        key: known.get(f"call {row[key]}" if key == "call_id" else row[key])
                        if key in references
                        else row[key]
                        for key in row.keys()  # noqa: SIM118
                        if key != "id"
                    }
                )
                for row in file.execute(f"SELECT * FROM {view}")
            )
            for view in (*_VIEWS, *_CALLS)
        }
