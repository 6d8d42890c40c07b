# SPDX-License-Identifier: Apache-2.0
"""Which agents and workflows repeat the usage of calls below them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, starmap
from typing import NamedTuple

from otel_sqlite_exporter.write.interactions.nesting import Nesting


class RecordedAgent(NamedTuple):
    """An agent or workflow, in the order of queries/write/find_repeating_agents.sql. `span` is the key of its span,
    0 for a log record's."""

    id: int
    span: int
    start_time_unix_nano: int
    span_id: str
    is_told_elsewhere: int
    is_repeat: int


class UsageBelow(NamedTuple):
    """A call with usage, likewise: the span is the one that it was recorded in."""

    id: int
    span: int
    start_time_unix_nano: int
    span_id: str
    is_aggregate: int


def find_repeating(
    agents: Iterable[Sequence[object]], users: Iterable[Sequence[object]], pairs: Iterable[tuple[int, int]]
) -> set[int]:
    """Return the agents (ids) that repeat what calls below them report, or what others of their session add up to.
    `pairs` are spans and those directly below them. Of agents that are above each other, the later is taken as the
    inner."""
    spans: Nesting[int] = Nesting((outer, inner) for outer, inner in pairs)
    at: defaultdict[int, list[UsageBelow]] = defaultdict(list)
    for user in starmap(UsageBelow, users):
        at[user.span].append(user)
    with_users = spans.sort(at)

    def find_users(span: int) -> Iterator[UsageBelow]:
        for place in chain((span,), spans.find_inside(span, with_users)):
            yield from at.get(place, ())

    return {
        agent.id
        for agent in starmap(RecordedAgent, agents)
        if agent.is_told_elsewhere or any(_is_inner(user, agent, spans) for user in find_users(agent.span))
    }


def _is_inner(user: UsageBelow, agent: RecordedAgent, spans: Nesting[int]) -> bool:
    """Return whether a call at or below the span of an agent is one that the agent repeats."""
    if user.id == agent.id:
        return False
    if not user.is_aggregate or (user.span != agent.span and not spans.is_inside(user.span, agent.span)):
        return True
    return (user.start_time_unix_nano, user.span_id) > (agent.start_time_unix_nano, agent.span_id)
