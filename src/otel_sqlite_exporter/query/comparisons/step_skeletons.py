# SPDX-License-Identifier: Apache-2.0
"""The steps of a session or a trace without what was said: its traces, model calls and tool executions in order of
time; and, where asked for, a digest of what each said."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, SPANS, TOOL_INTERACTIONS, TRACES
from otel_sqlite_exporter.query.conversations.conversation_reader import read_texts
from otel_sqlite_exporter.query.conversations.folding import key_messages, write_part
from otel_sqlite_exporter.query.reading import iterate_rows

_ORDER = {"trace": 0, "span": 1, "agent": 2, "llm": 3, "tool": 4}
_COMMON = ("id", "trace_id", "start_time_unix_nano", "duration_ms", "status", "name")
_OF_BOTH = (*_COMMON, "span_id", "agent_name", "error_type", "error_message")
_OF_CALL = (*_OF_BOTH, "operation", "model", "is_aggregate", "input_tokens", "output_tokens", "cost_usd")
_OF_TOOL = (*_OF_BOTH, "tool_name")
SAID = {"llm": ("prompt", "completion"), "tool": ("arguments", "result")}
"""The columns of a step that hold what was said."""


class StepSkeleton(NamedTuple):
    """One step.

    Attributes:
        kind: `trace`, `span`, `agent` (a call that tells of a whole run of an agent), `llm` or `tool`.
        id: The id of its row: with the kind, `llm:ID` or `tool:ID`. That of an agent is one of a call.
        what: The name of the trace, the span, the agent or the tool, or the operation of the call.
        said: A digest by column of `SAID`; empty unless asked for.
    """

    kind: str
    id: int
    what: str | None
    model: str | None
    start_time_unix_nano: int
    duration_ms: float | None
    status: str | None
    trace_id: str | None
    span_id: str | None
    agent_name: str | None
    error: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    said: Mapping[str, str | None]


def read_steps(
    connection: sqlite3.Connection,
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    content: bool = False,
) -> list[StepSkeleton]:
    """Return the steps of a session, or of a trace: counted calls and tools, and the traces of the session. Of a trace
    without any, its spans. With `content`, each step has digests of what was said."""
    place = {"session_id": session_id} if trace_id is None else {"trace_id": trace_id}
    filters = {**place, "counted": True}
    calls = (*_OF_CALL, *((*SAID["llm"], "system_instructions") if content else ()))
    tools = (*_OF_TOOL, *(SAID["tool"] if content else ()))
    steps = [
        *(_make_call(row) for row in iterate_rows(connection, LLM_INTERACTIONS, calls, **filters)),
        *(_make_tool(row) for row in iterate_rows(connection, TOOL_INTERACTIONS, tools, **filters)),
    ]
    if trace_id is None:
        of_trace = (*_COMMON, "root_span_id AS span_id")
        steps += [_make_step(row, "trace", row["name"]) for row in iterate_rows(connection, TRACES, of_trace, **place)]
    elif not steps:
        of_span = (*_COMMON, "span_id", "status_description AS error_message")
        steps += [_make_step(row, "span", row["name"]) for row in iterate_rows(connection, SPANS, of_span, **place)]
    return sorted(steps, key=lambda step: (step.start_time_unix_nano, _ORDER[step.kind], step.id))


def _make_call(row: Mapping[str, Any]) -> StepSkeleton:
    kind = "agent" if row["is_aggregate"] else "llm"
    what = (row["agent_name"] if row["is_aggregate"] else row["operation"]) or row["name"]
    said = {}
    if "prompt" in row:
        texts = {"prompt": read_texts(row["system_instructions"], row["prompt"]), "completion": row["completion"]}
        said = {
            "prompt": _digest(key_messages(texts["prompt"])),
            "completion": _digest(key_messages(read_texts(None, texts["completion"]))),
        }
    return _make_step(row, kind, what, said)


def _make_tool(row: Mapping[str, Any]) -> StepSkeleton:
    said = {column: _digest(write_part(row[column])) for column in SAID["tool"] if column in row}
    return _make_step(row, "tool", row["tool_name"] or row["name"], said)


def _make_step(
    row: Mapping[str, Any], kind: str, what: str | None, said: Mapping[str, str | None] = {}
) -> StepSkeleton:
    return StepSkeleton(
        kind=kind,
        id=row["id"],
        what=what,
        model=row.get("model"),
        start_time_unix_nano=row["start_time_unix_nano"],
        duration_ms=row["duration_ms"],
        status=row["status"],
        trace_id=row["trace_id"],
        span_id=row.get("span_id"),
        agent_name=row.get("agent_name"),
        error=row.get("error_message") or row.get("error_type"),
        input_tokens=row.get("input_tokens"),
        output_tokens=row.get("output_tokens"),
        cost_usd=row.get("cost_usd"),
        said=said,
    )


def _digest(said: object) -> str | None:
    return sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest() if said else None
