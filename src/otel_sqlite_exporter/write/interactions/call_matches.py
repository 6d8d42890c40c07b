# SPDX-License-Identifier: Apache-2.0
"""Whether two rows of `_llm_interactions` may be of one call, and how well they fit. Pure.

Two rows are of one call if they name the same response and ran at the same time. (The id alone is not enough: some
servers give one id to many responses.) Without a common response id, they are of one call if two reporters of a service
recorded them, nothing that both say differs, and one ran inside the time of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from otel_sqlite_exporter.write.interactions.call_records import CallRecord
from otel_sqlite_exporter.write.interactions.reporters import SPAN

_SAME_RESPONSE_NS = 600 * 10**9
# Clocks of a client's span and of a log record differ by the milliseconds that log times are rounded to; records that
# are only a moment are written up to a second before or after their span.
_ROUNDING_NS = 5 * 10**6
MOMENT_NS = 2 * 10**9
"""How far the times of two records of one call may be apart, in nanoseconds."""
_SUFFIX = re.compile(r"[-@:](?:20\d\d-?\d\d-?\d\d|\d{2}-\d{2}|\d{3,4}|latest|v\d+(?::\d+)?)$")


def match(first: CallRecord, second: CallRecord, *, is_inside: bool) -> tuple[Any, ...] | None:
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
    slack = MOMENT_NS if early.source != late.source else 0
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
    slack = MOMENT_NS if first.is_moment or second.is_moment else 0
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
