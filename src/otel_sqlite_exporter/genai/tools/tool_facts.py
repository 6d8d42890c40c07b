# SPDX-License-Identifier: Apache-2.0
"""Which telling shows a tool execution, with the facts of all. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.messages.tool_content import is_map
from otel_sqlite_exporter.genai.tools.tool_groups import find_groups
from otel_sqlite_exporter.genai.tools.tool_tellings import (
    AGENT,
    ARGUMENTS,
    CALL_ID,
    ERROR_TYPE,
    FACTS,
    NAME,
    REQUEST,
    RESULT,
    STATUS,
    TYPE,
    USER,
    WAITING,
    Group,
    Result,
    Telling,
)

_OF_REQUESTS = (NAME, CALL_ID, TYPE, RESULT)
_OF_EXECUTIONS = (*_OF_REQUESTS, USER, AGENT, ERROR_TYPE)


class Decision(NamedTuple):
    """What the row of a telling holds: which row shows it, whether it counts, its own facts and those it shows."""

    id: int
    merged_into: int | None
    counted: int
    own_facts: str | None
    facts: list[Any]


def decide(group: Group) -> list[Decision]:
    """Return what the rows of the tellings of an execution hold."""
    last = max((one.telling.start for one in group.executions()), default=0)
    tellings = [one for one in group.members if not one.is_wait]
    order = sorted(
        tellings,
        key=lambda one: (
            one.telling.kind,
            # A span that only asked stands behind the one that ran.
            one.facts[RESULT] is None and not one.is_error and one.telling.end < last,
            one.place,
        ),
    )
    if not order:
        return [Decision(one.telling.id, 0, 0, None, one.own) for one in group.members]
    shown = order[0]
    is_request = shown.telling.kind == REQUEST
    counted = int(not is_request or bool(group.results))
    told = read_results([(one.time, one.call_id, one.result, bool(one.is_error)) for one in group.results])
    shown_facts = [one.facts for one in order]
    facts = merge_facts(shown.own, shown_facts, told, is_request=is_request)
    waits = [one.telling.end - one.telling.start for one in group.members if one.is_wait]
    facts[WAITING] = sum(waits) / 1e6 if waits else None
    rest = [Decision(one.telling.id, shown.telling.id, 0, None, one.own) for one in group.members if one is not shown]
    return [Decision(shown.telling.id, None, counted, note_own(shown.own, facts), facts), *rest]


class Told(NamedTuple):
    """What prompts tell of an execution: the first result and its call id, and whether any says that it failed."""

    result: str | None
    call_id: str | None
    is_error: bool


def read_results(results: Sequence[tuple[int, str | None, str | None, bool]]) -> Told | None:
    """Return what results tell together; each is its time, its call id, the result and whether it says that the tool
    failed."""
    if not results:
        return None
    _, call_id, result, _ = (
        results[0] if len(results) == 1 else min(results, key=lambda one: (one[0], one[2] or "", one[1] or ""))
    )
    return Told(result, call_id, any(is_error for *_, is_error in results))


def merge_facts(own: list[Any], order: Sequence[list[Any]], told: Told | None, *, is_request: bool) -> list[Any]:
    """Return the facts of an execution, in the order of `FACTS`. `own` are those of the record that shows it; `order`
    are the facts that all its records show, those of this record first. `is_request`: nothing but messages tells it."""
    shown, rest = order[0], order[1:]
    facts = own.copy()
    for index in _OF_REQUESTS if is_request else _OF_EXECUTIONS:
        if shown[index] is None:
            facts[index] = next((one[index] for one in rest if one[index] is not None), None)
    if rest and not is_map(shown[ARGUMENTS]):
        known = [one[ARGUMENTS] for one in order if one[ARGUMENTS] is not None]
        best = next((one for one in known if is_map(one)), next(iter(known), None))
        if best != shown[ARGUMENTS]:
            facts[ARGUMENTS] = best
    if not is_request and any(one[STATUS] == 2 for one in order):
        facts[STATUS] = 2
    if told is not None:
        if shown[RESULT] is None and facts[RESULT] is None:
            facts[RESULT] = told.result
        if shown[CALL_ID] is None and facts[CALL_ID] is None:
            facts[CALL_ID] = told.call_id
        if told.is_error:
            facts[STATUS] = 2
    return facts


def note_own(own: Sequence[Any], facts: Sequence[Any]) -> str | None:
    """Return as JSON which facts the record of a row tells otherwise than the row; None if none."""
    if own == facts:
        return None
    told = {name: fact for name, fact, merged in zip(FACTS, own, facts, strict=True) if fact != merged}
    return orjson.dumps(told).decode()


def find_changes(tellings: dict[int, Telling], results: Iterable[Result], ids: Collection[int]) -> list[list[Any]]:
    """Return the rows of queries/write/group_tools.sql for those of `ids` whose row does not hold what is decided."""
    decisions = [decision for group in find_groups(tellings.values(), results) for decision in decide(group)]
    starts = (one for one in tellings.values() if one.has_finish)
    decisions += (Decision(one.id, None, 0, None, one.find_own()) for one in starts)
    changes = []
    for id, merged_into, counted, own_facts, facts in decisions:
        before = tellings[id]
        noted = None if before.own_facts is None else orjson.dumps(before.own_facts).decode()
        if id in ids and (merged_into, counted, own_facts, facts) != (
            before.merged_into,
            before.counted,
            noted,
            before.facts,
        ):
            changes.append([id, merged_into, counted, own_facts, *facts])
    return changes
