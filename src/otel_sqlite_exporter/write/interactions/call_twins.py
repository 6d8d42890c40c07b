# SPDX-License-Identifier: Apache-2.0
"""Which rows of `_llm_interactions` are of one call, and what the row that counts shows of the others. Pure.

Two rows are of one call if they name the same response and ran at the same time. (The id alone is not enough: some
servers give one id to many responses.) Without a common response id, they are of one call if two reporters of a service
recorded them, nothing that both say differs, and one ran inside the time of the other. Where several rows fit, those
pair that agree in most and are nearest in time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.write.interactions.reporters import SPAN

_SAME_RESPONSE_NS = 600 * 10**9
# Clocks of a client's span and of a log record differ by the milliseconds that log times are rounded to; records that
# are only a moment are written up to a second before or after their span.
_ROUNDING_NS = 5 * 10**6
_MOMENT_NS = 2 * 10**9
_SUFFIX = re.compile(r"[-@:](?:20\d\d-?\d\d-?\d\d|\d{2}-\d{2}|\d{3,4}|latest|v\d+(?::\d+)?)$")
USAGE = (
    *("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "cache_creation_input_tokens"),
    "reasoning_tokens",
)
_COST = ("cost_usd", "cost_status")
REALS = ("time_to_first_token_ms", "cost_usd")
"""The facts that are floats."""
_OTHERS = (
    *("operation", "provider", "request_model", "response_model", "response_id", "user_id", "finish_reasons"),
    *("error_type", "time_to_first_token_ms"),
)
FACTS = (*_OTHERS, *USAGE, *_COST)
"""The columns that the row which counts takes from the other rows of its call."""


class CallRecord(NamedTuple):
    """A call as one reporter recorded it: a row of queries/write/find_call_twins.sql. Times are in nanoseconds.

    Attributes:
        trace: Key of its trace; 0 for a log record outside of any.
        ordinal: Position among the events of its span.
        is_alone: Whether it is the root span of its trace, or a log record outside of any: its reporter did not know
            the context that the application had.
        above: Ids of the spans around it.
        facts: Its own values of `FACTS`.
    """

    id: int
    service_name: str
    reporter: int
    source: int
    scope_name: str
    trace: int
    span_id: str | None
    ordinal: int | None
    is_alone: bool
    above: frozenset[str]
    session_source: str | None
    own_session: int | None
    start_time_unix_nano: int
    end_time_unix_nano: int
    is_error: bool
    is_repeat: bool
    twin: int | None
    content_of: int | None
    own_facts: Mapping[str, Any] | None
    has_prompt: bool
    has_completion: bool
    answer: str | None
    shown: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def order(self) -> tuple[Any, ...]:
        """A key that does not depend on the order of arrival, unless two records are equal."""
        place = (self.source, self.span_id or "", self.ordinal or 0)
        return self.start_time_unix_nano, -self.end_time_unix_nano, *place, self.id

    @property
    def is_moment(self) -> bool:
        """Whether it is an event or log record that reports no duration."""
        return self.source != SPAN and self.start_time_unix_nano == self.end_time_unix_nano


def parse_call_record(row: Mapping[str, Any]) -> CallRecord:
    """Return a row of queries/write/find_call_twins.sql. What a row took from others is taken away again."""
    own = None if row["own_facts"] is None else orjson.loads(row["own_facts"])
    if own is not None and own.get("cost_status") not in (None, "reported"):  # `reprice` computes it again
        own |= dict.fromkeys(_COST)
    shown = orjson.loads(row["facts"]) | {name: row[name] for name in REALS}
    columns = {
        **row,
        "above": frozenset(orjson.loads(row["above"])),
        "own_facts": own,
        "shown": shown,
        "facts": shown if own is None else shown | own,
    }
    return CallRecord._make(columns[name] for name in CallRecord._fields)


def is_same_call(outer: CallRecord, inner: CallRecord) -> bool:
    """Whether a call and the only one inside it are one: a framework's and the client's, or a span's and that of an
    event or log record of its own."""
    return _match(outer, inner, is_inside=True) is not None


def find_partners(records: Collection[CallRecord], ids: Collection[int], same: Collection[tuple[int, int]]) -> set[int]:
    """Return the records that may be of one call with those of these ids."""
    partners: set[int] = set()
    for *_, first, second in _find_matches(records, same):
        if first.id in ids:
            partners.add(second.id)
        if second.id in ids:
            partners.add(first.id)
    return partners


def find_groups(records: Collection[CallRecord], same: Collection[tuple[int, int]]) -> list[list[CallRecord]]:
    """Return the records of each call; the first counts. `same` are pairs (ids) of an outer call and the only one
    inside it that are one call."""
    groups = {one.id: [one] for one in records}
    for is_guess, *_, first, second in sorted(_find_matches(records, same), key=lambda match: match[:-2]):
        one, other = groups[first.id], groups[second.id]
        if one is not other and not (is_guess and _has_common_reporter(one, other)):
            one += other
            groups.update((member.id, one) for member in other)
    unique = {id(group): group for group in groups.values()}.values()
    return [sorted(group, key=_find_rank(group)) for group in unique]


def _find_matches(records: Collection[CallRecord], same: Collection[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
    """Yield how well each two records that may be of one call fit, and the two."""
    by_id = {one.id: one for one in records}
    for first, second in _find_pairs(by_id, same):
        score = _match(first, second, is_inside=(first.id, second.id) in same)
        if score is not None:
            yield (*score, first.order, second.order, first, second)


def merge_facts(group: Sequence[CallRecord]) -> tuple[dict[str, Any], int | None]:
    """Return the facts of a call that its records give together, and the id of the record whose messages it shows where
    the first has none.

    The first record comes first for all but the usage: the innermost span is the client's own, and its numbers are the
    server's. A log record's model is the one that answered, if a span asked for another.
    """
    first = group[0]
    facts = {name: next((one.facts[name] for one in group if one.facts[name] is not None), None) for name in _OTHERS}
    inner = sorted(group, key=lambda one: (one.source != SPAN, -one.start_time_unix_nano, one.order))
    inner = _find_fullest([one for one in inner if _has_usage(one)])
    for name in USAGE:
        facts[name] = next((one.facts[name] for one in inner if one.facts[name] is not None), None)
    with_cost = [one for one in group if one.facts["cost_status"] == "reported"]
    for name in _COST:
        facts[name] = with_cost[0].facts[name] if with_cost else first.facts[name]
    asked = {one.facts["request_model"] for one in group if one.facts["request_model"] is not None}
    if facts["response_model"] is None and len(asked) > 1:
        facts["response_model"] = max(asked - {facts["request_model"]})
    lacking = [one for one in group if one.has_prompt > first.has_prompt or one.has_completion > first.has_completion]
    fullest = max(lacking, key=lambda one: one.has_completion + one.has_prompt, default=first)
    return facts, None if fullest is first else fullest.id


def _has_usage(one: CallRecord) -> bool:
    return any(one.facts[name] is not None for name in ("input_tokens", "output_tokens", "total_tokens"))


def _find_fullest(records: list[CallRecord]) -> list[CallRecord]:
    """Return the records with one whose output includes the reasoning first, if the first leaves it out."""
    output = records[0].facts["output_tokens"] if records else None
    for one in records:
        reasoning = one.facts["reasoning_tokens"]
        if output is not None and reasoning and one.facts["output_tokens"] == output + reasoning:
            return [one, *(other for other in records if other is not one)]
    return records


def _find_pairs(
    records: Mapping[int, CallRecord], same: Collection[tuple[int, int]]
) -> Iterable[tuple[CallRecord, CallRecord]]:
    """Yield each pair that may be of one call, once."""
    pairs = {pair for pair in same if not any(id not in records or records[id].is_repeat for id in pair)}
    by_response: defaultdict[str, list[CallRecord]] = defaultdict(list)
    by_service: defaultdict[str, list[CallRecord]] = defaultdict(list)
    for one in sorted(records.values(), key=lambda one: one.order):
        if one.is_repeat:
            continue
        if one.facts["response_id"] is not None:
            by_response[one.facts["response_id"]].append(one)
        by_service[one.service_name].append(one)
    for group in by_response.values():
        pairs.update(pair for pair in _find_overlapping(group) if pair[::-1] not in pairs)
    for group in by_service.values():
        if len({one.reporter for one in group}) > 1:
            pairs.update(pair for pair in _find_overlapping(group) if pair[::-1] not in pairs)
    return [(records[first], records[second]) for first, second in sorted(pairs)]


def _find_overlapping(records: Sequence[CallRecord]) -> Iterator[tuple[int, int]]:
    """Yield the pairs (ids) of records, which are in the order of their start, that ran at about the same time."""
    for index, first in enumerate(records):
        end = first.end_time_unix_nano + _MOMENT_NS
        for second in islice(records, index + 1, None):
            if second.start_time_unix_nano > end:
                break
            yield first.id, second.id


def _has_common_reporter(group: Sequence[CallRecord], other: Sequence[CallRecord]) -> bool:
    # A reporter records each call once.
    return not {one.reporter for one in group}.isdisjoint(one.reporter for one in other)


def _match(first: CallRecord, second: CallRecord, *, is_inside: bool) -> tuple[Any, ...] | None:
    """Return how well two records fit one call, the best first, or None."""
    distance = abs(first.start_time_unix_nano - second.start_time_unix_nano)
    distance += abs(first.end_time_unix_nano - second.end_time_unix_nano)
    one, other = first.facts, second.facts
    if one["response_id"] is not None and one["response_id"] == other["response_id"]:
        return (0, 0, 0, 0, distance) if _is_same_time(first, second) else None
    if first.reporter == second.reporter or first.service_name != second.service_name:
        return None
    if one["response_id"] is not None and other["response_id"] is not None:
        return None
    agreeing = _compare_usage(one, other)
    if agreeing is None or not _has_same_outcome(first, second):
        return None
    if not _has_same_model(first, second, is_sure=is_inside or agreeing == 2):
        return None
    if is_inside:
        return 0, 0, -agreeing, 0, distance
    is_same_trace = first.trace == second.trace != 0
    is_within = _is_within(first, second) or _is_within(second, first)
    if not is_within and not (agreeing == 2 and _is_near(first, second)):
        return None
    if not _may_share_place(first, second, is_same_trace):
        return None
    if first.source == second.source and first.scope_name == second.scope_name and agreeing < 2:
        return None
    return 1, not is_same_trace, -agreeing, not is_within, distance


def _is_same_time(first: CallRecord, second: CallRecord) -> bool:
    """Whether both ran at the same time, and began within ten minutes."""
    early, late = sorted((first, second), key=lambda one: one.start_time_unix_nano)
    slack = _MOMENT_NS if early.source != late.source else 0
    return late.start_time_unix_nano <= min(
        early.end_time_unix_nano + slack, early.start_time_unix_nano + _SAME_RESPONSE_NS
    )


def _is_within(inner: CallRecord, outer: CallRecord) -> bool:
    slack = 0 if inner.source == outer.source == SPAN else _ROUNDING_NS
    return (
        outer.start_time_unix_nano - slack <= inner.start_time_unix_nano
        and inner.end_time_unix_nano <= outer.end_time_unix_nano + slack
    )


def _is_near(first: CallRecord, second: CallRecord) -> bool:
    """Whether both ran at the same time, or an event or log record without a duration is near the other."""
    slack = _MOMENT_NS if first.is_moment or second.is_moment else 0
    return (
        first.start_time_unix_nano < second.end_time_unix_nano + slack
        and second.start_time_unix_nano < first.end_time_unix_nano + slack
    )


def _may_share_place(first: CallRecord, second: CallRecord, is_same_trace: bool) -> bool:
    """Whether one of both may be the call that the other records: neither is inside the other, which `is_repeat` is
    for, and they name no two sessions by one attribute."""
    if is_same_trace:
        return not (_is_around(first, second) or _is_around(second, first))
    if not (first.is_alone or second.is_alone):
        return False
    is_same_source = first.session_source == second.session_source and first.session_source is not None
    return not (is_same_source and first.own_session != second.own_session)


def _is_around(outer: CallRecord, inner: CallRecord) -> bool:
    return outer.source == SPAN and outer.span_id in inner.above


def _compare_usage(one: Mapping[str, Any], other: Mapping[str, Any]) -> int | None:
    """Return how many of input and output tokens both report alike, or None if one differs."""
    agreeing = 0
    for name, parts in (
        ("input_tokens", ("cached_input_tokens", "cache_creation_input_tokens")),
        ("output_tokens", ("reasoning_tokens",)),
    ):
        mine, theirs = one[name], other[name]
        if mine is None or theirs is None:
            continue
        more, less = (one, other) if mine > theirs else (other, one)
        # One of both may leave out a part that only the other knows.
        if mine != theirs and (_sum(less, parts) or abs(mine - theirs) != _sum(more, parts)):
            return None
        agreeing += mine > 0
    return agreeing


def _sum(facts: Mapping[str, Any], names: Iterable[str]) -> int:
    return sum(facts[name] or 0 for name in names)


def _has_same_outcome(first: CallRecord, second: CallRecord) -> bool:
    """Whether both may be of a call that failed, or of one that did not. One that says neither may be of both."""
    if first.is_error == second.is_error:
        return True
    other = second if first.is_error else first
    return other.facts["output_tokens"] is None and not other.has_completion


def _has_same_model(first: CallRecord, second: CallRecord, *, is_sure: bool) -> bool:
    """Whether both name one model; where it `is_sure` that they agree in all else, also if one names none, or if they
    name two and have the same answer."""
    if not _has_same_kind(first.facts["operation"], second.facts["operation"]):
        return False
    models, others = _find_models(first.facts), _find_models(second.facts)
    if not models or not others:
        return is_sure
    if not models.isdisjoint(others):
        return True
    return is_sure and first.answer is not None and first.answer == second.answer != ""


def _has_same_kind(one: str | None, other: str | None) -> bool:
    return one is None or other is None or _kind(one) == _kind(other)


def _kind(operation: str) -> str:
    return "chat" if operation in ("generate_content", "text_completion") else operation


def _find_models(facts: Mapping[str, Any]) -> set[str]:
    """Return the models that a record names, without the provider and the date or version that a server adds."""
    return {_bare(facts[name]) for name in ("request_model", "response_model") if facts[name] is not None}


def _bare(model: str) -> str:
    model = model.lower().rpartition("/")[2]
    while (shorter := _SUFFIX.sub("", model)) != model:
        model = shorter
    return model


def _find_rank(group: Sequence[CallRecord]) -> Callable[[CallRecord], tuple[Any, ...]]:
    """Return a key that sorts the records of a call. A span in the context of the application comes first: its trace
    and its session are known. Then one that reports usage, one that has messages, and the innermost."""
    has_traces = len({one.trace for one in group}) > 1

    def rank(one: CallRecord) -> tuple[Any, ...]:
        place = (one.source != SPAN, has_traces and one.is_alone, one.own_session is None)
        lacks = (not _has_usage(one), -one.has_prompt - one.has_completion)
        return (*place, *lacks, -one.start_time_unix_nano, one.order)

    return rank
