# SPDX-License-Identifier: Apache-2.0
"""Pairs start records with finish records. Pure.

The name of a record gives its phase: `llm.call.start` starts and `llm.call.finish` (or `.end`, `.stop`, `.result`,
`.error`) finishes; `llm.call` is their stem. `tool.execution` starts and `tool.result` finishes. Records of one span
are paired first; an unpaired record may then be paired by time with a record of another span.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from otel_sqlite_exporter.model.event_names import SCORE_EVENT

_PHASES = {
    "start": "start",
    "finish": "finish",
    "end": "finish",
    "stop": "finish",
    "result": "finish",
    "error": "finish",
}

# Start records whose name has no phase.
_STARTS = {"tool.execution": "tool"}


_SAME_NS = 10**9
REPEAT = "repeat"
"""`link_method` of a log record that tells again what an event of its span tells."""


@lru_cache(1024)
def split_phase(name: str) -> tuple[str | None, str | None]:
    """Return (stem, phase) of a record's name, or (None, None) if it is neither start nor finish."""
    if name == SCORE_EVENT:
        return None, None
    if name in _STARTS:
        return _STARTS[name], "start"
    stem, dot, suffix = name.rpartition(".")
    phase = _PHASES.get(suffix)
    # SQLite's JSON functions end a text at NUL, and stems are looked up through them.
    return (stem.replace("\0", "\ufffd"), phase) if dot and stem and phase else (None, None)


def link_within_span(records: Sequence[tuple[str, str, int]]) -> dict[int, int]:
    """Pair the records of one span, given as (stem, phase, time). Each finish takes the earliest start of its stem that
    is not later and not yet taken. Return the index of the partner for the index of each paired record, both ways."""
    if len(records) == 2:  # the common case, ten times faster
        (stem, phase, time), (other_stem, other_phase, other_time) = records
        if stem == other_stem and phase == "start" and other_phase == "finish" and time <= other_time:
            return {0: 1, 1: 0}
    mates: dict[int, int] = {}
    waiting: defaultdict[str, deque[int]] = defaultdict(deque)
    for index in sorted(range(len(records)), key=lambda index: _in_time(records[index], index)):
        stem, phase, _ = records[index]
        if phase == "start":
            waiting[stem].append(index)
        elif waiting[stem]:
            start = waiting[stem].popleft()
            mates[start], mates[index] = index, start
    return mates


def find_repeats(records: Sequence[tuple[str, int, bool]]) -> set[int]:
    """Return the indexes of the log records that tell again what an event of the same span tells: with its name, and
    within a second of it. The records of one span are given in order of time, as (name, time, whether it is a log
    record). Each event is told again by one log record at most, the first by the first."""
    repeats: set[int] = set()
    if len({is_log for _, _, is_log in records}) < 2:
        return repeats
    for name in {name for name, _, _ in records}:
        events = deque(time for other, time, is_log in records if other == name and not is_log)
        for index, (other, time, is_log) in enumerate(records):
            if other != name or not is_log:
                continue
            while events and events[0] < time - _SAME_NS:
                events.popleft()
            if events and events[0] <= time + _SAME_NS:
                events.popleft()
                repeats.add(index)
    return repeats


def _in_time(record: tuple[str, str, int], index: int) -> tuple[int, bool, int]:
    return record[2], record[1] != "start", index


class Candidate(NamedTuple):
    """A record that may be paired by time. Candidates sort by time, a start before a finish, then in an order that does
    not depend on arrival. `trace` is None for a log record outside any trace."""

    time_unix_nano: int
    is_finish: int
    span_id: str
    ordinal: int
    id: int
    trace: int | None
    session: int | None
    stem: str
    related_event: int | None
    related_trace: int | None


def link_by_time(candidates: Iterable[Candidate], window_ns: int) -> dict[int, int]:
    """Pair candidates of one stem: first inside each trace, then the rest inside each session. A finish takes the
    earliest start that is not later, at most `window_ns` older, and not yet taken. Return the id of the partner for the
    id of each paired record, both ways."""
    mates: dict[int, int] = {}
    ordered = sorted(candidates)
    _take_in_time(((one, (one.trace, one.stem)) for one in ordered if one.trace is not None), window_ns, mates)
    rest = [one for one in ordered if one.id not in mates and one.session is not None]
    _take_in_time(((one, (one.session, one.stem)) for one in rest), window_ns, mates)
    return mates


def _take_in_time(ordered: Iterable[tuple[Candidate, object]], window_ns: int, mates: dict[int, int]) -> None:
    waiting: defaultdict[object, deque[Candidate]] = defaultdict(deque)
    for one, group in ordered:
        queue = waiting[group]
        if not one.is_finish:
            queue.append(one)
            continue
        while queue and one.time_unix_nano - queue[0].time_unix_nano > window_ns:
            queue.popleft()
        if queue:
            start = queue.popleft()
            mates[start.id], mates[one.id] = one.id, start.id
