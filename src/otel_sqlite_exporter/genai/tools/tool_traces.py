# SPDX-License-Identifier: Apache-2.0
"""Which tellings of a tool execution, in traces of their own, belong together: rules in `tool_groups`. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from otel_sqlite_exporter.genai.tools.tool_tellings import BUCKET_NS, REQUEST, Group, Result

_ECHO = "gen_ai.assistant.message"
_UNIQUE_LENGTH = 16
_NEAR_NS = 60 * 10**9


def is_echo(unit: Group, asked: Group, results: Mapping[str, Sequence[Result]]) -> bool:
    """Whether a model call repeats what an answer before it, in `asked`, asked for: its own prompt holds the result. A
    server that gives a call id again asks for something else."""
    return _may_be_echo(unit, results) and (asked.agrees(unit) or _is_repeated(unit))


def _is_repeated(unit: Group) -> bool:
    return all(one.telling.form == _ECHO for one in unit.members)


def _may_be_echo(unit: Group, results: Mapping[str, Sequence[Result]]) -> bool:
    held = {(one.trace, one.span_id) for one in results.get(unit.call_id or "", ())}
    return not unit.executions() and all(
        one.telling.form == _ECHO or (one.telling.trace, one.telling.span_id) in held for one in unit.members
    )


def join_over_traces(groups: list[Group], left: list[Result], results: Mapping[str, Sequence[Result]]) -> None:
    """Join what only a call id connects: tellings in traces of their own, which name no other session."""
    by_id: defaultdict[str, list[Group]] = defaultdict(list)
    for group in groups:
        if group.call_id:
            by_id[group.call_id].append(group)
    of_id: defaultdict[str, list[Result]] = defaultdict(list)
    for result in left:
        if result.call_id is not None:
            of_id[result.call_id].append(result)
    for call_id, same in by_id.items():
        if len(same) > 1:
            _join_contained(same)
            _join_echoes(same, results)
            asking = [one for one in same if one.members and one.start is None and not one.results]
            running = [one for one in same if one.members and one.start is not None and one.asked_time is None]
            starts = [one.start or 0 for one in running]
            candidates = _Asking(asking, zip(running, starts, strict=True), call_id)
            for group, start in sorted(zip(running, starts, strict=True), key=lambda one: one[0].first.place):
                found = candidates.find(group, start)
                if found is not None:
                    found.add(group)
                    group.members = []
        open_groups = [one for one in same if one.members and not one.results]
        candidates = _Asking(open_groups, ((one, one.time) for one in of_id[call_id]), call_id)
        given = [(candidates.find(one, one.time), one) for one in of_id[call_id]]
        for found, result in given:
            if found is not None:
                found.results.append(result)
                left.remove(result)
    _give_over_traces([one for one in groups if one.members and not one.results], left)


def _give_over_traces(groups: Sequence[Group], left: Iterable[Result]) -> None:
    """Give results in traces of their own to what asked for them without a call id, shortly before."""
    by_digest: defaultdict[int, list[Group]] = defaultdict(list)
    for group in groups:
        for digest in group.digests:
            by_digest[digest].append(group)
    of_digest: defaultdict[int, list[Result]] = defaultdict(list)
    for result in left:
        if result.digest is not None and result.digest in by_digest:
            of_digest[result.digest].append(result)
    given: list[tuple[Group | None, Result]] = []
    for digest, results in of_digest.items():
        others = [(one, one.time) for one in results]
        asking = [one for one in by_digest[digest] if not one.call_id]
        candidates = _Asking(by_digest[digest], others, ""), _Asking(asking, others, "")
        given += [(candidates[result.call_id is not None].find(result, result.time), result) for result in results]
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
    echoes = [one for one in groups if one.members and _may_be_echo(one, results)]
    asking = [one for one in groups if one.members and one not in echoes and not one.results]
    others = [(one, one.time) for one in echoes]
    candidates = _Asking(asking, others, groups[0].call_id or "")
    found = [(one, candidates.find(one, one.time)) for one in echoes]
    for echo, request in found:
        if request is not None and is_echo(echo, request, results):
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
    sessions, others = {*one.sessions}, {*_find_sessions(other)}
    return sessions <= others or others <= sessions


class _Asking:
    """Groups that ask, and what may follow them: `others` with their times. Which groups those are is decided when it
    is made; what they hold may change."""

    def __init__(self, groups: Sequence[Group], others: Iterable[tuple[Group | Result, int]], call_id: str) -> None:
        self._groups = sorted(groups, key=lambda one: one.time)
        self._times = [one.time for one in self._groups]
        self._others: defaultdict[int | None, list[int]] = defaultdict(list)
        for other, time in others:
            for session in _find_sessions(other) or {0}:
                self._others[session].append(time)
            self._others[None].append(time)
        for times in self._others.values():
            times.sort()
        self._is_unique = len(call_id) >= _UNIQUE_LENGTH

    def find(self, one: Group | Result, time: int) -> Group | None:
        """Return the last group, of the same service, that was asked for before `time`, and that no other of `others`
        follows that is of no other session. Where the call id is short, and so may be given again, there must be only
        one."""
        near_ns = BUCKET_NS if self._is_unique else _NEAR_NS
        sessions = _find_sessions(one)
        first = bisect_right(self._times, self._find_other(sessions, time))
        found = [
            group
            for group in self._groups[first : bisect_right(self._times, time)]
            if group.time <= time
            and time - group.end <= near_ns
            and group.first.telling.service == (one.first.telling if isinstance(one, Group) else one).service
            and _are_compatible(group, one)
        ]
        if not found or (len(found) > 1 and not self._is_unique):
            return None
        return max(found, key=lambda group: group.first.place)

    def _find_other(self, sessions: Collection[int], time: int) -> int:
        """Return when the last before `time` was that may be of these sessions."""
        last = -1
        for session in {*sessions, 0} if sessions else (None,):
            times = self._others.get(session, ())
            place = bisect_left(times, time)
            if place:
                last = max(last, times[place - 1])
        return last


def _find_sessions(one: Group | Result) -> Collection[int]:
    return one.sessions if isinstance(one, Group) else {one.session} - {0}
