# SPDX-License-Identifier: Apache-2.0
"""The steps of a session or a trace without what was said: its traces, model calls and tool executions in order of
time; and, where asked for, a digest of what each said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from statistics import median_low
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, SPANS, TOOL_INTERACTIONS, TRACES, AskableView
from otel_sqlite_exporter.query.comparisons.call_requests import CallRequest, read_request
from otel_sqlite_exporter.query.conversations.conversation_reader import read_texts
from otel_sqlite_exporter.query.conversations.folding import key_messages, write_part
from otel_sqlite_exporter.query.reading import fetch, iterate_rows
from otel_sqlite_exporter.query.sql_builder import build_newest, build_page

_UNENDED = ("running", "interrupted")
_ORDER = {"trace": 0, "span": 1, "agent": 2, "llm": 3, "tool": 4}
_COMMON = ("id", "trace_id", "start_time_unix_nano", "end_time_unix_nano", "duration_ms", "status", "name")
_OF_BOTH = (*_COMMON, "span_id", "agent_name", "error_type", "error_message")
_OF_CALL = (*_OF_BOTH, "operation", "model", "is_aggregate", "input_tokens", "output_tokens", "cost_usd", "is_unpriced")
_OF_TOOL = (*_OF_BOTH, "tool_name", "waiting_ms")
_OF_TRACE = (*_COMMON, "root_span_id AS span_id")
SAID = {"llm": ("prompt", "completion"), "tool": ("arguments", "result")}
"""The columns of a step that hold what was said."""
_SENT = ("system_instructions", "request_parameters", "combined_attributes")
_NO_REQUEST = CallRequest()


class StepSkeleton(NamedTuple):
    """One step.

    Attributes:
        kind: `trace`, `span`, `agent` (a call that tells of a whole run of an agent), `llm` or `tool`.
        id: The id of its row: with the kind, `llm:ID` or `tool:ID`. That of an agent is one of a call.
        what: The name of the trace, the span, the agent or the tool, or the operation of the call.
        duration_ms: None: no record says. That of a tool is without `waiting_ms`, for which it waited before.
        said: A digest by column of `SAID`; empty unless asked for.
        is_unpriced: 1: its cost is not known, or only a part.
        request: What a call was sent beside its messages; empty unless asked for.
    """

    kind: str
    id: int
    what: str | None
    model: str | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    duration_ms: float | None
    waiting_ms: float | None
    status: str | None
    trace_id: str | None
    span_id: str | None
    agent_name: str | None
    error: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    said: Mapping[str, str | None]
    is_unpriced: int = 0
    request: CallRequest = _NO_REQUEST

    @property
    def tokens(self) -> int | None:
        """Its tokens, input and output; None: it reports none."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


def find_call_median(steps: Iterable[tuple[str, float | None, str | None]]) -> float | None:
    """Return the median duration of calls that ended, the lower of two, as the report `durations` does. `steps` are
    kinds, durations and statuses."""
    durations = [
        duration
        for kind, duration, status in steps
        if kind == "llm" and duration is not None and status not in _UNENDED
    ]
    return median_low(durations) if durations else None


def read_steps(
    connection: sqlite3.Connection,
    *,
    session_id: str | None = None,
    trace_id: str | None = None,
    content: bool = False,
) -> list[StepSkeleton]:
    """Return the steps of a session, or of a trace: counted calls and tools, and the traces of the session. Of a trace
    without any, its spans. With `content`, each step has digests of what was said, and a call what it was sent beside
    that."""
    place = {"session_id": session_id} if trace_id is None else {"trace_id": trace_id}
    filters = {**place, "counted": True}
    calls = (*_OF_CALL, *((*SAID["llm"], *_SENT) if content else ()))
    tools = (*_OF_TOOL, *(SAID["tool"] if content else ()))
    steps = [
        *(_make_call(row) for row in iterate_rows(connection, LLM_INTERACTIONS, calls, **filters)),
        *(_make_tool(row) for row in iterate_rows(connection, TOOL_INTERACTIONS, tools, **filters)),
    ]
    if trace_id is None:
        steps += [_make_trace(row) for row in iterate_rows(connection, TRACES, _OF_TRACE, **place)]
    elif not steps:
        of_span = (*_COMMON, "span_id", "status_description AS error_message")
        steps += [_make_step(row, "span", row["name"]) for row in iterate_rows(connection, SPANS, of_span, **place)]
    return sorted(steps, key=_order)


class StepWindow(NamedTuple):
    """Steps of a session, in order of time.

    Attributes:
        first: The number of steps before them.
        total: The number of all steps of the session.
        next_start_unix_nano: The start of the step after them; None: there is none.
    """

    steps: tuple[StepSkeleton, ...]
    first: int
    total: int
    next_start_unix_nano: int | None


