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

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.genai.tool_content import do_arguments_agree, is_map

SPAN, EVENT, REQUEST = range(3)
FACTS = (
    *("tool_name", "tool_call_id", "tool_type", "user_id", "agent_name", "error_type", "status_code", "arguments"),
    *("result", "waiting_ms"),
)
_NAME, _CALL_ID, _TYPE, _USER, _AGENT, _ERROR_TYPE, _STATUS, _ARGUMENTS, _RESULT, _WAITING = range(len(FACTS))
_ECHO = "gen_ai.assistant.message"
_BUCKET_BITS, _HASH_BITS = 42, 20
_UNIQUE_LENGTH = 16
_NEAR_NS, _NEAR_UNIQUE_NS = 60 * 10**9, 1 << _BUCKET_BITS


def make_call_key(call_id: str, time_unix_nano: int) -> int:
    """Return what an index finds a call id by: the time in steps of 2**42 ns (73 minutes), then a digest of the id. So
    new keys are near each other in the index. Those who look for an id ask for the steps before and after, too."""
    digest = zlib.crc32(call_id.encode("utf-8", "surrogatepass")) & (1 << _HASH_BITS) - 1
    return time_unix_nano >> _BUCKET_BITS << _HASH_BITS | digest


class Telling(NamedTuple):
    """A row of `_tool_interactions`, in the order of queries/write/read_tools.sql. `trace` and `session` are keys, 0 if
    there is none. `asked_time` is the start of the model call, of a request. `around` is the telling of the span
    around it. `facts` are those in the file, `shown` what the row shows besides."""

    id: int
    kind: int
    trace: int
    session: int
    service: str
    span_id: str
    parent_span_id: str
    form: str
    start: int
    end: int
    asked_time: int
    around: int | None
    has_finish: int
    is_stale: int
    merged_into: int | None
    counted: int
    own_facts: dict[str, Any] | None
    facts: list[Any]
    shown: list[Any]

    def find_own(self) -> list[Any]:
        """Return the facts that the record itself tells."""
        own = self.own_facts or {}
        return [own.get(name, fact) for name, fact in zip(FACTS, self.facts, strict=True)]


class Result(NamedTuple):
    """A row of `_tool_results`: a result in the prompt of a model call that began at `time`."""

    id: int
    call_key: int
    trace: int
    session: int
    service: str
    call_id: str
    time: int
    result: str | None
    span_id: str


class Member:
    """A telling with its own facts and what it shows besides."""

    __slots__ = ("asked", "facts", "name", "own", "telling")

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.own = telling.find_own()
        self.facts = [other if fact is None else fact for fact, other in zip(self.own, telling.shown, strict=True)]

    @property
    def is_wait(self) -> bool:
        """Whether it tells only how long a tool waited for a user."""
        return self.own[_WAITING] is not None

    @property
    def is_error(self) -> bool:
        """Whether it failed."""
        return self.facts[_STATUS] == 2 or self.facts[_ERROR_TYPE] is not None

    @property
    def place(self) -> tuple[Any, ...]:
        """The order of tellings: by time, what is around others first."""
        one = self.telling
        return one.start, one.kind, -one.end, one.trace != 0, one.span_id, one.form, repr(self.facts), one.id


class Group:
    """The tellings of one execution. `asked` and `start` are None without a request, or without an execution."""

    def __init__(self, member: Member) -> None:
        self.members = [member]
        self.results: list[Result] = []
        self.call_id: str | None = member.facts[_CALL_ID]
        self.name: str | None = member.facts[_NAME]

    def add(self, other: Group) -> None:
        """Take the tellings of another group."""
        self.members += other.members
        self.results += other.results
        self.call_id = self.call_id or other.call_id
        self.name = self.name or other.name

    def executions(self) -> list[Member]:
        """Return the tellings that are not requests."""
        return [one for one in self.members if one.telling.kind != REQUEST and not one.is_wait]

    @property
    def first(self) -> Member:
        """The earliest telling."""
        return min(self.members, key=lambda one: one.place)

    @property
    def time(self) -> int:
        """When it was asked for, else when it began."""
        return min(one.telling.start for one in self.members)

    @property
    def end(self) -> int:
        """When its last telling ended."""
        return max(one.telling.end for one in self.members)

    @property
    def start(self) -> int | None:
        """When its first execution began."""
        return min((one.telling.start for one in self.executions()), default=None)

    @property
    def asked_time(self) -> int | None:
        """When the model call began that asked first."""
        return min((one.telling.asked_time for one in self.members if one.telling.kind == REQUEST), default=None)

    def has_form(self, form: str) -> bool:
        """Whether a telling of this form is among its tellings."""
        return any(one.telling.form == form for one in self.members)

    def agrees(self, other: Group, *, is_same_id: bool = False) -> bool:
        """Whether ids, names and arguments are the same, as far as both have them."""
        if self.call_id and other.call_id and self.call_id != other.call_id:
            return False
        if not is_same_id and self.name and other.name and self.name != other.name:
            return False
        return is_same_id or all(
            do_arguments_agree(one.facts[_ARGUMENTS], two.facts[_ARGUMENTS])
            for one in self.members
            for two in other.members
        )

    def is_near(self, other: Group) -> bool:
        """Whether a telling of each is in the same trace or session."""
        return any(_is_same_domain(one.telling, two.telling) for one in self.members for two in other.members)


