# SPDX-License-Identifier: Apache-2.0
"""A month of spans of services with an agent, for questions. Of the ten spans of a trace, two are model calls, one is
an agent, one is a tool, and six are requests and statements.

Models, services, users, tools, durations, failures and days vary, so that reports differ. A trace without errors has
13 kB. Loading a million spans takes about two minutes.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from benchmarks.spans import BATCH, TRACES_A_SESSION, Content
from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter

SPANS_A_TRACE, CALLS_A_TRACE = 10, 2
_DAYS, _NS_A_DAY, _NS_A_MS = 30, 86_400_000_000_000, 1_000_000
_FIRST = 1_760_000_000_000_000_000
_USERS = 500
_MODELS = (
    ("openai", "gpt-4.1"),
    ("openai", "gpt-4.1-mini"),
    ("openai", "o4-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("gcp.gemini", "gemini-2.5-flash"),
)
_TOOLS = ("search", "read_file", "write_file", "fetch_page", "run_tests", "send_mail", "query_orders", "calendar")
_SERVICES = ("support", "research", "orders")
_ERRORS = ("RateLimitError", "APITimeoutError", "BadRequestError")
_SCOPE = InstrumentationScope("benchmarks", "1.0")


class _Step(NamedTuple):
    """One span of a trace: its position, that of its parent, its start and its end (ms from the start of the trace)."""

    place: int
    parent: int | None
    name: str
    kind: SpanKind
    start_ms: float
    end_ms: float
    attributes: dict[str, Any]
    error: str | None = None


def service_spans(traces: int, *, seed: int = 17, days: int = _DAYS) -> Iterator[ReadableSpan]:
    """Yield the finished spans of `traces` traces over some days; they are the same in every run."""
    random_ = random.Random(seed)
    content = Content()
    resources = [Resource.create({"service.name": name, "service.version": "1.0"}) for name in _SERVICES]
    for trace in range(traces):
        began = _FIRST + trace * days * _NS_A_DAY // traces
        resource = random_.choice(resources)
        trace_id = random_.getrandbits(128) | 1
        ids = [random_.getrandbits(64) | 1 for _ in range(SPANS_A_TRACE)]
        for step in reversed(_steps(random_, content, content.session(trace), trace // TRACES_A_SESSION)):
            end = began + int(step.end_ms * _NS_A_MS)
            events = []
            if step.error is not None:
                events.append(Event("exception", {"exception.type": step.error, "exception.message": "no"}, end - 1))
            yield ReadableSpan(
                step.name,
                SpanContext(trace_id, ids[step.place], False, TraceFlags(1)),
                None if step.parent is None else SpanContext(trace_id, ids[step.parent], False, TraceFlags(1)),
                resource,
                step.attributes | ({} if step.error is None else {"error.type": step.error}),
                events,
                kind=step.kind,
                status=Status(StatusCode.UNSET) if step.error is None else Status(StatusCode.ERROR, step.error),
                start_time=began + int(step.start_ms * _NS_A_MS),
                end_time=end,
                instrumentation_scope=_SCOPE,
            )


def _steps(random_: random.Random, content: Content, session: str, user: int) -> list[_Step]:
    steps = []
    at = 2.0
    for place in range(2, SPANS_A_TRACE):
        if place in (3, 7):
            step = _call(random_, content, session, place, at)
        elif place == 5:
            step = _tool(random_, place, at)
        else:
            step = _request(random_, place, at)
        steps.append(step)
        at = step.end_ms + random_.uniform(0.05, 2)
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "researcher",
        "gen_ai.conversation.id": session,
    }
    root = {"http.request.method": "POST", "http.route": "/chat", "user.id": f"user-{user % _USERS:04}"}
    return [
        _Step(0, None, "POST /chat", SpanKind.SERVER, 0, at + 1, root | {"http.response.status_code": 200}),
        _Step(1, 0, "invoke_agent researcher", SpanKind.INTERNAL, 1, at, agent),
        *steps,
    ]


def _call(random_: random.Random, content: Content, session: str, place: int, at: float) -> _Step:
    provider, model = random_.choices(_MODELS, (6, 9, 2, 5, 4, 3))[0]
    attributes = content.attributes("chat", session) | {
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.agent.name": "researcher",
    }
    error = random_.choice(_ERRORS) if random_.random() < 0.02 else None
    took = random_.lognormvariate(6.8, 0.7)
    return _Step(place, 1, f"chat {model}", SpanKind.CLIENT, at, at + took, attributes, error)


def _tool(random_: random.Random, place: int, at: float) -> _Step:
    tool = random_.choices(_TOOLS, (9, 8, 5, 5, 3, 1, 4, 2))[0]
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.tool.call.id": f"call_{random_.getrandbits(96):024x}",
        "gen_ai.tool.call.arguments": json.dumps({"query": f"order {random_.getrandbits(32)}", "limit": 10}),
        "gen_ai.tool.call.result": json.dumps({"found": random_.randrange(10), "note": "x" * 200}),
    }
    error = "ToolError" if random_.random() < 0.05 else None
    return _Step(
        place, 1, f"execute_tool {tool}", SpanKind.INTERNAL, at, at + random_.lognormvariate(4, 1), attributes, error
    )


def _request(random_: random.Random, place: int, at: float) -> _Step:
    took = random_.lognormvariate(1.2, 1)
    if place % 2:
        attributes = {
            "db.system.name": "postgresql",
            "db.operation.name": "SELECT",
            "db.query.text": "SELECT * FROM orders WHERE id = $1",
        }
        return _Step(place, 1, "SELECT orders", SpanKind.CLIENT, at, at + took, attributes)
    attributes = {
        "http.request.method": "GET",
        "url.full": f"https://orders.example/v1/orders/{random_.getrandbits(32)}",
    }
    return _Step(place, 1, "GET", SpanKind.CLIENT, at, at + took, attributes | {"http.response.status_code": 200})


def load_services(path: Path, spans: int, *, days: int = _DAYS) -> None:
    """Write about `spans` spans of some days to a new file at `path`, in batches, through the exporter."""
    exporter = SQLiteSpanExporter(path)
    source = service_spans(max(spans // SPANS_A_TRACE, 1), days=days)
    while batch := list(islice(source, BATCH)):
        if exporter.export(batch) is not SpanExportResult.SUCCESS:
            raise RuntimeError(f"{path} could not be written")
    exporter.shutdown()


if __name__ == "__main__":
    load_services(Path(sys.argv[1]), int(sys.argv[2]))
