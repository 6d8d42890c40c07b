# SPDX-License-Identifier: Apache-2.0
"""Tellings of tool executions: what spans, events, log records and messages of models each tell of one. Pure."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.messages.tool_content import do_arguments_agree
from otel_sqlite_exporter.genai.messages.tool_mentions import DIGEST_BITS

SPAN, EVENT, REQUEST = range(3)
FACTS = (
    *("tool_name", "tool_call_id", "tool_type", "user_id", "agent_name", "error_type", "status_code", "arguments"),
    *("result", "waiting_ms"),
)
NAME, CALL_ID, TYPE, USER, AGENT, ERROR_TYPE, STATUS, ARGUMENTS, RESULT, WAITING = range(len(FACTS))
BUCKET_NS = 1 << 42
_HASH_BITS = 20
_DIGEST_MASK = (1 << DIGEST_BITS) - 1


def make_call_key(call_id: str, time_unix_nano: int) -> int:
    """Return what an index finds a call id by: the time in steps of 2**42 ns (73 minutes), then a digest of the id. So
    new keys are near each other in the index. Those who look for an id ask for the steps before and after, too."""
    digest = zlib.crc32(call_id.encode("utf-8", "surrogatepass")) & (1 << _HASH_BITS) - 1
    return time_unix_nano // BUCKET_NS << _HASH_BITS | digest


def make_asked_key(digest: int, time_unix_nano: int) -> int:
    """Return what an index finds a call without an id by, as `make_call_key` does: the time, then the digest of what is
    asked for."""
    return time_unix_nano // BUCKET_NS << DIGEST_BITS | digest


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
    asked_key: int | None
    own_facts: dict[str, Any] | None
    facts: list[Any]
    shown: list[Any]

    def find_own(self) -> list[Any]:
        """Return the facts that the record itself tells."""
        own = self.own_facts
        if own is None:
            return self.facts
        return [own.get(name, fact) for name, fact in zip(FACTS, self.facts, strict=True)]


class Result(NamedTuple):
    """A row of `_tool_results`: a result in the prompt of a model call that began at `time`."""

    id: int
    call_key: int | None
    asked_key: int | None
    trace: int
    session: int
    service: str
    call_id: str | None
    time: int
    result: str | None
    is_error: int
    span_id: str

    @property
    def digest(self) -> int | None:
        """The digest of the call in the prompt."""
        return None if self.asked_key is None else self.asked_key & _DIGEST_MASK


class Member:
    """A telling with its own facts and what it shows besides. `place` is its place in the order of tellings: by time,
    what is around others first."""

    __slots__ = ("facts", "own", "place", "telling")

    def __init__(self, telling: Telling) -> None:
        self.telling = one = telling
        self.own = own = telling.find_own()
        self.facts = facts = [other if fact is None else fact for fact, other in zip(own, telling.shown, strict=True)]
        told = [fact or "" for fact in (facts[NAME], facts[CALL_ID], facts[ARGUMENTS], facts[RESULT])]
        self.place = (one.start, one.kind, -one.end, one.trace != 0, one.span_id, one.form, *told, one.id)

    @property
    def is_wait(self) -> bool:
        """Whether it tells only how long a tool waited for a user."""
        return self.own[WAITING] is not None

    @property
    def is_error(self) -> bool:
        """Whether it failed."""
        return self.facts[STATUS] == 2 or self.facts[ERROR_TYPE] is not None


class Group:
    """The tellings of one execution. `asked` and `start` are None without a request, or without an execution. `forms`
    and `arguments` are those of its tellings, each once."""

    def __init__(self, member: Member) -> None:
        self.members = [member]
        self.forms = {member.telling.form}
        self.arguments: set[str | None] = {member.facts[ARGUMENTS]}
        self.results: list[Result] = []
        self.call_id: str | None = member.facts[CALL_ID]
        self.name: str | None = member.facts[NAME]

    def add(self, other: Group) -> None:
        """Take the tellings of another group."""
        self.members += other.members
        self.forms |= other.forms
        self.arguments |= other.arguments
        self.results += other.results
        self.call_id = self.call_id or other.call_id
        self.name = self.name or other.name

    def executions(self) -> list[Member]:
        """Return the tellings that are not requests."""
        return [one for one in self.members if one.telling.kind != REQUEST and not one.is_wait]

    @property
    def sessions(self) -> set[int]:
        """The sessions that its tellings and results are in."""
        return ({one.telling.session for one in self.members} | {one.session for one in self.results}) - {0}

    @property
    def first(self) -> Member:
        """The earliest telling."""
        return self.members[0] if len(self.members) == 1 else min(self.members, key=lambda one: one.place)

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

    @property
    def digests(self) -> set[int]:
        """The digests of the requests without a call id."""
        keys = (one.telling.asked_key for one in self.members)
        return {key & _DIGEST_MASK for key in keys if key is not None}

    def agrees(self, other: Group, *, is_same_id: bool = False) -> bool:
        """Whether ids, names and arguments are the same, as far as both have them."""
        if self.call_id and other.call_id and self.call_id != other.call_id:
            return False
        if not is_same_id and self.name and other.name and self.name != other.name:
            return False
        return is_same_id or all(do_arguments_agree(one, two) for one in self.arguments for two in other.arguments)


def find_wanted(tellings: Collection[Telling], results: Collection[Result]) -> dict[str, set[Any]]:
    """Return by which keys, names and ids the other tellings of these executions are found. A key comes with the trace
    of what has it and each session that such a trace shows, 0 if there is none: nested tellings are one execution, also
    if they are of two sessions."""
    sessions: defaultdict[int, set[int]] = defaultdict(set)
    told: tuple[Telling | Result, ...] = (*tellings, *results)
    for source in told:
        sessions[source.trace].add(source.session)

    def find_places(one: Telling | Result) -> Iterator[tuple[int, int]]:
        return ((one.trace, session) for session in (sessions[one.trace] if one.trace else (one.session,)))

    keys: set[tuple[int, int, int]] = set()
    asked: set[tuple[int, int, int]] = set()
    names: set[tuple[int, str]] = set()
    named: set[tuple[int, str]] = set()
    tools: set[int] = set()
    for one in tellings:
        call_id, name = one.find_own()[CALL_ID] or one.shown[CALL_ID], one.find_own()[NAME] or one.shown[NAME]
        if call_id is not None:
            keys.update((make_call_key(call_id, one.end), *place) for place in find_places(one))
        if one.asked_key is not None:
            asked.update((one.asked_key, *place) for place in find_places(one))
        if name is not None and one.trace:
            (names if call_id is None else named).add((one.trace, name))
        tools.update(id for id in (one.around, one.merged_into) if id)
        if one.own_facts is not None or one.counted:
            tools.add(one.id)
    for result in results:
        for found, key in ((keys, result.call_key), (asked, result.asked_key)):
            if key is not None:
                found.update((key, *place) for place in find_places(result))
    return {"keys": keys, "asked": asked, "names": names, "named": named, "tools": tools}


def find_distances(
    tellings: Iterable[Telling], results: Iterable[Result], seeds: Collection[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Return how far tellings ("tool" and id) and results ("result" and id) are from `seeds`: 0 in the same trace or
    session, 1 where a call id, or what is asked for, leads to another, 2 where it leads on from there."""
    by_node: defaultdict[Any, list[tuple[str, int]]] = defaultdict(list)
    nodes_of: dict[tuple[str, int], list[Any]] = {}

    def add(place: tuple[str, int], nodes: list[Any], trace: int, session: int, *calls: str | int | None) -> None:
        for call in calls:
            if call:
                nodes += [("trace", trace, call)] if trace else []
                nodes += [("session", session, call)] if session else []
                nodes.append(("call", call))
        nodes_of[place] = nodes
        for node in nodes:
            by_node[node].append(place)

    for one in tellings:
        own = one.find_own()
        call_id, name = own[CALL_ID] or one.shown[CALL_ID], own[NAME] or one.shown[NAME]
        nodes: list[Any] = [("tool", one.id), *(("tool", id) for id in (one.around, one.merged_into) if id)]
        nodes += [("name", one.trace, name)] if one.trace and name else []
        digest = None if one.asked_key is None else one.asked_key & _DIGEST_MASK
        add(("tool", one.id), nodes, one.trace, one.session, call_id, digest)
    for result in results:
        add(("result", result.id), [], result.trace, result.session, result.call_id, result.digest)
    distances: dict[tuple[str, int], int] = {}
    reached = [place for place in seeds if place in nodes_of]
    for distance in range(3):
        seen: set[Any] = set()
        stack, beyond = reached, set()
        while stack:
            place = stack.pop()
            if place in distances:
                continue
            distances[place] = distance
            for node in nodes_of[place]:
                if node[0] == "call":
                    beyond.add(node)
                elif node not in seen:
                    seen.add(node)
                    stack += by_node[node]
        reached = [place for node in beyond for place in by_node[node]]
    return distances