def _is_same_domain(one: Telling | Result, other: Telling | Result) -> bool:
    return (one.trace == other.trace != 0) or (one.session == other.session != 0)


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
        traces = {one.telling.trace for one in unit.members} - {0}
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
            group.time < one.time <= asked and any(_is_same_domain(one, two.telling) for two in unit.members)
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
    if not _are_known_equal(first.facts[_ARGUMENTS], second.facts[_ARGUMENTS]) or other.start < one.end:
        return False
    if first.is_error:
        return second.is_error and one.parent_span_id == other.parent_span_id != ""
    return first.facts[_RESULT] is None and (second.facts[_RESULT] is not None or second.is_error)


def _overlap(one: Telling, other: Telling) -> bool:
    return one.start <= other.end and other.start <= one.end


def _are_known_equal(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and do_arguments_agree(one, other)


def _are_arguments_equal(group: Group, unit: Group) -> bool:
    return any(
        _are_known_equal(one.facts[_ARGUMENTS], two.facts[_ARGUMENTS]) for one in group.members for two in unit.members
    )


def _give_results(groups: list[Group], results: Mapping[str, list[Result]]) -> Iterator[Result]:
    """Give each result to the last execution with its call id before it in the same trace or session, and yield those
    for which there is none."""
    for call_id, found in results.items():
        named = sorted((one for one in groups if one.call_id == call_id), key=lambda one: one.first.place)
        for result in found:
            near = [one for one in named if any(_is_same_domain(result, two.telling) for two in one.members)]
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
                found = _find_asking(asking, group.first.telling, start, call_id, starts)
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
    inner = [(one, _find_around(groups, one)) for one in groups]
    for group, around in inner:
        if around is not None:
            around.add(group)
            group.members = []


def _join_echoes(groups: Sequence[Group], results: Mapping[str, Sequence[Result]]) -> None:
    """Give the result that a prompt holds beside an echo of the request to that request."""
    echoes = [one for one in groups if one.members and _is_echo(one, results)]
    asking = [one for one in groups if one.members and one not in echoes and not one.results]
    times = [one.time for one in echoes]
    found = [(one, _find_asking(asking, one.first.telling, one.time, one.call_id or "", times)) for one in echoes]
    for echo, request in found:
        if request is not None:
            request.add(echo)
            echo.members = []


def _find_around(groups: Sequence[Group], inner: Group) -> Group | None:
    """Return the one execution of a span that was running all the time of `inner`, and is inside no other itself."""
    if inner.start is None or inner.asked_time is not None:
        return None
    found = [
        one
        for one in groups
        if one is not inner
        and one.start is not None
        and _are_sessions_compatible(one.first.telling, inner.first.telling)
        and _span_of(one) is not None
        and _contains(_span_of(one), (inner.start, inner.end))
    ]
    return found[0] if len(found) == 1 else None


def _span_of(group: Group) -> tuple[int, int] | None:
    times = [(one.telling.start, one.telling.end) for one in group.executions() if one.telling.kind == SPAN]
    return (min(start for start, _ in times), max(end for _, end in times)) if times else None


def _contains(outer: tuple[int, int] | None, inner: tuple[int, int]) -> bool:
    return outer is not None and outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1]


def _are_sessions_compatible(one: Telling | Result, other: Telling | Result) -> bool:
    return not (one.session and other.session) or one.session == other.session


