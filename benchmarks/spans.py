# SPDX-License-Identifier: Apache-2.0
"""Spans of an agent: each has 12 `gen_ai.*` attributes of about 3 kB together, and two events.

The last span of a trace is the agent (`invoke_agent`), the others are its model calls (`chat`). Eight sessions run at a
time, each with twenty traces. All ids are random, and the text differs from span to span.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, set_span_in_context

BATCH = 512
TEXT_BYTES = 2_400
"""Characters of the messages in one span. With them, its attributes have 3 kB."""
TRACES_A_SESSION = 20
_SESSIONS_AT_A_TIME = 8
_WORDS = [
    "the",
    "agent",
    "read",
    "a",
    "file",
    "and",
    "found",
    "that",
    "cache",
    "misses",
    "grow",
    "with",
    "each",
    "retry",
    "while",
    "queue",
    "depth",
    "stays",
    "flat",
    "so",
]
_NAMES = {"chat": "chat gpt-4.1", "invoke_agent": "invoke_agent researcher", "step": "step"}
_KINDS = {"chat": SpanKind.CLIENT, "invoke_agent": SpanKind.INTERNAL, "step": SpanKind.INTERNAL}


class Content:
    """A source of attributes and events. It never repeats itself, and is the same in every run."""

    def __init__(self, text_bytes: int = TEXT_BYTES) -> None:
        self._random = random.Random(7)
        words = self._random.choices(_WORDS, k=40_000)
        words[::2_000] = ["naïve"] * 20  # one text in four is not ASCII
        self._pool = " ".join(words)
        self._output = text_bytes // 3
        self._input = text_bytes - self._output

    def attributes(self, operation: str, session: str) -> dict[str, Any]:
        if operation == "step":
            return {"app.input": self._message("user", self._input), "app.output": self._message("user", self._output)}
        return {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": "openai",
            "gen_ai.conversation.id": session,
            "gen_ai.request.model": "gpt-4.1",
            "gen_ai.response.model": "gpt-4.1-2025-04-14",
            "gen_ai.response.id": f"chatcmpl-{self._random.getrandbits(96):024x}",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.request.temperature": 0.2,
            "gen_ai.usage.input_tokens": self._random.randrange(100, 4_000),
            "gen_ai.usage.output_tokens": self._random.randrange(10, 900),
            "gen_ai.input.messages": self._message("user", self._input),
            "gen_ai.output.messages": self._message("assistant", self._output),
        }

    def events(self) -> tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]:
        number = self._random.randrange(1_000)
        return (
            ("llm.stream.start", {"gen_ai.request.choice.count": 1, "server.port": 443}),
            ("llm.stream.finish", {"chunks": number, "reason": "stop"}),
        )

    def session(self, trace: int) -> str:
        block, place = divmod(trace, _SESSIONS_AT_A_TIME * TRACES_A_SESSION)
        return f"session-{block * _SESSIONS_AT_A_TIME + place % _SESSIONS_AT_A_TIME:07d}"

    def text(self, length: int) -> str:
        first = self._random.randrange(len(self._pool) - length)
        return self._pool[first : first + length]

    def _message(self, role: str, length: int) -> str:
        message = {"role": role, "parts": [{"type": "text", "content": self.text(length)}]}
        return json.dumps([message], ensure_ascii=False)


def trace_spans(spans_a_trace: int = 10) -> Iterator[ReadableSpan]:
    """Yield finished spans of a real TracerProvider, children first. It never ends."""
    content = Content()
    finished: list[ReadableSpan] = []
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(_Collector(finished))
    tracer = provider.get_tracer("benchmarks", "1.0")
    trace = 0
    while True:
        session = content.session(trace)
        root = tracer.start_span(_NAMES["invoke_agent"], attributes=content.attributes("invoke_agent", session))
        context = set_span_in_context(root)
        for _ in range(spans_a_trace - 1):
            attributes = content.attributes("chat", session)
            span = tracer.start_span(_NAMES["chat"], context, SpanKind.CLIENT, attributes)
            for name, event_attributes in content.events():
                span.add_event(name, event_attributes)
            span.end()
        for name, event_attributes in content.events():
            root.add_event(name, event_attributes)
        root.end()
        yield from finished
        finished.clear()
        trace += 1


def build_spans(spans_a_trace: int, text_bytes: int, calls_a_trace: int | None = None) -> Iterator[ReadableSpan]:
    """Yield spans like those of `trace_spans`, built directly: a million of them in a minute. It never ends. With
    `calls_a_trace`, the other spans of a trace are no calls."""
    calls = spans_a_trace if calls_a_trace is None else calls_a_trace
    content = Content(text_bytes)
    ids = random.Random(11)
    resource, scope, status = _resource(), InstrumentationScope("benchmarks", "1.0"), Status(StatusCode.UNSET)
    now = 1_760_000_000_000_000_000
    trace = 0
    while True:
        trace_id, root_id = ids.getrandbits(128) | 1, ids.getrandbits(64) | 1
        root = SpanContext(trace_id, root_id, False, TraceFlags(1))
        session = content.session(trace)
        for number in reversed(range(spans_a_trace)):
            operation = "step" if number >= calls else "chat" if number else "invoke_agent"
            start = now + number * 2_000_000
            end = start + (1_500_000 if number else spans_a_trace * 2_000_000)
            yield ReadableSpan(
                _NAMES[operation],
                SpanContext(trace_id, ids.getrandbits(64) | 1, False, TraceFlags(1)) if number else root,
                root if number else None,
                resource,
                content.attributes(operation, session),
                [Event(name, attributes, end - 1_000) for name, attributes in content.events()],
                kind=_KINDS[operation],
                status=status,
                start_time=start,
                end_time=end,
                instrumentation_scope=scope,
            )
        now += spans_a_trace * 3_000_000
        trace += 1


def build_chain(first: int, end: int) -> list[ReadableSpan]:
    """Return the spans from `first` until before `end` of one trace in which each is below the one before; with 3 kB of
    attributes, and no calls."""
    began, text = 1_760_000_000_000_000_000, "x" * 3_000
    return [
        ReadableSpan(
            "step",
            SpanContext(7, number + 1, False, TraceFlags(1)),
            SpanContext(7, number, False, TraceFlags(1)) if number else None,
            _resource(),
            {"app.step": number, "app.text": text},
            start_time=began + number * 1_000,
            end_time=began + 10**12 - number,
        )
        for number in range(first, end)
    ]


def _resource() -> Resource:
    return Resource.create({"service.name": "benchmarks", "service.version": "1.0"})


class _Collector(SpanProcessor):
    def __init__(self, finished: list[ReadableSpan]) -> None:
        self._finished = finished

    def on_end(self, span: ReadableSpan) -> None:
        self._finished.append(span)
