# SPDX-License-Identifier: Apache-2.0
"""The tools: their names, what each is for, and their arguments. A client sends all of this to its model with each
conversation, so that every byte counts: a test bounds the sum. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.agent_tools.answers import LEAST_BYTES, MOST_BYTES

Schema = dict[str, Any]
RECORDS = ("sessions", "traces", "spans", "calls", "tools", "logs")
MOST_WAIT_S = 30


class ToolDeclaration(NamedTuple):
    """A tool: what it is for, its arguments as JSON schemas, and those that must be given."""

    name: str
    description: str
    arguments: Mapping[str, Schema]
    required: tuple[str, ...] = ()

    def make_schema(self) -> Schema:
        """Return the JSON schema of the arguments."""
        required = {"required": list(self.required)} if self.required else {}
        return {"type": "object", "properties": dict(self.arguments), **required, "additionalProperties": False}


def _text(description: str = "") -> Schema:
    return {"type": "string", **({"description": description} if description else {})}


def _choice(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _number(least: int, most: int, default: int | None = None, description: str = "") -> Schema:
    described = {"description": description} if description else {}
    given = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": least, "maximum": most, **given, **described}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


_SIZE = {"max_bytes": _number(LEAST_BYTES, MOST_BYTES)}
_CURSOR = {"cursor": _text("next_cursor of the answer before")}
_RANGE = {"since": _text("ISO 8601, or an age: 15m, 6h, 2d"), "until": _text()}
_ABOUT = {"session": _text(), "service": _text(), "agent": _text(), "model": _text()}
_FILTER = {
    "filter": _text(
        "Terms, all must hold: model:gpt-4o* status:error cost>0.05 duration>2s session:ID attr.KEY:VALUE -tool:Bash "
        '"text"'
    )
}

TOOLS: tuple[ToolDeclaration, ...] = (
    ToolDeclaration(
        "overview",
        "Call this first. What the file holds: time span, counts, services, agents, models, newest sessions, what runs "
        "or failed last.",
        _SIZE,
    ),
    ToolDeclaration(
        "find",
        "Lists sessions, traces, spans, model calls, tool executions, log records, scores or metrics that match a "
        "filter, newest first, metrics by name. Use it to get ids.",
        {
            "of": _choice(*RECORDS, "scores", "metrics"),
            **_FILTER,
            **_RANGE,
            "sort": _choice("start", "duration", "tokens", "cost"),
            "limit": _number(1, 200, 50),
            **_CURSOR,
            **_SIZE,
        },
        ("of",),
    ),
    ToolDeclaration(
        "get_session",
        "A session step by step: requests, model calls, tool executions in order, with times, tokens, cost, failures; "
        "no content.",
        {"id": _text("Session id or unique prefix"), **_CURSOR, **_SIZE},
        ("id",),
    ),
    ToolDeclaration(
        "get_trace",
        "The span tree of a trace, depth first, without attributes: repeats folded (x37), errors and the critical path "
        "marked, where the time went.",
        {
            "id": _text("Trace id or unique prefix"),
            "span": _text("Only from this span id down"),
            "depth": _number(0, 1_000, description="Levels to show"),
            "fold": {**_flag("false: show each repeat"), "default": True},
            **_CURSOR,
            **_SIZE,
        },
        ("id",),
    ),
    ToolDeclaration(
        "get_item",
        "Everything about one thing: all fields and attributes of a span, model call, tool execution, log record, "
        "trace, session or metric. Long fields come in windows: ask again with field and offset.",
        {
            "id": _text("llm:ID, tool:ID, log:ID, metric:NAME, a span, trace or session id, or TRACE/SPAN"),
            "field": _text("A field that was cut, as named there: prompt.0.parts.0.content"),
            "offset": _number(0, 2**53, 0, "Characters to skip"),
            **_SIZE,
        },
        ("id",),
    ),
    ToolDeclaration(
        "get_messages",
        "What was said to models and by them, and what tools returned. Each call shows only messages that are new "
        "since the call before it.",
        {
            "id": _text("A session, trace or span id, or llm:ID"),
            "around": _text("llm:ID or tool:ID: begin 2 turns before it"),
            **_CURSOR,
            **_SIZE,
        },
        ("id",),
    ),
    ToolDeclaration(
        "errors",
        "Failures grouped by cause, most frequent first: count, message, last time, an example to open. Start here to "
        "find why something fails.",
        {
            "group_by": _choice("cause", "type", "message", "name", "model", "tool", "service", "hour", "day"),
            **_RANGE,
            **{name: one for name, one in _ABOUT.items() if name != "agent"},
            **_SIZE,
        },
    ),
    ToolDeclaration(
        "usage",
        "Tokens, cost in USD, latency and errors of model calls, or of tools, by group; with metric, that metric over "
        "time.",
        {
            "group_by": {
                "type": "array",
                "items": _choice("model", "tool", "agent", "day", "session", "service", "user", "provider", "hour"),
                "maxItems": 2,
            },
            "metric": _text("Name of a metric, as find of=metrics lists it"),
            "keys": {"type": "array", "items": {"type": "string"}, "description": "Attribute keys of it to group by"},
            "aggregate": _text("rate, increase, avg, p95, ..."),
            "step": _text("30s, 5m, 1h"),
            **_RANGE,
            **_ABOUT,
            **_SIZE,
        },
    ),
    ToolDeclaration(
        "compare",
        "Two sessions or two traces: where they first diverge, and the differences in steps, tools, tokens, cost and "
        "time.",
        {"a": _text("Session or trace id"), "b": _text(), **_SIZE},
        ("a", "b"),
    ),
    ToolDeclaration(
        "describe_schema",
        "The SQL views as commented DDL, for query_sql. Without views: all of them in brief.",
        {"views": {"type": "array", "items": {"type": "string"}}, **_SIZE},
    ),
    ToolDeclaration(
        "query_sql",
        "Runs one SELECT of SQLite on the views, read-only. Use it for what no other tool answers.",
        {
            "sql": _text(),
            "parameters": {"type": "object", "description": "Values of :name"},
            "limit": _number(1, 5_000, 200),
            "timeout_s": _number(1, 30, 10),
            **_SIZE,
        },
        ("sql",),
    ),
    ToolDeclaration(
        "wait_for",
        "Waits until something that matches appears or ends, for example while a test runs. After the test, give "
        "since.",
        {
            "of": _choice(*RECORDS),
            **_FILTER,
            "event": {**_choice("ends", "appears"), "default": "ends"},
            "since": _text("Also what began after this time; default: now"),
            "timeout_s": _number(0, MOST_WAIT_S, 20),
            **_SIZE,
        },
        ("of",),
    ),
)
BY_NAME: Mapping[str, ToolDeclaration] = {tool.name: tool for tool in TOOLS}
