# SPDX-License-Identifier: Apache-2.0
"""Traces that come whole in one batch: which of their calls count is decided in memory, if nothing in the file can
change it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple


class TracedSpan(NamedTuple):
    """A span of a whole trace: its key, its id and that of its parent."""

    id: int
    span_id: str
    parent_span_id: str | None


def find_repeating_agents(
    spans: Sequence[TracedSpan], aggregates: Collection[int], leaves: Collection[int]
) -> Collection[int] | None:
    """Return the agents and workflows of a trace that repeat the usage of calls below them; None: its calls cannot all
    be decided here. All are keys of spans. `leaves` are calls that report usage, with nothing below them; `aggregates`
    are the other calls."""
    parents = {span.span_id: span.parent_span_id for span in spans}
    if len(parents) < len(spans):
        return None  # two sides of a call share their ids
    ids = {span.id: span.span_id for span in spans}
    above: set[str] = set()
    for leaf in leaves:
        above.update(_walk_up(parents, ids[leaf], above))
    return aggregates if all(ids[one] in above for one in aggregates) else None


def _walk_up(parents: Mapping[str, str | None], span_id: str, known: Collection[str]) -> Iterator[str]:
    """Yield the ids of the spans above a span, up to one that is `known`, as all are that are yielded."""
    parent = parents.get(span_id)
    while parent is not None and parent not in known:
        yield parent
        parent = parents.get(parent)
