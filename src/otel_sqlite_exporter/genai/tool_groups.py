# SPDX-License-Identifier: Apache-2.0
"""Which tellings are of one execution of a tool. Pure.

An execution may be told by spans of several packages, by events and log records, by the answer that asks for it and by
the prompt that holds its result. Tellings belong together if they agree in call id, name and arguments, as far as they
have them, and

* one is of a span inside the other's, with no agent or model call between;
* or they have the same call id, in one trace or in one session; or, in traces of their own, one is inside the other in
  time, or follows what asked for it (a loop "ask, run, ask again" in which each request is a trace);
* or, in one trace and without a call id, they follow each other as a request and its execution do.

Each form (spans of one name and package, events of one name) tells an execution once. So where a server gives an id
again, or an agent calls a tool twice, the second telling of a form begins another execution. Nothing depends on the
order in which the tellings arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from otel_sqlite_exporter.genai.messages.tool_content import do_arguments_agree
from otel_sqlite_exporter.genai.tool_tellings import (
    ARGUMENTS,
    BUCKET_NS,
    EVENT,
    REQUEST,
    RESULT,
    Group,
    Member,
    Result,
    Telling,
    is_same_domain,
)

_ECHO = "gen_ai.assistant.message"
_UNIQUE_LENGTH = 16
_NEAR_NS = 60 * 10**9


def find_groups(tellings: Iterable[Telling], results: Iterable[Result]) -> list[Group]:
    """Return the executions that tellings and results tell. Starts that their finish shows are in none."""
    members = {one.id: Member(one) for one in tellings if not one.has_finish}
    groups = _join_nested(members)
    by_id: defaultdict[str, list[Result]] = defaultdict(list)
    for result in sorted(results, key=lambda one: (one.time, one.result or "", one.id)):
        by_id[result.call_id].append(result)
    groups = _join_in_order(groups, by_id)
    left = list(_give_results(groups, by_id))
    _join_over_traces(groups, left, by_id)
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


def _join_in_order(units: list[Group], results: Mapping[str, list[Result]]) -> list[Group]:
    groups: list[Group] = []
    by_id: defaultdict[str, list[Group]] = defaultdict(list)
    by_name: defaultdict[tuple[int, str | None], list[Group]] = defaultdict(list)
    for unit in sorted(units, key=lambda one: one.first.place):
        same_id = [one for one in by_id[unit.call_id] if one.is_near(unit)] if unit.call_id else []
        found = next((one for one in reversed(same_id) if _is_told_again(one, unit, results)), None)
        # Without a name nothing says that two are of one tool.
        traces = {one.telling.trace for one in unit.members} - {0} if unit.name else set()
        same_name = (one for trace in sorted(traces) for one in by_name[trace, unit.name] if one is not found)
        candidates = [one for one in same_name if not (one.call_id and unit.call_id) and _is_told_besides(one, unit)]
        besides = min(candidates, key=lambda one: not _are_arguments_equal(one, unit), default=None)
        if found is not None:
            found.add(unit)
            if besides is not None and besides.executions() and not (besides.call_id or besides.asked_time):
                found.add(besides)
                besides.members = []
                groups.remove(besides)
                for named in by_name.values():
                    if besides in named:
                        named.remove(besides)
        elif besides is not None:
            found = besides
            found.add(unit)
        else:
            found = unit
            groups.append(unit)
        if found.call_id and found not in by_id[found.call_id]:
            by_id[found.call_id].append(found)
        for trace in traces:
            if found not in by_name[trace, found.name]:
                by_name[trace, found.name].append(found)
    return groups


def _is_told_again(group: Group, unit: Group, results: Mapping[str, list[Result]]) -> bool:
    """Whether `unit` tells the execution of `group`, which has the same call id and began before it."""
    executions = unit.executions()
    if not executions:
        if _is_echo(unit, results):
            return True
        asked = unit.asked_time or 0
        start = group.start
        if start is not None and start < asked:
            return False
        return not any(
            group.time < one.time <= asked and any(is_same_domain(one, two.telling) for two in unit.members)
            for one in results.get(unit.call_id or "", ())
        )
    return not any(
        group.has_form(one.telling.form) and not any(_overlap(one.telling, two.telling) for two in group.executions())
        for one in executions
    )


def _is_echo(unit: Group, results: Mapping[str, Sequence[Result]]) -> bool:
    """Whether a model call repeats what an answer before it asked for: its own prompt holds the result."""
    held = {(one.trace, one.span_id) for one in results.get(unit.call_id or "", ())}
    return not unit.executions() and all(
        one.telling.form == _ECHO or (one.telling.trace, one.telling.span_id) in held for one in unit.members
    )


def _is_told_besides(group: Group, unit: Group) -> bool:
    """Whether `unit` tells the execution of `group`, which began before it in the same trace, where at most one of them
    names a call id."""
    if not group.agrees(unit) or any(group.has_form(one.telling.form) for one in unit.members):
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
    return any(
        _are_known_equal(one.facts[ARGUMENTS], two.facts[ARGUMENTS]) for one in group.members for two in unit.members
    )


def _give_results(groups: list[Group], results: Mapping[str, list[Result]]) -> Iterator[Result]:
    """Give each result to the last execution with its call id before it in the same trace or session, and yield those
    for which there is none."""
    by_id: defaultdict[str | None, list[Group]] = defaultdict(list)
    for group in sorted(groups, key=lambda one: one.first.place):
        by_id[group.call_id].append(group)
    for call_id, found in results.items():
        named = by_id[call_id]
        for result in found:
            near = [one for one in named if any(is_same_domain(result, two.telling) for two in one.members)]
            before = [one for one in near if one.time <= result.time] or near[:1]
            if before:
                before[-1].results.append(result)
            else:
                yield result


def _join_over_traces(groups: list[Group], left: list[Result], results: Mapping[str, Sequence[Result]]) -> None:
    """Join what only a call id connects: tellings in traces of their own, which name no other session."""
    by_id: defaultdict[str, list[Group]] = defaultdict(list)
    for group in groups:
        if group.call_id:
            by_id[group.call_id].append(group)
    of_id: defaultdict[str, list[Result]] = defaultdict(list)
    for result in left:
        of_id[result.call_id].append(result)
    for call_id, same in by_id.items():
        if len(same) > 1:
            _join_contained(same)
            _join_echoes(same, results)
            asking = [one for one in same if one.members and one.start is None and not one.results]
            running = [one for one in same if one.members and one.start is not None and one.asked_time is None]
            starts = [one.start or 0 for one in running]
            for group, start in sorted(zip(running, starts, strict=True), key=lambda one: one[0].first.place):
                found = _find_asking(asking, group, start, call_id, starts)
                if found is not None:
                    found.add(group)
                    group.members = []
        open_groups = [one for one in same if one.members and not one.results]
        times = [one.time for one in of_id[call_id]]
        given = [(_find_asking(open_groups, one, one.time, call_id, times), one) for one in of_id[call_id]]
        for found, result in given:
            if found is not None:
                found.results.append(result)


def _join_contained(groups: Sequence[Group]) -> None:
    """Join what was told by two spans one of which ran inside the other: of the model call that asked, else of the
    execution."""
    for is_request in (True, False):
        times = {group: _find_times(group, is_request=is_request) for group in groups if group.members}
        for group, inner in sorted(times.items(), key=lambda one: one[0].first.place):
            if inner is None or (not is_request and group.asked_time is not None):
                continue
            around = sorted(
                (outer[1] - outer[0], one.first.place, outer, one)
                for one, outer in times.items()
                if outer is not None and one is not group and one.members
                if _contains(outer, inner) and _are_compatible(one, group) and one.agrees(group)
            )
            # The innermost, if each of them is inside the next.
            if around and all(_contains(two[2], one[2]) for one, two in pairwise(around)):
                around[0][3].add(group)
                group.members = []


def _join_echoes(groups: Sequence[Group], results: Mapping[str, Sequence[Result]]) -> None:
    """Give the result that a prompt holds beside an echo of the request to that request."""
    echoes = [one for one in groups if one.members and _is_echo(one, results)]
    asking = [one for one in groups if one.members and one not in echoes and not one.results]
    times = [one.time for one in echoes]
    found = [(one, _find_asking(asking, one, one.time, one.call_id or "", times)) for one in echoes]
    for echo, request in found:
        if request is not None:
            request.add(echo)
            echo.members = []


def _find_times(group: Group, *, is_request: bool) -> tuple[int, int] | None:
    """Return from when to when the spans ran that asked for it, or that executed it; None if there are none."""
    tellings = [one.telling for one in group.members if not one.is_wait]
    times = [
        (one.asked_time, one.end)
        for one in tellings
        if (one.kind == REQUEST and one.asked_time < one.end if is_request else one.kind != REQUEST)
    ]
    return (min(start for start, _ in times), max(end for _, end in times)) if times else None


def _contains(outer: tuple[int, int] | None, inner: tuple[int, int] | None) -> bool:
    return outer is not None and inner is not None and outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1]


def _are_compatible(one: Group, other: Group | Result) -> bool:
    """Whether they are not of two sessions, and neither contradicts the other's call."""
    sessions = one.sessions
    others = other.sessions if isinstance(other, Group) else {other.session} - {0}
    return sessions <= others or others <= sessions


def _find_asking(
    groups: Sequence[Group], one: Group | Result, time: int, call_id: str, others: Sequence[int]
) -> Group | None:
    """Return the last of `groups`, of the same service, that was asked for before `time`, and that no other of `others`
    follows. Where the call id is short, and so may be given again, there must be only one."""
    near_ns = BUCKET_NS if len(call_id) >= _UNIQUE_LENGTH else _NEAR_NS
    found = [
        group
        for group in groups
        if time - group.time >= 0
        and time - group.end <= near_ns
        and group.first.telling.service == (one.first.telling if isinstance(one, Group) else one).service
        and _are_compatible(group, one)
        and not any(group.time <= other < time for other in others)
    ]
    if not found or (len(found) > 1 and len(call_id) < _UNIQUE_LENGTH):
        return None
    return max(found, key=lambda group: group.first.place)
