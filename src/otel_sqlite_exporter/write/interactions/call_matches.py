# SPDX-License-Identifier: Apache-2.0
"""Whether two rows of `_llm_interactions` may be of one call, and how well they fit. Pure.

Two rows are of one call if they name the same response and ran at the same time. (The id alone is not enough: some
servers give one id to many responses.) Without a common response id, they are of one call if two reporters of a service
recorded them, nothing that both say differs, and one ran inside the time of the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from otel_sqlite_exporter.write.interactions.call_records import CallRecord, SpanId
from otel_sqlite_exporter.write.interactions.nesting import Nesting
from otel_sqlite_exporter.write.interactions.reporters import SPAN
from otel_sqlite_exporter.write.interactions.usage_keys import INPUT_PARTS, OUTPUT_PARTS, sum_parts

_SAME_RESPONSE_NS = 600 * 10**9
_START_NS = 5 * 10**9
"""How long after the other the later of two records may begin, unless it is only a moment; find_call_twins.sql looks as
far."""
_ROUNDING_NS = 5 * 10**6
"""The times of log records are rounded to milliseconds, and a framework's span may end just before the client's."""
MOMENT_NS = 2 * 10**9
"""How far an event or log record may be from the span of its call, in nanoseconds."""
LATE_NS = 60 * 10**9
"""The same, if both name the same response."""
CLOCKS_NS = 2 * 10**9
"""How far the clocks of two services may differ, in nanoseconds."""
_TEXTS = re.compile(r'"type":\s*"text",\s*"content":\s*"((?:[^"\\]|\\.)*)')
_LONGEST_MODEL = 512  # a text of nothing but such suffixes would be read again for each of them
_SUFFIX = re.compile(r"[-@:](?:20\d\d-?\d\d-?\d\d|\d{2}-\d{2}|\d{3,4}|latest|v\d+(?::\d+)?)$")


def match(
    first: CallRecord, second: CallRecord, *, is_inside: bool, spans: Nesting[SpanId] | None = None
) -> tuple[Any, ...] | None:
    """Return how well two records fit one call, the best first, or None. `spans` is the nesting of what is around them;
    not needed where the second `is_inside` the first."""
    distance = abs(first.start_time_unix_nano - second.start_time_unix_nano)
    distance += abs(first.end_time_unix_nano - second.end_time_unix_nano)
    response_id, other_id = first.facts["response_id"], second.facts["response_id"]
    is_same_response = response_id is not None and response_id == other_id
    is_same_reporter = first.reporter == second.reporter
    is_same_service = first.service_name == second.service_name
    if response_id and other_id and not is_same_response:
        return None
    if not _has_same_outcome(first, second) or not _may_share_session(first, second):
        return None
    agreeing = _compare_usage(first.facts, second.facts)
    if is_same_response and (agreeing is not None or (not is_same_reporter and is_same_service)):
        # Two packages may count one token more or less of one response.
        is_match = _has_same_model(first, second, is_sure=True) and (is_inside or _is_same_time(first, second))
        return (0, 0, -(agreeing or 0), 0, distance) if is_match else None
    if agreeing is None or is_same_reporter or not is_same_service:
        return None
    if not _has_same_model(first, second, is_sure=is_inside or agreeing == 2):
        return None
    if is_inside:
        return 0, 0, -agreeing, 0, distance
    return _match_by_time(first, second, agreeing, distance, spans)


def _match_by_time(
    first: CallRecord, second: CallRecord, agreeing: int, distance: int, spans: Nesting[SpanId] | None
) -> tuple[Any, ...] | None:
    early, late = sorted((first, second), key=lambda one: one.start_time_unix_nano)
    longest = _SAME_RESPONSE_NS if late.is_moment else _START_NS
    if late.start_time_unix_nano - early.start_time_unix_nano > longest:
        return None
    is_same_trace = first.trace == second.trace != 0
    is_within = _is_within(first, second) or _is_within(second, first)
    if not is_within and not (agreeing == 2 and _is_near(first, second)):
        return None
    if not is_same_trace and not (first.is_alone or second.is_alone):
        return None
    if is_same_trace and (spans is None or not _are_beside(first, second, spans)):
        return None
    if first.source == second.source and first.scope_name == second.scope_name and agreeing < 2:
        return None
    is_same_answer = _has_same_answer(first, second)
    if is_same_answer is False:
        return None
    return 1, not is_same_trace, not is_same_answer, -agreeing, not is_within, distance


def _is_same_time(first: CallRecord, second: CallRecord) -> bool:
    """Whether both ran at the same time, and began within ten minutes."""
    early, late = sorted((first, second), key=lambda one: one.start_time_unix_nano)
    slack = LATE_NS if early.source != late.source else CLOCKS_NS if early.service_name != late.service_name else 0
    return late.start_time_unix_nano <= min(
        early.end_time_unix_nano + slack, early.start_time_unix_nano + _SAME_RESPONSE_NS
    )


def _is_within(inner: CallRecord, outer: CallRecord) -> bool:
    early = 0 if inner.source == outer.source == SPAN else _ROUNDING_NS
    return (
        outer.start_time_unix_nano - early <= inner.start_time_unix_nano <= outer.end_time_unix_nano + early
        and inner.end_time_unix_nano <= outer.end_time_unix_nano + _ROUNDING_NS
    )


def _is_near(first: CallRecord, second: CallRecord) -> bool:
    """Whether both ran at the same time, or an event or log record is near the other."""
    slack = 0 if first.source == second.source == SPAN else MOMENT_NS
    return (
        first.start_time_unix_nano < second.end_time_unix_nano + slack
        and second.start_time_unix_nano < first.end_time_unix_nano + slack
    )


def _may_share_session(first: CallRecord, second: CallRecord) -> bool:
    """Whether they are not of two sessions. A record without context may have a session that its reporter made."""
    return first.session is None or second.session is None or first.session == second.session


def _are_beside(first: CallRecord, second: CallRecord, spans: Nesting[SpanId]) -> bool:
    """Whether one of both may be the call that the other records: neither is inside the other, which `is_repeat` is
    for, and what is around one is also around the other, so they are not of two agents or steps."""
    if _is_around(first, second, spans) or _is_around(second, first, spans):
        return False
    return _covers(first, second, spans) or _covers(second, first, spans)


def _is_around(outer: CallRecord, inner: CallRecord, spans: Nesting[SpanId]) -> bool:
    return outer.source == SPAN and outer.span_id is not None and _has_above(inner, (outer.trace, outer.span_id), spans)


def _covers(record: CallRecord, other: CallRecord, spans: Nesting[SpanId]) -> bool:
    """Whether all that is around a record is also around the other: the nearest of it is."""
    return record.around is None or _has_above(other, (record.trace, record.around), spans)


def _has_above(record: CallRecord, span: SpanId, spans: Nesting[SpanId]) -> bool:
    nearest = None if record.around is None else (record.trace, record.around)
    return nearest is not None and (nearest == span or spans.is_inside(span, nearest))


def _has_same_answer(first: CallRecord, second: CallRecord) -> bool | None:
    """Whether both give the same answer; None if one of them is not known."""
    one, other = (_TEXTS.findall(record.answer or "") for record in (first, second))
    if not one or not other:
        return None
    text, other_text = sorted(("".join(one), "".join(other)), key=len)
    return other_text.startswith(text[:200])


def _compare_usage(one: Mapping[str, Any], other: Mapping[str, Any]) -> int | None:
    """Return how many of input and output tokens both report alike, or None if one differs."""
    agreeing = 0
    for name, parts in (("input_tokens", INPUT_PARTS), ("output_tokens", OUTPUT_PARTS)):
        mine, theirs = one[name], other[name]
        if mine is None or theirs is None:
            continue
        more, less = (one, other) if mine > theirs else (other, one)
        # One of both may leave out a part that only the other knows.
        if mine != theirs and (sum_parts(less, parts) or abs(mine - theirs) != sum_parts(more, parts)):
            return None
        agreeing += mine > 0
    return agreeing


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
    return is_sure and _has_same_answer(first, second) is True


def _has_same_kind(one: str | None, other: str | None) -> bool:
    return one is None or other is None or _kind(one) == _kind(other)


def _kind(operation: str) -> str:
    return "chat" if operation in ("generate_content", "text_completion") else operation


def _find_models(facts: Mapping[str, Any]) -> set[str]:
    """Return the models that a record names, without the provider and the date or version that a server adds."""
    return {_bare(facts[name]) for name in ("request_model", "response_model") if facts[name] is not None}


@lru_cache(512)
def _bare(model: str) -> str:
    model = model.lower().rpartition("/")[2]
    while len(model) <= _LONGEST_MODEL and (shorter := _SUFFIX.sub("", model)) != model:
        model = shorter
    return model