def read_step_window(connection: sqlite3.Connection, session_id: str, *, first: int, limit: int) -> StepWindow:
    """Return up to `limit` steps of a session, after the `first` ones. Of the others, only the place is read."""
    if first == 0 and (steps := _read_few(connection, session_id, limit)) is not None:
        return StepWindow(tuple(steps), 0, len(steps), None)
    places = sorted(
        (row["start_time_unix_nano"], _ORDER[kind], row["id"], kind)
        for kind, source in _SOURCES.items()
        for row in iterate_rows(connection, source.view, _PLACE, session_id=session_id, **source.filters)
    )
    shown = places[first : first + limit]
    listed = [
        step
        for kind, source in _SOURCES.items()
        for step in _read_listed(connection, source, [id for *_, id, of_kind in shown if of_kind == kind])
    ]
    after = places[first + limit][0] if first + limit < len(places) else None
    return StepWindow(tuple(sorted(listed, key=_order)), first, len(places), after)


def _read_few(connection: sqlite3.Connection, session_id: str, most: int) -> list[StepSkeleton] | None:
    """Return all steps of a session; None: there are more than `most`."""
    steps: list[StepSkeleton] = []
    for source in _SOURCES.values():
        filters = {"session_id": session_id, **source.filters}
        select = build_page(source.view, filters, limit=most + 1, newest_first=False, columns=source.columns)
        steps += map(source.make, fetch(connection, select))
        if len(steps) > most:
            return None
    return sorted(steps, key=_order)


def read_traces(connection: sqlite3.Connection, trace_ids: Sequence[str]) -> list[StepSkeleton]:
    """Return the traces with these ids, as steps."""
    wanted = [*dict.fromkeys(trace_ids)]
    if not wanted:
        return []
    return [_make_trace(row) for row in iterate_rows(connection, TRACES, _OF_TRACE, trace_id=wanted)]


def _read_listed(connection: sqlite3.Connection, source: _Source, ids: Sequence[int]) -> list[StepSkeleton]:
    if not ids:
        return []
    among = orjson.dumps(ids).decode()
    select = build_newest(source.view, source.columns, {}, among=among, limit=len(ids))
    return [source.make(row) for row in fetch(connection, select)]


def _order(step: StepSkeleton) -> tuple[int, int, int]:
    return step.start_time_unix_nano, _ORDER[step.kind], step.id


def _make_trace(row: Mapping[str, Any]) -> StepSkeleton:
    return _make_step(row, "trace", row["name"])


def _make_call(row: Mapping[str, Any]) -> StepSkeleton:
    kind = "agent" if row["is_aggregate"] else "llm"
    what = (row["agent_name"] if row["is_aggregate"] else row["operation"]) or row["name"]
    said, request = {}, _NO_REQUEST
    if "prompt" in row:
        request = read_request(row["request_parameters"], row["combined_attributes"])
        texts = {"prompt": read_texts(row["system_instructions"], row["prompt"]), "completion": row["completion"]}
        said = {
            "prompt": _digest(key_messages(texts["prompt"])),
            "completion": _digest(key_messages(read_texts(None, texts["completion"]))),
        }
    return _make_step(row, kind, what, said)._replace(request=request)


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
        end_time_unix_nano=row["end_time_unix_nano"],
        duration_ms=row["duration_ms"],
        waiting_ms=row.get("waiting_ms"),
        status=row["status"],
        trace_id=row["trace_id"],
        span_id=row.get("span_id"),
        agent_name=row.get("agent_name"),
        error=row.get("error_message") or row.get("error_type"),
        input_tokens=row.get("input_tokens"),
        output_tokens=row.get("output_tokens"),
        cost_usd=row.get("cost_usd"),
        said=said,
        is_unpriced=row.get("is_unpriced") or 0,
    )


class _Source(NamedTuple):
    """Where the steps of one kind come from."""

    view: AskableView[Any]
    columns: Sequence[str]
    make: Callable[[Mapping[str, Any]], StepSkeleton]
    filters: Mapping[str, Any]


_PLACE = ("id", "start_time_unix_nano")
_SOURCES: Mapping[str, _Source] = {
    "trace": _Source(TRACES, _OF_TRACE, _make_trace, {}),
    "llm": _Source(LLM_INTERACTIONS, _OF_CALL, _make_call, {"counted": True}),
    "tool": _Source(TOOL_INTERACTIONS, _OF_TOOL, _make_tool, {"counted": True}),
}


def _digest(said: object) -> str | None:
    return sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest() if said else None
