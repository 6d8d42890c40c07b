# SPDX-License-Identifier: Apache-2.0
"""Spans as the SDK holds them, made of what captures hold and of any values, for the two encoders to agree on."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from otel_sqlite_exporter.model.signals import SpanFields
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from tests import strategies
from tests.conftest import ROOT
from tests.otlp_captures import capture_files
from tests.scenarios.capture_file import decode_span, read_capture

RESOURCES = [Resource({"service.name": "shop"}), Resource({"session.id": "s-1", "odd": "\ud800"})]
SCOPES = [None, InstrumentationScope("tests", "1"), InstrumentationScope("opentelemetry.instrumentation.langchain")]
KEYS = st.sampled_from(
    (
        *("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.response.model", "gen_ai.provider.name"),
        *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.total_tokens"),
        *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.cost"),
        *("gen_ai.response.finish_reasons", "gen_ai.response.id", "gen_ai.agent.name", "gen_ai.tool.name"),
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.conversation.id"),
        *("session.id", "thread.id", "user.id", "metadata", "error.type", "event.name", "exception.type", "metadata"),
    )
)
TELLING = st.one_of(
    st.sampled_from(["chat", "embeddings", "invoke_agent", "execute_tool", "invoke_workflow", "unknown", "", "é"]),
    st.sampled_from(["stop", "[redacted]", " ", "null", "17", '["stop", "tool_calls"]', '{"user_id": "u"}', "a\0b"]),
    st.sampled_from([("stop",), ["length"], ("a", "b"), (1, 2), (1.5, 1e16), (float("nan"),), ((1,),), ()]),
    st.integers(-1, 5000),
    st.integers(2**63 - 3, 2**63 + 3),
    strategies.floats,
    st.none(),
    st.booleans(),
)
PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "content": strategies.texts}),
    st.just({"type": "reasoning", "content": "why"}),
    st.builds(
        lambda id, args: {"type": "tool_call", "id": id, "name": "f", "arguments": args},
        st.sampled_from(["c1", "", 7]),
        st.sampled_from([{}, {"a": [1, {"b": None}]}, "{}", None]),
    ),
    st.builds(
        lambda id, said: {"type": "tool_call_response", "id": id, "response": said},
        st.sampled_from(["c1", None, ""]),
        st.sampled_from(["done", "", {"a": 1}, None]),
    ),
    st.sampled_from([{"type": "blob"}, {"content": "no type"}, {"type": "text", "content": "x", "more": 1}, 5]),
)
MESSAGES = st.lists(
    st.builds(
        lambda role, parts, more: {"role": role, "parts": parts, **more},
        st.sampled_from(["user", "assistant", "assistant", "tool", "system", "developer", "model"]),
        st.lists(PARTS, max_size=3),
        st.sampled_from([{}, {}, {"finish_reason": "stop"}, {"finish_reason": "odd"}, {"name": "x"}]),
    ),
    max_size=4,
)
JSON_TEXTS = st.builds(
    lambda value, is_ascii, space: json.dumps(value, ensure_ascii=is_ascii, indent=space),
    st.one_of(MESSAGES, st.lists(PARTS, max_size=3)),
    st.booleans(),
    st.sampled_from([None, 1]),
)
VALUES = st.one_of(TELLING, JSON_TEXTS, strategies.values)
ATTRIBUTES = st.dictionaries(st.one_of(KEYS, strategies.keys), VALUES, max_size=8)
NAMES = st.one_of(
    st.sampled_from(["chat gpt", "llm.call.start", "llm.call.finish", "llm.call.end", "tool.execution", "tool.result"]),
    st.sampled_from(["exception", "gen_ai.choice", "gen_ai.user.message", "event src/main.rs:12", "", "première"]),
    st.sampled_from(["gen_ai.client.inference.operation.details", "gen_ai.content.prompt"]),
    strategies.names,
)
TIMES = st.one_of(st.integers(1, 9), strategies.times, st.sampled_from([None, -1, 2**63, True, "now", 1.5]))


def _bound(attributes: dict[Any, Any]) -> Any:
    """Attributes as a provider holds them, with values that it would refuse too."""
    bound = BoundedAttributes(None, {})
    bound._dict.update(attributes)
    bound.dropped = 3
    return bound


HELD = st.one_of(ATTRIBUTES, ATTRIBUTES.map(_bound), st.none())


def _make_event(name: Any, attributes: Any, time: Any) -> Event:
    event = Event(name, attributes, 5)
    event._timestamp = time
    return event


FLAGS = st.sampled_from([TraceFlags(1), TraceFlags(0), 7, True, 300, -1, "x"])
STATES = st.sampled_from([None, TraceState(), TraceState([("a", "b")])])
IDS = st.one_of(
    st.integers(1, 2**64 - 1), st.integers(1, 2**128 - 1), st.sampled_from([0, -1, 2**64, 2**128, "7", True])
)


def _make_context(trace_id: Any, span_id: Any, is_remote: Any, flags: Any, state: Any) -> SpanContext:
    return tuple.__new__(SpanContext, (trace_id, span_id, is_remote, flags, state, True))


CONTEXTS = st.builds(_make_context, IDS, IDS, st.booleans(), FLAGS, STATES)
SOUND_CONTEXTS = st.builds(_make_context, st.just(2**127 + 5), st.integers(1, 2**64 - 1), st.booleans(), FLAGS, STATES)


@st.composite
def spans(draw: st.DrawFn) -> ReadableSpan:
    """Any span. Most of its fields are sound, so that it is encoded and not refused."""
    events = draw(st.lists(st.builds(_make_event, NAMES, HELD, TIMES), max_size=4))
    links = draw(st.lists(st.builds(Link, CONTEXTS, HELD), max_size=2)) if draw(st.booleans()) else []
    fields: dict[str, Any] = {
        "name": draw(NAMES),
        "context": draw(st.one_of(SOUND_CONTEXTS, SOUND_CONTEXTS, SOUND_CONTEXTS, CONTEXTS, st.none())),
        "parent": draw(st.one_of(st.none(), SOUND_CONTEXTS, CONTEXTS)),
        "resource": draw(st.sampled_from(RESOURCES)),
        "attributes": draw(HELD),
        "events": draw(st.sampled_from([events, tuple(events)])),
        "links": links,
        "kind": draw(st.sampled_from([*SpanKind, 7, None])),
        "status": draw(st.sampled_from([Status(), Status(StatusCode.ERROR, "é"), Status(StatusCode.ERROR, "no"), 5])),
        "instrumentation_scope": draw(st.sampled_from(SCOPES)),
        "start_time": draw(TIMES),
        "end_time": draw(TIMES),
    }
    return ReadableSpan(**fields)


def read_captured_spans() -> Iterator[ReadableSpan]:
    """All spans that packages exported, as captures hold them."""
    for path in sorted((ROOT / "tests/captures").glob("*.json")):
        for scenario in read_capture(path)["scenarios"].values():
            yield from map(decode_span, scenario.get("spans", ()))
    for name in capture_files.list_captures():
        for line in capture_files.read_capture(name).lines:
            for record in decode_message(json.loads(line), Alterations()):
                if isinstance(record, SpanFields):
                    yield as_span(record)


def as_span(fields: SpanFields) -> ReadableSpan:
    """A span that was read from a file, as the SDK's own object."""
    return ReadableSpan(
        name=fields.name,
        context=fields.context,  # type: ignore[arg-type]
        parent=fields.parent,  # type: ignore[arg-type]
        resource=fields.resource,  # type: ignore[arg-type]
        attributes=_bound(fields.attributes),
        events=[_make_event(event.name, event.attributes, event.timestamp) for event in fields.events],
        links=fields.links,  # type: ignore[arg-type]
        kind=fields.kind,  # type: ignore[arg-type]
        status=Status(StatusCode(fields.status.status_code.value if fields.status.status_code else 0)),
        start_time=fields.start_time,  # type: ignore[arg-type]
        end_time=fields.end_time,  # type: ignore[arg-type]
        instrumentation_scope=fields.instrumentation_scope,  # type: ignore[arg-type]
    )


def show_types(value: Any) -> Any:
    """A value with the types of all that it holds, in a form in which NaN equals itself."""
    if isinstance(value, (tuple, list)):
        return type(value), [show_types(item) for item in value]
    return type(value), repr(value)


def find_tracked(value: Any) -> list[Any]:
    """What the garbage collector walks of a value and of all that it holds, but for the rows that spans share."""
    found = [value] if gc.is_tracked(value) else []
    return found + [one for item in value if isinstance(item, (tuple, list)) for one in find_tracked(item)]
