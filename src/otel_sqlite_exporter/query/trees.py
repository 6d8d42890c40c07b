# SPDX-License-Identifier: Apache-2.0
"""A trace as a tree: each span below its parent, with the model calls and tool executions that it recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_sqlite_exporter.query.summaries import (
    LLMInteractionSummary,
    SpanSummary,
    ToolInteractionSummary,
    TraceSummary,
)


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
        """Return the fields of the trace, and its roots as `tree`. Each span is a dict of its fields, its interactions
        and its `children`."""
        made: dict[int, dict[str, Any]] = {}
        for node in reversed(self.nodes):  # no recursion: a trace may be deeper than Python's stack
            made[id(node)] = node.span.to_dict() | {
                "llm_interactions": [call.to_dict() for call in node.llm_interactions],
                "tool_interactions": [tool.to_dict() for tool in node.tool_interactions],
                "children": [made.pop(id(child)) for child in node.children],
            }
        return self.trace.to_dict() | {"tree": [made[id(root)] for root in self.roots]}


def build_tree(
    trace: TraceSummary,
    spans: Sequence[SpanSummary],
    llm_interactions: Sequence[LLMInteractionSummary],
    tool_interactions: Sequence[ToolInteractionSummary],
) -> TraceTree:
    """Return the tree of a trace. `spans` must be ordered by their start."""
    below: dict[str | None, list[SpanSummary]] = {}
    for span in spans:
        below.setdefault(span.parent_span_id, []).append(span)
    present = {span.span_id for span in spans}
    placed: list[tuple[SpanSummary, int]] = []
    seen: set[str] = set()
    # Spans without a parent in the file come first. A span that they do not reach is in a cycle, or below one: the
    # earliest span of the cycle becomes its root.
    for root in sorted(spans, key=lambda span: span.parent_span_id in present):
        waiting = [(root, 0)]
        while waiting:
            span, depth = waiting.pop()
            if span.span_id not in seen:
                seen.add(span.span_id)
                placed.append((span, depth))
                waiting += [(child, depth + 1) for child in reversed(below.get(span.span_id, ()))]
    llm: dict[str | None, list[LLMInteractionSummary]] = {}
    for call in llm_interactions:
        llm.setdefault(call.span_id, []).append(call)
    tools: dict[str | None, list[ToolInteractionSummary]] = {}
    for tool in tool_interactions:
        tools.setdefault(tool.span_id, []).append(tool)
    return _link(trace, placed, llm, tools)


def _link(
    trace: TraceSummary,
    placed: Sequence[tuple[SpanSummary, int]],
    llm: dict[str | None, list[LLMInteractionSummary]],
    tools: dict[str | None, list[ToolInteractionSummary]],
) -> TraceTree:
    nodes: list[SpanNode] = []
    waiting: list[list[SpanNode]] = []  # by depth, from the last span to the first
    for span, depth in reversed(placed):
        waiting += [[] for _ in range(depth + 2 - len(waiting))]
        children, waiting[depth + 1] = waiting[depth + 1], []
        node = SpanNode(
            span,
            depth,
            tuple(llm.get(span.span_id, ())),
            tuple(tools.get(span.span_id, ())),
            tuple(reversed(children)),
        )
        waiting[depth].append(node)
        nodes.append(node)
    roots = tuple(reversed(waiting[0])) if waiting else ()
    return TraceTree(trace, roots, tuple(reversed(nodes)))
