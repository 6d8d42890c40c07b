# SPDX-License-Identifier: Apache-2.0
"""Random spans and log records that touch each other: shared traces, sessions, calls, tools, pairs of events."""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from otel_sqlite_exporter.model.rows import EncodedSpan

Record = ReadableSpan | ReadableLogRecord

_START = 1_795_000_000_000_000_000
_RESOURCES = [Resource({"service.name": "one"}), Resource({"service.name": "two", "session.id": "of the resource"})]
_SCOPES = [InstrumentationScope("framework"), InstrumentationScope("client", "2")]
_SESSIONS = ("session.id", "gen_ai.conversation.id", "langfuse.session.id", "thread_id")
_MODELS = ("gpt-4o-mini", "claude-3-5-sonnet-20241022", "gemini-2.0-flash")
_EVENTS = (
    *("step.start", "step.finish", "retrieval.start", "retrieval.result", "retrieval.error", "exception", "note"),
    *("tool.execution", "tool.result", "llm.call.start", "llm.call.finish"),
)
_LOGS = (None, "step.start", "step.finish", "llm.call.start", "llm.call.finish", "tool.execution", "tool.result")


class _Group(NamedTuple):
    """What the records of one call of `make_records` have in common: the end of the names of sessions, calls and tools,
    most often theirs alone, and a time."""

    suffix: str
    start_ns: int


def make_records(chance: random.Random, prefix: str, count: int, *, open_spans: bool = True) -> list[Record]:
    """`count` spans and some log records. Each has a name of its own, which begins with `prefix` (the body of a log
    record); versions of a span have the same. A span without an end is a version that was written while it ran."""
    records: list[Record] = []
    suffix = f" of {chance.getrandbits(60)}" if chance.random() < 0.9 else ""
    group = _Group(suffix, _START + chance.randrange(10**5) * 10**9)
    traces = [chance.getrandbits(120) + 9, chance.getrandbits(120) + 9]
    places: list[SpanContext] = []
    is_twin = False
    for number in range(count):
        is_twin = bool(places) and not is_twin and chance.random() < 0.1  # a call's two sides share ids, as Zipkin's do
        context = places[-1] if is_twin else _context(_draw_trace(chance, traces), chance.getrandbits(62) + 1)
        fields = _span_fields(chance, f"{prefix}/{number}", places, group)
        fields |= {"context": context, "kind": SpanKind.SERVER if is_twin else SpanKind.CLIENT}
        places.append(context)
        if open_spans and chance.random() < 0.2:
            some = dict(list(fields["attributes"].items())[: chance.randrange(3)])
            begun = fields | {"attributes": some, "events": fields["events"][:1], "status": Status(), "end_time": None}
            records.append(ReadableSpan(**begun))
        records.append(ReadableSpan(**fields))
        if chance.random() < 0.3:
            records.append(_make_log(chance, f"{prefix}/log{number}", context, group))
    return records


def name_of(record: Record | EncodedSpan) -> str:
    """The name by which a trial knows the record."""
    if isinstance(record, EncodedSpan):
        return record.row.name
    return record.name if isinstance(record, ReadableSpan) else str(record.log_record.body)


def _span_fields(chance: random.Random, name: str, places: list[SpanContext], group: _Group) -> dict[str, Any]:
    begin, end = sorted((_time(chance, group), _time(chance, group)))
    is_child = bool(places) and chance.random() < 0.7
    events = [
        Event(chance.choice(_EVENTS), _facts(chance, group), _time(chance, group)) for _ in range(chance.randrange(4))
    ]
    return {
        "name": name,
        "parent": chance.choice(places) if is_child else None,
        "resource": chance.choice(_RESOURCES),
        "instrumentation_scope": chance.choice(_SCOPES),
        "attributes": _work(chance, group) | _facts(chance, group),
        "events": events,
        "links": [Link(_context(9, 9))] if len(events) == 3 else [],
        "status": Status(StatusCode.ERROR, "it broke") if chance.random() < 0.15 else Status(),
        "start_time": begin,
        "end_time": end,
    }


def _work(chance: random.Random, group: _Group) -> dict[str, Any]:
    drawn = chance.random()
    if drawn < 0.4:
        texts = [{"role": "user", "parts": [{"type": "text", "content": "hi " * chance.randrange(1, 300)}]}]
        asked = {
            "type": "tool_call",
            "id": f"c{chance.randrange(6)}{group.suffix}",
            "name": "search",
            "arguments": {"x": 1},
        }
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": json.dumps(texts),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [asked]}]),
        }
    if drawn < 0.55:
        name = f"t{chance.randrange(2)}"
        call = f"c{chance.randrange(6)}{group.suffix}"
        return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": call}
    if drawn < 0.65:
        return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"a{chance.randrange(2)}"}
    return {}


def _facts(chance: random.Random, group: _Group) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if chance.random() < 0.3:
        facts[chance.choice(_SESSIONS)] = f"s{chance.randrange(4)}{group.suffix}"
    if chance.random() < 0.2:
        facts[chance.choice(["user.id", "enduser.id"])] = f"u{chance.randrange(3)}"
    if chance.random() < 0.4:
        facts |= {
            "gen_ai.request.model": chance.choice(_MODELS),
            "gen_ai.response.id": f"r{chance.randrange(8)}{group.suffix}",
        }
    if chance.random() < 0.4:
        tokens = chance.choice([(7, 3), (7, 5), (chance.randrange(1000), chance.randrange(100))])
        facts |= {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
    return facts


def _make_log(chance: random.Random, name: str, span: SpanContext, group: _Group) -> ReadableLogRecord:
    place = chance.choice([span, span, span, _context(span.trace_id, 0), _context(0, 0)])
    time = _time(chance, group)
    record = LogRecord(
        context=set_span_in_context(NonRecordingSpan(place)),
        event_name=chance.choice(_LOGS),
        timestamp=time,
        observed_timestamp=time,
        body=name,
        attributes=_facts(chance, group),
    )
    return ReadableLogRecord(record, chance.choice(_RESOURCES), chance.choice(_SCOPES))


def _draw_trace(chance: random.Random, own: list[int]) -> int:
    """Most often one of these, and now and then one that all writers share."""
    return chance.choice(own) if chance.random() < 0.95 else chance.randrange(1, 4)


def _time(chance: random.Random, group: _Group) -> int:
    """Coarse or fine, so that ties, overlaps and gaps beyond a window are all common."""
    return group.start_ns + chance.choice([chance.randrange(12) * 700_000_000, chance.randrange(10**10)])


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, False, TraceFlags(1))
