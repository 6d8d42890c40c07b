# SPDX-License-Identifier: Apache-2.0
"""Calls inside other calls: which of them repeat the usage of others, and which are one call. Pure.

Each call is looked at a few times, however many are around or inside it: of those, two are enough to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from otel_sqlite_exporter.write.interactions.call_matches import match
from otel_sqlite_exporter.write.interactions.call_records import CallRecord
from otel_sqlite_exporter.write.interactions.nesting import Nesting
from otel_sqlite_exporter.write.interactions.usage_keys import find_asked_keys, find_usage_keys


class Call(NamedTuple):
    """The columns of `_llm_interactions` that decide whether a row repeats calls inside it or around it."""

    id: int
    has_usage: int
    is_repeat: int
    start_time_unix_nano: int
    span_id: str


class InnerCall(NamedTuple):
    """A call inside another (ids)."""

    outer: int
    inner: int


def nest_calls(calls: Iterable[Call], pairs: Collection[InnerCall]) -> Nesting[int]:
    """Return the nesting of calls (ids) from the pairs of a call and one inside it, with none between. Of spans that
    are parents of each other, the earlier one is the outer."""
    nesting: Nesting[int] = Nesting(pairs)
    rings = nesting.find_rings()
    if not rings:
        return nesting
    order = {call.id: (call.start_time_unix_nano, call.span_id, call.id) for call in calls}
    ring_of: dict[int, list[int]] = {}
    for ring in rings:
        ring.sort(key=lambda id: order[id])
        ring_of.update(dict.fromkeys(ring, ring))
    chained = {pair for ring in rings for pair in pairwise(ring)}
    for outer, inner in pairs:
        # What is around one of a ring is around its first; what is inside one is inside its last.
        first, last = ring_of.get(inner, [inner])[0], ring_of.get(outer, [outer])[-1]
        if ring_of.get(outer) is None or ring_of.get(outer) is not ring_of.get(inner):
            chained.add((last, first))
    return Nesting(sorted(chained))


def find_same_calls(records: Mapping[int, CallRecord], nesting: Nesting[int]) -> set[InnerCall]:
    """Return the pairs (ids of outer and inner) that are one call: of what is inside the outer, only the inner agrees
    with it, as a framework's call and the client's, or a span's and that of an event or log record of its own. Beside
    it may be attempts that failed."""
    ids = nesting.sort(records)
    reporters: defaultdict[str, set[int]] = defaultdict(set)
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for id in ids:
        one = records[id]
        reporters[one.service_name].add(one.reporter)
        for key in find_usage_keys(one.facts):
            alike[one.reporter, key].append(id)
        alike["", one.facts["response_id"]].append(id)

    def find_inside(outer: CallRecord) -> Iterator[int]:
        if outer.facts["response_id"] is not None:
            yield from nesting.find_inside(outer.id, alike["", outer.facts["response_id"]])
        for reporter in reporters[outer.service_name] - {outer.reporter}:
            for key in find_asked_keys(outer.facts):
                yield from nesting.find_inside(outer.id, alike.get((reporter, key), ()))

    same = set()
    for outer in ids:
        agreeing = (id for id in find_inside(records[outer]) if match(records[outer], records[id], is_inside=True))
        found = _take_two(agreeing)
        if len(found) == 1:
            same.add(InnerCall(outer, *found))
    return same


def find_repeats(calls: Collection[Call], nesting: Nesting[int], same: Iterable[InnerCall]) -> dict[int, int]:
    """Return whether each call repeats calls inside it, or the call around it. The `same` pairs are one call."""
    partners = dict(same)
    all_inner = nesting.sort(nesting.positions)
    with_usage = nesting.sort(call.id for call in calls if call.has_usage)
    repeats = {}
    for call in calls:
        # Calls inside stand for it.
        inside = _take_two(nesting.find_inside(call.id, with_usage if call.has_usage else all_inner))
        repeats[call.id] = int(not inside <= {partners.get(call.id)})
    without_usage = nesting.sort(call.id for call in calls if not call.has_usage)
    for outer in with_usage:
        if not _take_two(nesting.find_inside(outer, with_usage)):
            # It alone knows the usage of all that are inside.
            for inner in nesting.find_inside(outer, without_usage):
                if partners.get(outer) != inner:
                    repeats[inner] = 1
    return repeats


def _take_two(ids: Iterable[int]) -> set[int]:
    """Return the first two that differ, or all, if these are fewer."""
    found: set[int] = set()
    for id in ids:
        found.add(id)
        if len(found) > 1:
            break
    return found
