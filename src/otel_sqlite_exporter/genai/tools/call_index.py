# SPDX-License-Identifier: Apache-2.0
"""Finds groups and results by their call in a trace or session. An application may give all of its calls the same id:
so of thousands with it, each looks at those of its own trace and session. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from otel_sqlite_exporter.genai.tools.tool_tellings import Group, Member, Result, Telling

_Domain = tuple[bool, int]


class NearGroups:
    """Groups by call (an id, or a digest of what is asked for), and by the traces and sessions of their tellings."""

    def __init__(self) -> None:
        self._groups: defaultdict[tuple[str | int, _Domain], dict[Group, int]] = defaultdict(dict)
        self._numbers: dict[Group, int] = {}

    def place(self, call: str | int, group: Group) -> None:
        """Add a group, or the tellings that it has got since."""
        number = self._numbers.setdefault(group, len(self._numbers))
        for member in group.members:
            for domain in _list_domains(member.telling):
                self._groups[call, domain][group] = number

    def find(self, call: str | int, near: Iterable[Telling | Result]) -> list[Group]:
        """Return the groups with a call in a trace or session of one of `near`, as they came."""
        found: dict[Group, int] = {}
        for one in near:
            for domain in _list_domains(one):
                found |= self._groups.get((call, domain), {})
        return sorted(found, key=found.__getitem__)


class HeldResults:
    """Results that prompts hold, by call id."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._spans: set[tuple[str, int, str]] = set()
        self._times: defaultdict[tuple[str, _Domain], list[int]] = defaultdict(list)
        for one in sorted(results, key=lambda one: one.time):
            if one.call_id is not None:
                self._spans.add((one.call_id, one.trace, one.span_id))
                for domain in _list_domains(one):
                    self._times[one.call_id, domain].append(one.time)

    def is_in(self, call_id: str | None, telling: Telling) -> bool:
        """Return whether the prompt of the span of a telling holds a result of this call."""
        return (call_id or "", telling.trace, telling.span_id) in self._spans

    def has_between(self, call_id: str | None, members: Iterable[Member], after: int, until: int) -> bool:
        """Return whether there is a result of this call, in a trace or session of one of `members`, later than `after`
        and not later than `until`."""
        for member in members:
            for domain in _list_domains(member.telling):
                times = self._times.get((call_id or "", domain), ())
                place = bisect_right(times, until)
                if place and times[place - 1] > after:
                    return True
        return False


def _list_domains(one: Telling | Result) -> Iterator[_Domain]:
    if one.trace:
        yield False, one.trace
    if one.session:
        yield True, one.session
