# SPDX-License-Identifier: Apache-2.0
"""The critical path of a trace: at each moment of it, the one span that the end of the trace waits for. Pure.

From the end of a span backwards: the child that ended last is waited for, from its end to its start; before its start,
the child that ended last before that; and the span itself where no child is waited for. This is the algorithm of CRISP
(usenix.org/conference/atc22/presentation/zhang-zhizhou) and of Jaeger. A child that outlives its parent counts up to
the parent's end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otel_sqlite_exporter.query.trees import SpanNode, TraceTree

_Interval = tuple[int, int]


def find_critical_path(tree: TraceTree) -> Mapping[int, int]:
    """Return the nanoseconds that the end of the trace waits for each span itself, by `SpanSummary.id`, in the order of
    `tree.nodes`. A span that is waited for only through its children has 0; the others are left out."""
    return find_path(tree.roots, [node.span.id for node in tree.nodes])


def find_path(roots: Sequence[SpanNode], order: Sequence[int]) -> Mapping[int, int]:
    """Return the same for the spans from `roots` downwards."""
    if not roots:
        return {}
    whole = (
        min(node.span.start_time_unix_nano for node in roots),
        max(node.span.end_time_unix_nano for node in roots),
    )
    waited: dict[int, int] = {}
    waiting = [*_follow(roots, whole)[0]]
    while waiting:
        node, interval = waiting.pop()
        below, own = _follow(node.children, interval)
        waited[node.span.id] = own
        waiting += below
    return {id: waited[id] for id in order if id in waited}


def _follow(children: Sequence[SpanNode], interval: _Interval) -> tuple[list[tuple[SpanNode, _Interval]], int]:
    """Return the children that are waited for in an interval of their parent, with their parts of it, and the
    nanoseconds in which none is."""
    start, at = interval
    clipped = [(min(child.span.end_time_unix_nano, at), child) for child in children]
    found: list[tuple[SpanNode, _Interval]] = []
    own = 0
    for end, child in sorted(clipped, key=lambda one: (one[0], one[1].span.start_time_unix_nano), reverse=True):
        began = max(child.span.start_time_unix_nano, start)
        if end > at or began > end:
            continue  # another child that ended later was waited for meanwhile; or it is outside
        own += at - end
        found.append((child, (began, end)))
        at = began
    return found, own + at - start
