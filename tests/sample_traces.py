# SPDX-License-Identifier: Apache-2.0
"""A file that questions are asked of: two services, three sessions, calls, tools, errors, events and log records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.new_files import put_new_file

NOON_NS = 1_769_860_800 * 10**9
"""2026-01-31T12:00:00Z, when the first trace starts; each later one starts a minute after the one before it."""
MS, MINUTE = 10**6, 60 * 10**9
TRACES = 12
SERVICES = ("support", "orders")
MODELS = ("gpt-4.1", "claude-haiku-4-5", "o4-mini")
TOOLS = ("search", "read_file")


def write_traces(path: Path, traces: int = TRACES) -> Path:
    """Write `traces` traces of five spans each: a request, an agent, a call, a tool execution below it, a call."""
    put_new_file(path)
    exporter = SQLiteSpanExporter(path, cost="off")
    providers = [TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False) for name in SERVICES]
    for provider in providers:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    for number in range(traces):
        tracer = providers[number % len(providers)].get_tracer("asked", "1.0")
        _write_trace(tracer, number, NOON_NS + number * MINUTE)
    exporter.shutdown()
    return path


def _write_trace(tracer: Tracer, number: int, at: int) -> None:
    session = {"session.id": f"session-{number % 3}", "user.id": f"user-{number % 2}"}
    root = tracer.start_span("POST /chat", start_time=at, attributes=session | {"http.response.status_code": 200})
    agent = _start(tracer, root, "invoke_agent planner", at + MS, {"gen_ai.operation.name": "invoke_agent"})
    for place in range(2):
        began = at + (2 + 100 * place) * MS
        model = MODELS[(number + place) % 3]
        call = _start(tracer, agent, f"chat {model}", began, _call(model, number, place))
        call.add_event("llm.stream.start", {"chunk": 1}, began + 10 * MS)
        call.add_event("llm.stream.finish", {"chunks": number}, began + 30 * MS)
        if place == 0:
            _write_tool(tracer, call, number, began + 40 * MS)
        if number % 4 == 3 and place == 1:
            call.set_attribute("error.type", "RateLimitError")
            call.set_status(Status(StatusCode.ERROR, "too many requests"))
        call.end(began + (50 + 10 * number) * MS)
    agent.end(at + 400 * MS)
    root.end(at + 500 * MS)


def _start(tracer: Tracer, parent: Span, name: str, at: int, attributes: dict[str, Any]) -> Span:
    return tracer.start_span(name, set_span_in_context(parent), start_time=at, attributes=attributes)


def _call(model: str, number: int, place: int) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic" if model.startswith("claude") else "openai",
        "gen_ai.request.model": model,
        "gen_ai.agent.name": "planner",
        "gen_ai.usage.input_tokens": 100 + number,
        "gen_ai.usage.output_tokens": 10 * place,
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"where is my order?"}]}]',
        "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"on its way"}]}]',
        "app.is_first": place == 0,
        'app."quoted".key': number,
    }


def _write_tool(tracer: Tracer, call: Span, number: int, at: int) -> None:
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": TOOLS[number % 2],
        "gen_ai.tool.call.id": f"call-{number}",
        "gen_ai.tool.call.arguments": '{"order":7}',
    }
    tool = _start(tracer, call, f"execute_tool {TOOLS[number % 2]}", at, attributes)
    if number == 5:
        tool.set_attribute("error.type", "TimeoutError")
        tool.set_status(Status(StatusCode.ERROR))
    tool.end(at + 5 * MS)
