# SPDX-License-Identifier: Apache-2.0
"""A trace as a tree: each span below its parent, with the model calls and tool executions that it recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.askable_views import (
    LLM_INTERACTIONS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.conversations.span_conversations import read_agents, read_conversations
from otel_sqlite_exporter.query.notebooks.notebook_traces import SpanLine, show_trace
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.reading import get_by_prefix, iterate_rows
from otel_sqlite_exporter.query.sql_builder import ERROR_TYPE_ALONE
from otel_sqlite_exporter.query.summaries import (
    LLMInteractionSummary,
    SpanSummary,
    ToolInteractionSummary,
    TraceSummary,
)
from otel_sqlite_exporter.show.units import format_cost, format_ms, format_tokens

_T = TypeVar("_T")
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, eq=False)
class SpanNode:
    """A span and the spans below it.

    Attributes:
        depth: The number of spans above it; 0 for a root.
        llm_interactions, tool_interactions: The model calls and tool executions that the span or its events recorded.
        children: The spans directly below it, ordered by their start.
    """

    span: SpanSummary
    depth: int
    llm_interactions: tuple[LLMInteractionSummary, ...]
    tool_interactions: tuple[ToolInteractionSummary, ...]
    children: tuple[SpanNode, ...] = field(repr=False)

    @property
    def total_tokens(self) -> int | None:
        """The tokens of its calls that count, without those of the spans below it; None: there are none."""
        tokens = sum(call.total_tokens or 0 for call in self.llm_interactions if call.counted)
        return min(tokens, LARGEST) or None  # as the views have it


@dataclass(frozen=True, slots=True, eq=False)
class TraceTree:
    """A trace with all its spans.

    Attributes:
        roots: The spans whose parent is not in the file. In a cycle of parents, the earliest span is a root.
        nodes: All spans, each before the spans below it.
    """

    trace: TraceSummary
    roots: tuple[SpanNode, ...] = field(repr=False)
    nodes: tuple[SpanNode, ...] = field(repr=False)

    def __iter__(self) -> Iterator[SpanNode]:
        """Iterate over `nodes`."""
        return iter(self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the trace, and its spans as `tree`: a list, each before the spans below it. Each is a
        dict of its fields, its `depth` and its interactions. (Few readers of JSON accept spans inside spans as deep as
        a trace may be.)"""
        return self.trace.to_dict() | {"tree": [*map(describe_node, self.nodes)]}

    def _repr_html_(self) -> str:
        trace = self.trace
        facts = {
            "session": trace.session_id,
            "user": trace.user_id,
            "service": trace.service_name,
            "from": trace.start_time,
            "duration": format_ms(trace.duration_ms),
            "status": trace.status,
            "tokens": format_tokens(trace.total_tokens),
            "cost (USD)": format_cost(trace.cost_usd, trace.unpriced_calls),
        }
        lines = (_make_line(node, trace.start_time_unix_nano) for node in self.nodes)
        return show_trace(trace.trace_id, facts, trace.duration_ms, lines, len(self.nodes))


def _make_line(node: SpanNode, start_unix_nano: int) -> SpanLine:
    span = node.span
    reason = None
    if span.status == "error":
        kind = span.attribute("error.type")
        reason = find_reason(span.status_description, None) if kind is None else str(kind)
    after_ms = (span.start_time_unix_nano - start_unix_nano) / 1e6
    return SpanLine(
        *(node.depth, span.name, span.service_name, after_ms, span.duration_ms, span.status, reason),
        node.total_tokens,
    )


def describe_node(node: SpanNode) -> dict[str, Any]:
    """Return the fields of a span, its `depth` and its interactions, ready to be written as JSON."""
    return node.span.to_dict() | {
        "depth": node.depth,
        "llm_interactions": [call.to_dict() for call in node.llm_interactions],
        "tool_interactions": [tool.to_dict() for tool in node.tool_interactions],
    }


CONTENT = frozenset(
    (
        *("attributes", "attribute_types", "combined_attributes", "resource_attributes", "resource_attribute_types"),
        *("scope_attributes", "scope_attribute_types", "prompt", "completion", "system_instructions", "arguments"),
        *("result", "request_parameters", "prompt_span_id", "conversation_id"),
    )
)
"""The columns that a tree without content leaves out: what was said, all attributes, and what is looked for in them."""

_EVENT_CONVERSATION = "iif(source = 'span', NULL, conversation_id) AS conversation_id"
_OWN_AGENTS = {
    view.name: f"iif(source = 'span', (SELECT a.agent_name FROM {table} AS a WHERE a.id = {view.name}.id), agent_name)"
    " AS agent_name"
    for view, table in ((LLM_INTERACTIONS, "_llm_interactions"), (TOOL_INTERACTIONS, "_tool_interactions"))
}


