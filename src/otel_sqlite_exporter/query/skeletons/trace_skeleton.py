# SPDX-License-Identifier: Apache-2.0
"""A trace as columns: what a waterfall shows of its spans, calls and tools, without attributes and content.

An array for each column takes a tenth of the bytes of an object for each span, and a fraction of the time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, TOOL_INTERACTIONS, TRACES, AskableView
from otel_sqlite_exporter.query.reading import get_by_prefix, iterate_rows
from otel_sqlite_exporter.query.skeletons.span_marks import MARKS, read_links, read_marks, read_services
from otel_sqlite_exporter.query.skeletons.span_places import (
    PlacedSpans,
    find_parents,
    find_recorder,
    group_ids,
    place_rows,
)
from otel_sqlite_exporter.query.skeletons.waiting_times import find_critical_times, find_self_times
from otel_sqlite_exporter.query.summaries import TraceSummary
from otel_sqlite_exporter.sql.texts import read_query

KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("ok", "error", "running", "interrupted")
ROLES = ("span", "call", "tool", "agent", "server", "client", "message")
"""What a span stands for: that of its model call or tool execution, or else that of its kind."""
_ROLES_OF_KINDS = (0, 4, 5, 6, 6)
_AGENT_NAME = "invoke_agent"
_CALL_COLUMNS = (
    *("id", "operation", "provider", "model", "status", "counted", "is_aggregate", "input_tokens", "output_tokens"),
    *("total_tokens", "cost_usd", "is_unpriced", "duration_ms"),
)
_TOOL_COLUMNS = ("id", "tool_name", "status", "counted", "duration_ms", "waiting_ms")
_REPEATING = ("operation", "provider", "model", "status", "tool_name")

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class TraceSkeleton:
    """A trace as columns of equal length. Columns of texts that repeat hold positions in `texts`.

    Attributes:
        texts: The different names, kinds, services and statuses of spans, and the models, operations, providers and
            tool names.
        spans: Each span before those below it: `id`, `span_id`, `parent` (the position of the span above; None: it is
            not in the file), `depth`, `name`, `kind`, `role`, `service`, `status`, `start_ns` (nanoseconds after the
            start of the earliest span), `duration_ns`, `self_ns` (in which no span below it ran) and `critical_ns` (in
            which the end of the trace waits for it; None: never, not even for a span below it).
        missing_parents: The spans whose parent is not in the file: `span` (positions) and `span_id` (of the parent).
        llm_interactions, tool_interactions: The model calls and tool executions: columns of their views, and `span`,
            the position of the span that recorded them; None: it is not in the file.
        marks: The events and log records of spans: `span`, `at_ns` and `kind`; `links`: `span` and `count`.
        is_whole: No mark was left out.
    """

    trace: TraceSummary
    start_time_unix_nano: int
    texts: Columns
    spans: Columns
    missing_parents: Columns
    llm_interactions: Columns
    tool_interactions: Columns
    marks: Columns
    links: Columns
    is_whole: bool

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.spans["id"])

    def to_dict(self) -> dict[str, Any]:
        """Return all fields. The result can be written as JSON."""
        names = ("texts", "spans", "missing_parents", "llm_interactions", "tool_interactions", "marks", "links")
        head = {"trace": self.trace.to_dict(), "start_time_unix_nano": self.start_time_unix_nano}
        return {**head, **{name: dict(getattr(self, name)) for name in names}}


def read_skeleton(connection: sqlite3.Connection, prefix: str) -> TraceSkeleton:
    """Return the skeleton of the trace whose id begins with `prefix`.

    Raises:
        NotFoundError: There is no such trace, or the prefix is not unique.
    """
    trace = get_by_prefix(connection, TRACES, "trace_id", prefix)
    rows = connection.execute(read_query("find_skeleton_spans"), {"trace_id": trace.trace_id}).fetchall()
    columns = zip(*rows, strict=True) if rows else [()] * 10  # a trace may have log records alone
    ids, span_ids, parent_ids, receives, names, kinds, resources, statuses, starts, durations = columns
    of_resources = read_services(connection, set(resources))
    placed = PlacedSpans(span_ids, parent_ids, receives, [of_resources[resource] for resource in resources])
    by_id = group_ids(placed)
    parents = find_parents(placed, by_id)
    order, depths = place_rows(parents)
    at = [0] * len(order)
    for position, number in enumerate(order):
        at[number] = position
        if depths[position] == 0:
            parents[number] = None  # also the earliest of a cycle
    orphans = [number for number in order if parents[number] is None and parent_ids[number]]
    named, name_texts = _number_texts(names[number] for number in order)
    of_service, service_texts = _number_texts(placed.services[number] for number in order)
    began = starts[0] if starts else trace.start_time_unix_nano

    def find(span_id: str | None, service: str) -> int | None:
        number = find_recorder(placed, by_id, span_id, service)
        return None if number is None else at[number]

    calls, call_texts = _read_records(connection, LLM_INTERACTIONS, _CALL_COLUMNS, trace.trace_id, find)
    tools, tool_texts = _read_records(connection, TOOL_INTERACTIONS, _TOOL_COLUMNS, trace.trace_id, find)
    positions = dict(zip(ids, at, strict=True))
    marks = read_marks(connection, trace.trace_id, began, positions, find)
    spans: dict[str, list[Any]] = {
        "id": [ids[number] for number in order],
        "span_id": [span_ids[number] for number in order],
        "parent": [None if (parent := parents[number]) is None else at[parent] for number in order],
        "depth": depths,
        "name": named,
        "kind": [kinds[number] for number in order],
        "service": of_service,
        "status": [statuses[number] for number in order],
        "start_ns": [starts[number] - began for number in order],
        "duration_ns": [durations[number] for number in order],
    }
    _add_times(spans, at)
    spans["role"] = _find_roles(spans, name_texts, calls, tools)
    return TraceSkeleton(
        trace,
        began,
        {
            **{"name": name_texts, "kind": KINDS, "role": ROLES, "service": service_texts, "status": STATUSES},
            "mark": MARKS,
            **{f"llm_{name}": texts for name, texts in call_texts.items()},
            **{f"tool_{name.removeprefix('tool_')}": texts for name, texts in tool_texts.items()},
        },
        spans,
        {"span": [at[number] for number in orphans], "span_id": [parent_ids[number] for number in orphans]},
        calls,
        tools,
        marks.columns,
        read_links(connection, trace.trace_id, positions),
        not marks.is_cut,
    )


def _add_times(spans: dict[str, list[Any]], at: Sequence[int]) -> None:
    """Add where the time went. `at` are the positions of the spans in order of their start."""
    parents, starts, durations = (spans[name] for name in ("parent", "start_ns", "duration_ns"))
    spans["self_ns"] = find_self_times(parents, starts, durations, at)
    spans["critical_ns"] = find_critical_times(parents, starts, durations)


def _find_roles(spans: Columns, names: Sequence[str], calls: Columns, tools: Columns) -> list[int]:
    """Return what each span stands for."""
    roles = [_ROLES_OF_KINDS[kind] for kind in spans["kind"]]
    agents = {number for number, name in enumerate(names) if name.startswith(_AGENT_NAME)}
    recorded = [*zip(calls["span"], calls["is_aggregate"], strict=True)]
    told: dict[str, list[int | None]] = {
        "agent": [at for at, name in enumerate(spans["name"]) if name in agents],
        "tool": [*tools["span"]],
        "call": [span for span, is_aggregate in recorded if not is_aggregate],
    }
    told["agent"] += [span for span, is_aggregate in recorded if is_aggregate]
    for role, positions in told.items():
        for at in positions:
            if at is not None:
                roles[at] = ROLES.index(role)
    return roles


def _read_records(
    connection: sqlite3.Connection,
    view: AskableView[Any],
    columns: Sequence[str],
    trace_id: str,
    find: Callable[[str | None, str], int | None],
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the columns of the calls or tools of a trace, and the texts of those that repeat."""
    rows = [*iterate_rows(connection, view, (*columns, "span_id", "service_name"), trace_id=trace_id)]
    found: dict[str, list[Any]] = {"span": [find(row["span_id"], row["service_name"]) for row in rows]}
    texts: dict[str, list[Any]] = {}
    for column in columns:
        values = [row[column] for row in rows]
        if column in _REPEATING:
            values, texts[column] = _number_texts(values)
        found[column] = values
    return found, texts


def _number_texts(values: Iterable[Any]) -> tuple[list[int], list[Any]]:
    """Return the position of each value among the different ones, and these in order of their first use."""
    known: dict[Any, int] = {}
    return [known.setdefault(value, len(known)) for value in values], list(known)
