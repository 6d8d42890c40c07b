# SPDX-License-Identifier: Apache-2.0
"""Which telling shows a tool execution, with the facts of all. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.messages.tool_content import is_map
from otel_sqlite_exporter.genai.tool_groups import find_groups
from otel_sqlite_exporter.genai.tool_tellings import (
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
    Member,
    Result,
    Telling,
)


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
    facts = _merge_facts(shown, order, group)
    own = {name: fact for name, fact, merged in zip(FACTS, shown.own, facts, strict=True) if fact != merged}
    rest = [Decision(one.telling.id, shown.telling.id, 0, None, one.own) for one in group.members if one is not shown]
    text = orjson.dumps(own).decode() if own else None
    return [Decision(shown.telling.id, None, counted, text, facts), *rest]


def _merge_facts(shown: Member, order: Sequence[Member], group: Group) -> list[Any]:
    facts = shown.own.copy()
    is_request = shown.telling.kind == REQUEST
    for index in (NAME, CALL_ID, TYPE, RESULT, *(() if is_request else (USER, AGENT, ERROR_TYPE))):
        if shown.facts[index] is None:
            facts[index] = next((one.facts[index] for one in order if one.facts[index] is not None), None)
    if not is_map(shown.facts[ARGUMENTS]):
        known = [one.facts[ARGUMENTS] for one in order if one.facts[ARGUMENTS] is not None]
        best = next((one for one in known if is_map(one)), next(iter(known), None))
        if best != shown.facts[ARGUMENTS]:
            facts[ARGUMENTS] = best
    if not is_request and any(one.facts[STATUS] == 2 for one in order):
        facts[STATUS] = 2
    if group.results:
        first = min(group.results, key=lambda one: (one.time, one.result or "", one.call_id or ""))
        if shown.facts[RESULT] is None and facts[RESULT] is None:
            facts[RESULT] = first.result
        if shown.facts[CALL_ID] is None and facts[CALL_ID] is None:
            facts[CALL_ID] = first.call_id
        if facts[STATUS] == 0 and facts[ERROR_TYPE] is None and any(one.is_error for one in group.results):
            facts[STATUS] = 2
    waits = [one.telling.end - one.telling.start for one in group.members if one.is_wait]
    facts[WAITING] = sum(waits) / 1e6 if waits else None
    return facts


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