def read_tree(connection: sqlite3.Connection, prefix: str, *, content: bool = True) -> TraceTree:
    """Return the tree of the trace whose id begins with `prefix`; without `content`, the fields in `CONTENT` of its
    spans, calls and tools are not read, and None, but for the type of an error in the attributes of a failed span.

    Raises:
        NotFoundError: There is no such trace, or the prefix is not unique.
    """
    trace = get_by_prefix(connection, TRACES, "trace_id", prefix)
    without = frozenset() if content else CONTENT
    # The views would look for the conversation and the agent of each span and call on its own.
    agents = read_agents(connection, trace.trace_id)
    conversations = read_conversations(connection, trace.trace_id) if content else {}
    named = {*without, "conversation_id"}
    told = {*named, "agent_name"}
    own = (_EVENT_CONVERSATION,) if content else ()
    span_columns = [*_name_columns(SPANS, named), *(() if content else (ERROR_TYPE_ALONE,))]
    spans, calls, tools = (
        iterate_rows(connection, view, columns, trace_id=trace.trace_id)
        for view, columns in (
            (SPANS, span_columns),
            (LLM_INTERACTIONS, [*_name_columns(LLM_INTERACTIONS, told), _OWN_AGENTS[LLM_INTERACTIONS.name], *own]),
            (TOOL_INTERACTIONS, [*_name_columns(TOOL_INTERACTIONS, told), _OWN_AGENTS[TOOL_INTERACTIONS.name], *own]),
        )
    )
    return build_tree(
        trace,
        [SpanSummary.from_row(span | {"conversation_id": conversations.get(span["id"])}) for span in spans],
        [LLMInteractionSummary.from_row(_add_nearest(call, conversations, agents)) for call in calls],
        [ToolInteractionSummary.from_row(_add_nearest(tool, conversations, agents)) for tool in tools],
    )


def _add_nearest(row: dict[str, Any], conversations: Mapping[int, str], agents: Mapping[int, str]) -> dict[str, Any]:
    """Return the row of a call or tool with what its span, or one above, names, where the span itself is the record."""
    if row["source"] != "span":
        return row
    span = row["start_id"]
    return row | {
        "conversation_id": conversations.get(span),
        "agent_name": agents.get(span) if row["agent_name"] is None else row["agent_name"],
    }


def _name_columns(view: AskableView[Any], without: Set[str]) -> list[str]:
    return [name for name in field_types(view.row_type) if name not in without]


def build_tree(
    trace: TraceSummary,
    spans: Sequence[SpanSummary],
    llm_interactions: Sequence[LLMInteractionSummary],
    tool_interactions: Sequence[ToolInteractionSummary],
) -> TraceTree:
    """Return the tree of a trace. `spans` must be ordered by their start."""
    by_id = _group(spans, lambda span: span.span_id)
    calls = _group(llm_interactions, lambda call: _find_recorder(call, by_id))
    tools = _group(tool_interactions, lambda tool: _find_recorder(tool, by_id))
    nodes: list[SpanNode] = []
    children: dict[int | None, list[SpanNode]] = {}
    for span, depth, parent in reversed(_place(spans, by_id)):  # children before their parents
        id = span.id
        below = tuple(reversed(children.pop(id, [])))
        nodes.append(SpanNode(span, depth, tuple(calls.get(id, ())), tuple(tools.get(id, ())), below))
        children.setdefault(parent, []).append(nodes[-1])
    return TraceTree(trace, tuple(reversed(children.get(None, []))), tuple(reversed(nodes)))


_ById = dict[str, list[SpanSummary]]
"""Spans by their ids: two, where both sides of a call have the same."""
_RECEIVERS = ("SERVER", "CONSUMER")


def _place(spans: Sequence[SpanSummary], by_id: _ById) -> list[tuple[SpanSummary, int, int | None]]:
    """Return each span after its parent, with its depth and the key of its parent in the tree."""
    parents = {span.id: _find_parent(span, by_id) for span in spans}
    below = _group(spans, lambda span: parents[span.id])
    numbers = {span.id: number for number, span in enumerate(spans)}
    above = [None if (parent := parents[span.id]) is None else numbers[parent] for span in spans]
    placed: dict[int, tuple[SpanSummary, int, int | None]] = {}
    # Spans without a parent in the file come first. A span that they do not reach is in a cycle, or below one.
    for first in sorted(spans, key=lambda span: parents[span.id] is not None):
        root = first if first.id in placed else spans[_find_top(numbers[first.id], above)]
        waiting: list[tuple[SpanSummary, int, int | None]] = [(root, 0, None)]
        while waiting:
            span, depth, parent = waiting.pop()
            if span.id not in placed:
                placed[span.id] = (span, depth, parent)
                waiting += [(child, depth + 1, span.id) for child in reversed(below.get(span.id, []))]
    return list(placed.values())


def _find_top(number: int, above: Sequence[int | None]) -> int:
    """Return the span that is above all others of its tree: the one without a parent, or the earliest of the cycle. All
    are numbers in order of time."""
    passed: dict[int, None] = {}
    at: int | None = number
    while at is not None and at not in passed:
        passed[at] = None
        at = above[at]
    line = list(passed)
    return line[-1] if at is None else min(line[line.index(at) :])


def _find_parent(span: SpanSummary, by_id: _ById) -> int | None:
    """Return the key of the span above. A span that receives stands below the span that sends with the same id. Of two
    parents with the same id, the one of the same service counts, else the one that receives."""
    sharing = by_id[span.span_id]
    if len(sharing) > 1 and span.kind in _RECEIVERS:
        return next((one.id for one in sharing if one.kind not in _RECEIVERS), None)
    above = by_id.get(span.parent_span_id or "", ())
    ranked = sorted(above, key=lambda one: (one.service_name != span.service_name, one.kind not in _RECEIVERS))
    return ranked[0].id if ranked else None


def _find_recorder(record: LLMInteractionSummary | ToolInteractionSummary, by_id: _ById) -> int | None:
    """Return the key of the span that recorded a call or an execution of a tool. Of two spans with the same id, the one
    of the same service counts, else the one that sends."""
    spans = by_id.get(record.span_id or "", ())
    ranked = sorted(spans, key=lambda one: (one.service_name != record.service_name, one.kind in _RECEIVERS))
    return ranked[0].id if ranked else None


def _group(rows: Iterable[_T], key: Callable[[_T], _Key]) -> dict[_Key, list[_T]]:
    groups: dict[_Key, list[_T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
