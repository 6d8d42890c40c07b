# SPDX-License-Identifier: Apache-2.0
"""The rows of `_llm_interactions` that are of one call, and what the row that counts shows of the others. Pure.

Where several rows fit, those pair that agree in most and are nearest in time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from otel_sqlite_exporter.write.interactions.call_matches import CLOCKS_NS, LATE_NS, MOMENT_NS, match
from otel_sqlite_exporter.write.interactions.call_records import COST, OTHER_FACTS, USAGE, CallRecord, SpanId
from otel_sqlite_exporter.write.interactions.nesting import Nesting
from otel_sqlite_exporter.write.interactions.reporters import SPAN
from otel_sqlite_exporter.write.interactions.usage_keys import Key, find_asked_keys, find_usage_keys


class Match(NamedTuple):
    """Two records that may be of one call. The lower the rank, the better they fit; it begins with whether it is a
    guess."""

    rank: tuple[Any, ...]
    first: CallRecord
    second: CallRecord


def find_matches(
    pairs: Iterable[tuple[CallRecord, CallRecord]], same: Collection[tuple[int, int]], spans: Nesting[SpanId]
) -> list[Match]:
    """Return those of some pairs (see `find_pairs`) that may be of one call, and how well each fits; the best first.
    Two that others connect without a guess are not compared: they are of one call anyhow."""
    matches = []
    connected: dict[int, set[int]] = {}
    for first, second in pairs:
        if second.id in connected.get(first.id, ()):
            continue
        score = match(first, second, is_inside=(first.id, second.id) in same, spans=spans)
        if score is not None:
            matches.append(Match((*score, first.order, second.order), first, second))
            if not score[0]:
                _connect(connected, first.id, second.id)
    return sorted(matches, key=lambda one: one.rank)


def find_partners(matches: Iterable[Match], ids: Collection[int]) -> set[int]:
    """Return the records that may be of one call with those of these ids, or are so through others."""
    partners: set[int] = set()
    connected: dict[int, set[int]] = {}
    for rank, first, second in matches:
        if not rank[0]:
            _connect(connected, first.id, second.id)
        elif first.id in ids or second.id in ids:
            partners.update((first.id, second.id))
    for group in {id(group): group for group in connected.values()}.values():
        if not group.isdisjoint(ids):
            partners |= group
    return partners


def _connect(groups: dict[int, set[int]], first: int, second: int) -> None:
    """Put two ids, and all that are connected with them, into one set."""
    less, more = sorted((groups.get(first) or {first}, groups.get(second) or {second}), key=len)
    if less is not more:
        more |= less
        groups.update(dict.fromkeys(less | {first, second}, more))


def find_groups(records: Collection[CallRecord], matches: Iterable[Match]) -> list[list[CallRecord]]:
    """Return the records of each call; the first counts."""
    groups = {one.id: [one] for one in records}
    for rank, first, second in matches:
        is_guess, one, other = rank[0], groups[first.id], groups[second.id]
        if one is not other and not (is_guess and _has_common_reporter(one, other)):
            one += other
            groups.update((member.id, one) for member in other)
    unique = {id(group): group for group in groups.values()}.values()
    return [sorted(group, key=_find_rank(group)) for group in unique]


def merge_facts(group: Sequence[CallRecord]) -> tuple[dict[str, Any], int | None]:
    """Return the facts of a call that its records give together, and the id of the record whose messages it shows where
    the first has none.

    The first record comes first for all but usage and error: the innermost span is the client's own, and these are the
    server's. A log record's model is the one that answered, if a span asked for another.
    """
    first = group[0]
    facts = {
        name: next((one.facts[name] for one in group if one.facts[name] is not None), None) for name in OTHER_FACTS
    }
    inner = sorted(group, key=lambda one: (one.source != SPAN, -one.start_time_unix_nano, one.order))
    facts["error_type"] = next((one.facts["error_type"] for one in inner if one.facts["error_type"] is not None), None)
    inner = _find_fullest([one for one in inner if one.has_usage])
    for name in USAGE:
        facts[name] = next((one.facts[name] for one in inner if one.facts[name] is not None), None)
    with_cost = next((one for one in group if one.facts["cost_status"] is not None), first)
    facts |= {name: with_cost.facts[name] for name in COST}
    asked = {one.facts["request_model"] for one in group if one.facts["request_model"] is not None}
    if facts["response_model"] is None and len(asked) > 1:
        facts["response_model"] = max(asked - {facts["request_model"]})
    lacking = [one for one in group if one.has_prompt > first.has_prompt or one.has_completion > first.has_completion]
    fullest = max(lacking, key=lambda one: one.has_completion + one.has_prompt, default=first)
    return facts, None if fullest is first else fullest.id


def _find_fullest(records: list[CallRecord]) -> list[CallRecord]:
    """Return the records with one whose output includes the reasoning first, if the first leaves it out."""
    output = records[0].facts["output_tokens"] if records else None
    for one in records:
        reasoning = one.facts["reasoning_tokens"]
        if output is not None and reasoning and one.facts["output_tokens"] == output + reasoning:
            return [one, *(other for other in records if other is not one)]
    return records


def find_pairs(
    records: Mapping[int, CallRecord], same: Collection[tuple[int, int]]
) -> list[tuple[CallRecord, CallRecord]]:
    """Return each pair that may be of one call, once. `same` are pairs (ids) of an outer call and the only one inside
    it that are one call."""
    pairs = {pair for pair in same if not any(id not in records or records[id].is_repeat for id in pair)}
    by_response: defaultdict[str, list[CallRecord]] = defaultdict(list)
    by_service: defaultdict[str, list[CallRecord]] = defaultdict(list)
    for one in sorted(records.values(), key=lambda one: one.order):
        if one.is_repeat:
            continue
        if one.facts["response_id"] is not None and not one.is_crowded:
            by_response[one.facts["response_id"]].append(one)
        by_service[one.service_name].append(one)
    for group in by_response.values():
        pairs.update((first.id, second.id) for first, second in _find_overlapping(group, group, LATE_NS))
    for group in by_service.values():
        if len({one.reporter for one in group}) > 1:
            pairs.update(_find_peers(group))
    # One pair may have come in both directions.
    unique = {
        (first, second)
        for first, second in pairs
        if (second, first) not in pairs or records[first].order < records[second].order or (first, second) in same
    }
    return [(records[first], records[second]) for first, second in sorted(unique)]


def _find_peers(group: Sequence[CallRecord]) -> Iterator[tuple[int, int]]:
    """Yield the pairs (ids) of records of a service, in the order of their start, that ran at about the same time, are
    of two reporters and may report the same usage."""
    own: defaultdict[Key, list[CallRecord]] = defaultdict(list)
    asked: defaultdict[Key, list[CallRecord]] = defaultdict(list)
    for one in group:
        for key in find_usage_keys(one.facts):
            own[key].append(one)
        for key in find_asked_keys(one.facts):
            asked[key].append(one)
    for key, firsts in asked.items():
        for first, second in _find_overlapping(firsts, own.get(key, ()), MOMENT_NS):
            if first.reporter != second.reporter:
                yield first.id, second.id


def _find_overlapping(
    firsts: Sequence[CallRecord], seconds: Sequence[CallRecord], slack_ns: int
) -> Iterator[tuple[CallRecord, CallRecord]]:
    """Yield the pairs of records that ran at about the same time; both are in the order of their start. An event or log
    record may be `slack_ns` off. Between two spans of one clock there is no doubt."""
    starts = [one.start_time_unix_nano for one in seconds]
    logs = [one for one in seconds if one.source != SPAN]
    log_starts = [one.start_time_unix_nano for one in logs]
    for first in firsts:
        start, end = first.start_time_unix_nano, first.end_time_unix_nano
        if first.source != SPAN:
            near = slice(bisect_left(starts, start - slack_ns), bisect_right(starts, end + slack_ns))
            yield from ((first, second) for second in seconds[near] if second is not first)
            continue
        later = bisect_right(seconds, first.order, lo=bisect_left(starts, start), key=lambda one: one.order)
        for second in islice(seconds, later, bisect_right(starts, end + CLOCKS_NS)):
            if second.source == SPAN and (
                second.start_time_unix_nano <= end or second.service_name != first.service_name
            ):
                yield first, second
        near = slice(bisect_left(log_starts, start), bisect_right(log_starts, end + slack_ns))
        yield from ((first, second) for second in logs[near])


def _has_common_reporter(group: Sequence[CallRecord], other: Sequence[CallRecord]) -> bool:
    # A reporter records each call once.
    return not {one.reporter for one in group}.isdisjoint(one.reporter for one in other)


def _find_rank(group: Sequence[CallRecord]) -> Callable[[CallRecord], tuple[Any, ...]]:
    """Return a key that sorts the records of a call. A span in the context of the application comes first: its trace,
    its session and its agent are known. Then one that reports usage, one that has messages, and the innermost."""
    has_traces = len({one.trace for one in group}) > 1

    def rank(one: CallRecord) -> tuple[Any, ...]:
        place = (one.source != SPAN, has_traces and one.is_alone, one.session is None, one.agent_name is None)
        lacks = (not one.has_usage, -one.has_prompt - one.has_completion)
        return (*place, *lacks, -one.start_time_unix_nano, one.order)

    return rank
