# SPDX-License-Identifier: Apache-2.0
"""Which tellings are of one execution of a tool. Pure.

An execution may be told by spans of several packages, by events and log records, by the answer that asks for it and by
the prompt that holds its result. Tellings belong together if they agree in call id, name and arguments, as far as they
have them, and

* one is of a span inside the other's, with no agent or model call between;
* or they have the same call id, in one trace or in one session; or, in traces of their own, one is inside the other in
  time, or follows what asked for it (a loop "ask, run, ask again" in which each request is a trace);
* or, in one trace and without a call id, they follow each other as a request and its execution do.

A prompt holds results with the calls that they belong to. So a request without a call id gets the result of a call of
the same tool with the same arguments: in its trace or session, or else, in traces of their own, shortly after.

Each form (spans of one name and package, events of one name) tells an execution once. So where a server gives an id
again, or an agent calls a tool twice, the second telling of a form begins another execution. Nothing depends on the
order in which the tellings arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count, product, starmap
from typing import NamedTuple

from otel_sqlite_exporter.genai.messages.tool_content import do_arguments_agree
from otel_sqlite_exporter.genai.tools.call_index import HeldResults, NearGroups
from otel_sqlite_exporter.genai.tools.tool_tellings import (
    ARGUMENTS,
    EVENT,
    RESULT,
    SPAN,
    Group,
    Member,
    Result,
    Telling,
)
from otel_sqlite_exporter.genai.tools.tool_traces import is_echo, join_over_traces


class _ToolTraits(NamedTuple):
    """Whether no telling of a group has arguments, and whether only spans tell it."""

    is_bare: bool
    has_spans_only: bool


_ALL_TRAITS = tuple(starmap(_ToolTraits, product((False, True), repeat=2)))


def find_groups(tellings: Iterable[Telling], results: Iterable[Result]) -> list[Group]:
    """Return the executions that tellings and results tell. Starts that their finish shows are in none."""
    members = {one.id: Member(one) for one in tellings if not one.has_finish}
    groups = _join_nested(members)
    ordered = sorted(results, key=lambda one: (one.time, one.result or "", one.id))
    held = HeldResults(ordered)
    groups = _join_in_order(groups, held)
    left = list(_give_results(groups, ordered))
    join_over_traces(groups, left, held)
    return [group for group in groups if group.members]


def _join_nested(members: dict[int, Member]) -> list[Group]:
    """Join the tellings of spans inside one another, and of events in them."""
    groups: dict[int, Group] = {}
    for member in sorted(members.values(), key=lambda one: one.place):
        groups[member.telling.id] = Group(member)
    for id, member in sorted(members.items(), key=lambda one: one[1].place):
        around = groups.get(member.telling.around or 0)
        inner = groups[id]
        if around is None or around is inner:
            continue
        if around.agrees(inner) or (around.call_id == inner.call_id and around.call_id is not None):
            around.add(inner)
            for one in inner.members:
                groups[one.telling.id] = around
    return list(dict.fromkeys(groups.values()))


class _NamedGroups:
    """Groups by trace and name, and then by what tells at once that two are of two executions: a form that both have,
    or no arguments where only spans tell. So of thousands of tools of a name, each looks at few."""

    def __init__(self) -> None:
        self._alike: defaultdict[tuple[int, str | None, _ToolTraits], dict[frozenset[str], dict[Group, int]]]
        self._alike = defaultdict(dict)
        self._places: dict[Group, tuple[_ToolTraits, frozenset[str], dict[int, int]]] = {}
        self._added = count()

    def find(self, trace: int, unit: Group) -> list[Group]:
        """Return the groups of a trace, as they came, that may tell the execution of a unit with their name."""
        found: dict[Group, int] = {}
        own = _find_traits(unit)
        for kind in _ALL_TRAITS:
            if own.has_spans_only and kind.has_spans_only and (own.is_bare or kind.is_bare):
                continue
            for forms, groups in self._alike.get((trace, unit.name, kind), {}).items():
                if forms.isdisjoint(unit.forms):
                    found |= groups
        return sorted(found, key=found.__getitem__)

    def place(self, group: Group, traces: Iterable[int]) -> None:
        """Add a group to these traces, and note anew what tells it."""
        numbers = self.remove(group)
        for trace in traces:
            if trace not in numbers:
                numbers[trace] = next(self._added)
        kind, forms = _find_traits(group), frozenset(group.forms)
        self._places[group] = kind, forms, numbers
        for trace, number in numbers.items():
            self._alike[trace, group.name, kind].setdefault(forms, {})[group] = number

    def remove(self, group: Group) -> dict[int, int]:
        """Remove a group, and return its number in each trace."""
        if group not in self._places:
            return {}
        kind, forms, numbers = self._places.pop(group)
        for trace in numbers:
            alike = self._alike[trace, group.name, kind]
            del alike[forms][group]
            if not alike[forms]:
                del alike[forms]
        return numbers


def _find_traits(group: Group) -> _ToolTraits:
    return _ToolTraits(
        group.arguments == {None},
        all(one.telling.kind == SPAN and not one.is_wait for one in group.members),
    )


def _join_in_order(units: list[Group], results: HeldResults) -> list[Group]:
    groups: list[Group] = []
    by_id = NearGroups()
    by_name = _NamedGroups()
    for unit in sorted(units, key=lambda one: one.first.place):
        same_id = by_id.find(unit.call_id, (one.telling for one in unit.members)) if unit.call_id else []
        found = next((one for one in reversed(same_id) if _is_told_again(one, unit, results)), None)
        # Without a name nothing says that two are of one tool.
        traces = {one.telling.trace for one in unit.members} - {0} if unit.name else set()
        same_name = (one for trace in sorted(traces) for one in by_name.find(trace, unit) if one is not found)
        candidates = [one for one in same_name if not (one.call_id and unit.call_id) and _is_told_besides(one, unit)]
        besides = min(candidates, key=lambda one: not _are_arguments_equal(one, unit), default=None)
        if found is not None:
            found.add(unit)
            if besides is not None and besides.executions() and not (besides.call_id or besides.asked_time):
                found.add(besides)
                besides.members = []
                groups.remove(besides)
                by_name.remove(besides)
        elif besides is not None:
            found = besides
            found.add(unit)
        else:
            found = unit
            groups.append(unit)
        if found.call_id:
            by_id.place(found.call_id, found)
        by_name.place(found, traces)
    return groups


def _is_told_again(group: Group, unit: Group, results: HeldResults) -> bool:
    """Whether `unit` tells the execution of `group`, which has the same call id and began before it."""
    executions = unit.executions()
    if not executions:
        if is_echo(unit, group, results):
            return True
        asked = unit.asked_time or 0
        start = group.start
        if start is not None and start < asked:
            return False
        return not results.has_between(unit.call_id, unit.members, group.time, asked)
    return not any(
        one.telling.form in group.forms and not any(_overlap(one.telling, two.telling) for two in group.executions())
        for one in executions
    )


def _is_told_besides(group: Group, unit: Group) -> bool:
    """Whether `unit` tells the execution of `group`, which began before it in the same trace, where at most one of them
    names a call id. They are told in different forms."""
    if not group.agrees(unit):
        return False
    executions, known = unit.executions(), group.executions()
    asked, asked_before = unit.asked_time, group.asked_time
    if not executions and asked is not None:
        if not known:
            return any(_are_same_request(one.telling, two.telling) for one in unit.members for two in group.members)
        return asked_before is None and all(asked <= one.telling.start for one in known)
    if not known:
        return (
            executions != []
            and asked_before is not None
            and all(asked_before <= one.telling.start for one in executions)
        )
    return any(_are_same_execution(one, two) for one in known for two in executions)


def _are_same_request(one: Telling, other: Telling) -> bool:
    if one.span_id == other.span_id:
        return True
    spans = sorted(((one.asked_time, -one.end), (other.asked_time, -other.end)))
    return spans[1][1] >= spans[0][1] and one.asked_time < one.end and other.asked_time < other.end


def _are_same_execution(first: Member, second: Member) -> bool:
    """Whether a second telling, in another form and without a span around both, is of the same execution: an event
    during the span, an execution after the span that only asked for it, or a failure beside the span that failed."""
    one, other = first.telling, second.telling
    if EVENT in (one.kind, other.kind):
        return _overlap(one, other)
    if not _are_known_equal(first.facts[ARGUMENTS], second.facts[ARGUMENTS]) or other.start < one.end:
        return False
    if first.is_error:
        return second.is_error and one.parent_span_id == other.parent_span_id != ""
    return first.facts[RESULT] is None and (second.facts[RESULT] is not None or second.is_error)


def _overlap(one: Telling, other: Telling) -> bool:
    return one.start <= other.end and other.start <= one.end


def _are_known_equal(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and do_arguments_agree(one, other)


def _are_arguments_equal(group: Group, unit: Group) -> bool:
    return any(_are_known_equal(one, two) for one in group.arguments for two in unit.arguments)


def _give_results(groups: list[Group], results: Iterable[Result]) -> Iterator[Result]:
    """Give each result to the last execution with its call id before it in the same trace or session, or else to the
    last that asked without an id for the same; and yield those for which there is none."""
    by_call = NearGroups()
    for group in sorted(groups, key=lambda one: one.first.place):
        for call in (group.call_id, *group.digests):
            if call is not None:
                by_call.place(call, group)
    for result in results:
        found = None
        if result.call_id is not None:
            near = by_call.find(result.call_id, [result])
            found = _find_last(near, result) or next(iter(near), None)
        if found is None and result.digest is not None:
            asking = by_call.find(result.digest, [result])
            found = _find_last((one for one in asking if not (one.call_id and result.call_id)), result)
        if found is not None:
            found.results.append(result)
        else:
            yield result


def _find_last(groups: Iterable[Group], result: Result) -> Group | None:
    """Return the last of `groups` that began before `result`, in its trace if there is one."""
    before = [one for one in groups if one.time <= result.time]
    same = [one for one in before if any(two.telling.trace == result.trace for two in one.members)]
    found = same or before
    return found[-1] if found else None
