# SPDX-License-Identifier: Apache-2.0
"""Folds the spans of a trace that repeat: siblings that follow each other and look alike, with all that is below them.
Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Set
from itertools import groupby
from typing import NamedTuple, TypeVar

from otel_sqlite_exporter.query.trees import SpanNode, TraceTree

_T = TypeVar("_T")
_Shape = tuple[Hashable, ...]


class FoldedSpan(NamedTuple):
    """A span that stands for `spans` alike siblings, itself the first of those that matter most.

    Attributes:
        depth: Its level below the first root that is shown.
        total_ms, slowest: The sum of the durations, and the node of the longest.
        below: The number of spans below it that are not shown, as they are too deep.
    """

    node: SpanNode
    depth: int
    spans: int
    total_ms: float
    slowest: SpanNode
    below: int


def fold_tree(
    roots: Sequence[SpanNode],
    nodes: Iterable[SpanNode],
    *,
    preferred: Set[int] = frozenset(),
    deepest: int | None = None,
    is_folded: bool = True,
) -> Iterator[FoldedSpan]:
    """Yield the spans from `roots` downwards, each before those below it, with repeats folded. `nodes` are all spans of
    these trees, each before the spans below it.

    Spans are alike if their name, kind, status, error, models and tools are, and what is below them, but for how often
    it repeats. A group is shown as its first span with an id in `preferred`, or else as its first. Spans below the
    level `deepest` are counted only.
    """
    shapes = _find_shapes(nodes) if is_folded else {}
    sizes = _count_below(nodes) if deepest is not None else {}
    key: Callable[[SpanNode], Hashable] = (
        (lambda node: shapes[node.span.id]) if is_folded else (lambda node: node.span.id)
    )
    first = min((root.depth for root in roots), default=0)
    waiting = [[*reversed(group_repeats(roots, key))]]
    while waiting:
        if not waiting[-1]:
            waiting.pop()
            continue
        group = waiting[-1].pop()
        node = next((one for one in group if one.span.id in preferred), group[0])
        is_deepest = deepest is not None and node.depth - first >= deepest
        total = sum(one.span.duration_ms for one in group)
        slowest = max(group, key=lambda one: one.span.duration_ms)
        below = sum(sizes[one.span.id] for one in group) if is_deepest else 0
        yield FoldedSpan(node, node.depth - first, len(group), total, slowest, below)
        if not is_deepest and node.children:
            waiting.append([*reversed(group_repeats(node.children, key))])


def find_below(tree: TraceTree, span_id: str) -> list[SpanNode]:
    """Return the spans with an id, each followed by all below it; nothing if there is none."""
    found: list[SpanNode] = []
    levels: list[int] = []
    for node in tree.nodes:
        while levels and node.depth <= levels[-1]:
            levels.pop()
        if node.span.span_id == span_id and not levels:
            levels.append(node.depth)
        if levels:
            found.append(node)
    return found


def group_repeats(items: Iterable[_T], key: Callable[[_T], Hashable]) -> list[list[_T]]:
    """Return the items that follow each other and have the same key together, in order."""
    return [list(group) for _, group in groupby(items, key)]


def _find_shapes(nodes: Iterable[SpanNode]) -> dict[int, int]:
    """Return a number for each span, by its id; alike spans have the same."""
    numbers: dict[_Shape, int] = {}
    shapes: dict[int, int] = {}
    for node in reversed([*nodes]):
        span = node.span
        below = tuple(shape for shape, _ in groupby(shapes[child.span.id] for child in node.children))
        shape: _Shape = (
            *(span.name, span.kind, span.status, span.status_description, span.service_name),
            tuple(call.model for call in node.llm_interactions),
            tuple(tool.tool_name for tool in node.tool_interactions),
            below,
        )
        shapes[span.id] = numbers.setdefault(shape, len(numbers))
    return shapes


def _count_below(nodes: Iterable[SpanNode]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for node in reversed([*nodes]):
        counts[node.span.id] = sum(counts[child.span.id] + 1 for child in node.children)
    return counts
