# SPDX-License-Identifier: Apache-2.0
"""A trace as a tree: each span below its parent, with the model calls and tool executions that it recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from otel_sqlite_exporter.query.summaries import (
    LLMInteractionSummary,
    SpanSummary,
    ToolInteractionSummary,
    TraceSummary,
)

_T = TypeVar("_T")


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
        """Return the fields of the trace, and its spans as `tree`: a list, each before the spans below it. Each is a
        dict of its fields, its `depth` and its interactions. (Few readers of JSON accept spans inside spans as deep as
        a trace may be.)"""
        tree = [
            node.span.to_dict()
            | {
                "depth": node.depth,
                "llm_interactions": [call.to_dict() for call in node.llm_interactions],
                "tool_interactions": [tool.to_dict() for tool in node.tool_interactions],
            }
            for node in self.nodes
        ]
        return self.trace.to_dict() | {"tree": tree}


def build_tree(
    trace: TraceSummary,
    spans: Sequence[SpanSummary],
    llm_interactions: Sequence[LLMInteractionSummary],
    tool_interactions: Sequence[ToolInteractionSummary],
) -> TraceTree:
    """Return the tree of a trace. `spans` must be ordered by their start."""
    calls = _group(llm_interactions, lambda call: call.span_id)
    tools = _group(tool_interactions, lambda tool: tool.span_id)
    nodes: list[SpanNode] = []
    children: dict[str | None, list[SpanNode]] = {}
    for span, depth, parent in reversed(_place(spans)):  # children before their parents
        id = span.span_id
        below = tuple(reversed(children.pop(id, [])))
        nodes.append(SpanNode(span, depth, tuple(calls.get(id, ())), tuple(tools.get(id, ())), below))
        children.setdefault(parent, []).append(nodes[-1])
    return TraceTree(trace, tuple(reversed(children.get(None, []))), tuple(reversed(nodes)))


def _place(spans: Sequence[SpanSummary]) -> list[tuple[SpanSummary, int, str | None]]:
    """Return each span after its parent, with its depth and the id of its parent in the tree."""
    below = _group(spans, lambda span: span.parent_span_id)
    present = {span.span_id for span in spans}
    placed: dict[str, tuple[SpanSummary, int, str | None]] = {}
    # Spans without a parent in the file come first. A span that they do not reach is in a cycle, or below one: the
    # earliest span of the cycle becomes its root.
    for root in sorted(spans, key=lambda span: span.parent_span_id in present):
        waiting: list[tuple[SpanSummary, int, str | None]] = [(root, 0, None)]
        while waiting:
            span, depth, parent = waiting.pop()
            if span.span_id not in placed:
                placed[span.span_id] = (span, depth, parent)
                waiting += [(child, depth + 1, span.span_id) for child in reversed(below.get(span.span_id, []))]
    return list(placed.values())


def _group(rows: Iterable[_T], key: Callable[[_T], str | None]) -> dict[str | None, list[_T]]:
    groups: dict[str | None, list[_T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