def _find_asking(
    groups: Sequence[Group], one: Telling | Result, time: int, call_id: str, others: Sequence[int]
) -> Group | None:
    """Return the last of `groups`, of the same service, that was asked for before `time`, and that no other of `others`
    follows. Where the call id is short, and so may be given again, there must be only one."""
    near_ns = _NEAR_UNIQUE_NS if len(call_id) >= _UNIQUE_LENGTH else _NEAR_NS
    found = [
        group
        for group in groups
        if time - group.time >= 0
        and time - group.end <= near_ns
        and group.first.telling.service == one.service
        and _are_sessions_compatible(group.first.telling, one)
        and not any(group.time <= other < time for other in others)
    ]
    if not found or (len(found) > 1 and len(call_id) < _UNIQUE_LENGTH):
        return None
    return max(found, key=lambda group: group.first.place)


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
            one.facts[_RESULT] is None and not one.is_error and one.telling.end < last,
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
    for index in (_NAME, _CALL_ID, _TYPE, _RESULT, *(() if is_request else (_USER, _AGENT, _ERROR_TYPE))):
        if shown.facts[index] is None:
            facts[index] = next((one.facts[index] for one in order if one.facts[index] is not None), None)
    if not is_map(shown.facts[_ARGUMENTS]):
        known = [one.facts[_ARGUMENTS] for one in order if one.facts[_ARGUMENTS] is not None]
        best = next((one for one in known if is_map(one)), next(iter(known), None))
        if best != shown.facts[_ARGUMENTS]:
            facts[_ARGUMENTS] = best
    if not is_request and any(one.facts[_STATUS] == 2 for one in order):
        facts[_STATUS] = 2
    if shown.facts[_RESULT] is None and facts[_RESULT] is None and group.results:
        facts[_RESULT] = min(group.results, key=lambda one: (one.time, one.result or "")).result
    waits = [one.telling.end - one.telling.start for one in group.members if one.is_wait]
    facts[_WAITING] = sum(waits) / 1e6 if waits else None
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


def find_wanted(tellings: Iterable[Telling]) -> dict[str, set[Any]]:
    """Return by which keys, names and ids the other tellings of these executions are found."""
    keys: set[int] = set()
    names: set[tuple[int, str]] = set()
    tools: set[int] = set()
    for one in tellings:
        call_id, name = one.find_own()[_CALL_ID] or one.shown[_CALL_ID], one.find_own()[_NAME] or one.shown[_NAME]
        if call_id is not None:
            keys.add(make_call_key(call_id, one.end))
        if name is not None and one.trace:
            names.add((one.trace, name))
        tools.update(id for id in (one.around, one.merged_into) if id)
        if one.own_facts is not None or one.counted:
            tools.add(one.id)
    return {"keys": keys, "names": names, "tools": tools}


def find_distances(tellings: Iterable[Telling], seeds: Collection[int]) -> dict[int, int]:
    """Return how far tellings are from `seeds`: 0 in the same trace or session, 1 where a call id leads to another, 2
    where it leads on from there."""
    by_node: defaultdict[Any, list[Telling]] = defaultdict(list)
    nodes_of: dict[int, list[Any]] = {}
    for one in tellings:
        own = one.find_own()
        call_id, name = own[_CALL_ID] or one.shown[_CALL_ID], own[_NAME] or one.shown[_NAME]
        nodes: list[Any] = [("tool", one.id), *(("tool", id) for id in (one.around, one.merged_into) if id)]
        if one.trace:
            nodes += [("name", one.trace, name)] if name else []
            nodes += [("trace", one.trace, call_id)] if call_id else []
        if call_id:
            nodes += [("session", one.session, call_id)] if one.session else []
            nodes.append(("id", call_id))
        nodes_of[one.id] = nodes
        for node in nodes:
            by_node[node].append(one)
    distances: dict[int, int] = {}
    reached = [id for id in seeds if id in nodes_of]
    for distance in range(3):
        seen: set[Any] = set()
        stack, beyond = reached, set()
        while stack:
            id = stack.pop()
            if id in distances:
                continue
            distances[id] = distance
            for node in nodes_of[id]:
                if node[0] == "id":
                    beyond.add(node)
                elif node not in seen:
                    seen.add(node)
                    stack += [one.id for one in by_node[node]]
        reached = [one.id for node in beyond for one in by_node[node]]
    return distances
