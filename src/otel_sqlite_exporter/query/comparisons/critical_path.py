# SPDX-License-Identifier: Apache-2.0
"""The critical path of a trace: at each moment of it, the one span that the end of the trace waits for. Pure.

From the end of a span backwards: the child that ended last is waited for, from its end to its start; before its start,
the child that ended last before that; and the span itself where no child is waited for. This is the algorithm of CRISP
(usenix.org/conference/atc22/presentation/zhang-zhizhou) and of Jaeger. A child that outlives its parent counts up to
the parent's end.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from otel_sqlite_exporter.query.trees import SpanNode, TraceTree

_Interval = tuple[int, int]
_Span = TypeVar("_Span", bound=Hashable)


def find_critical_path(tree: TraceTree) -> Mapping[int, int]:
    """Return the nanoseconds that the end of the trace waits for each span itself, by `SpanSummary.id`, in the order of
    `tree.nodes`. A span that is waited for only through its children has 0; the others are left out."""
    return find_path(tree.roots, [node.span.id for node in tree.nodes])


def find_path(roots: Sequence[SpanNode], order: Sequence[int]) -> Mapping[int, int]:
    """Return the same for the spans from `roots` downwards."""
    waited = find_waits(
        roots, lambda node: (node.span.start_time_unix_nano, node.span.end_time_unix_nano), lambda node: node.children
    )
    own = {node.span.id: length for node, length in waited.items()}
    return {id: own[id] for id in order if id in own}


def find_waits(
    roots: Sequence[_Span], times: Callable[[_Span], _Interval], below: Callable[[_Span], Sequence[_Span]]
) -> dict[_Span, int]:
    """Return the same for spans of any kind, by the spans themselves: `times` are the start and the end of one, `below`
    its children."""
    if not roots:
        return {}
    whole = (min(times(root)[0] for root in roots), max(times(root)[1] for root in roots))
    waited: dict[_Span, int] = {}
    waiting = [*_follow(roots, times, whole)[0]]
    while waiting:
        span, interval = waiting.pop()
        found, own = _follow(below(span), times, interval)
        waited[span] = own
        waiting += found
    return waited


def _follow(
    children: Sequence[_Span], times: Callable[[_Span], _Interval], interval: _Interval
) -> tuple[list[tuple[_Span, _Interval]], int]:
    """Return the children that are waited for in an interval of their parent, with their parts of it, and the
    nanoseconds in which none is."""
    start, at = interval
    timed = [(*times(child), child) for child in children]
    clipped = [(min(end, at), began, child) for began, end, child in timed]
    found: list[tuple[_Span, _Interval]] = []
    own = 0
    for end, child_start, child in sorted(clipped, key=lambda one: one[:2], reverse=True):
        began = max(child_start, start)
        if end > at or began > end:
            continue  # another child that ended later was waited for meanwhile; or it is outside
        own += at - end
        found.append((child, (began, end)))
        at = began
    return found, own + at - start
