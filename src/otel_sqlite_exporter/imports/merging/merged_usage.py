# SPDX-License-Identifier: Apache-2.0
"""The usage that files kept of calls which they removed, so that a call counts once: by itself, or in a sum.

Two files may know different times of one file: a pruned file has in sums what an older copy still has as calls, and the
merged file gets these calls. So of a day whose calls both have read of that file, the sums of that one are right which
removed less. A day whose calls only one has read has the sums of that one; any other day those of the later removal.
This gives the same in any order.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from otel_sqlite_exporter.imports.merging.merge_notes import AddedSums, SourcePosition, read_all_sums
from otel_sqlite_exporter.imports.merging.merge_sources import MergeSource
from otel_sqlite_exporter.imports.merging.side_tables import SourceNotes, read_facts, read_pages
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import read_state
from otel_sqlite_exporter.storage.transactions import transaction

_DaysOfFiles = Mapping[str, Mapping[int, int]]


class KnownTime(NamedTuple):
    """Which time of a file is known: the day (since 1970) of its newest call, and when it had last removed records."""

    day: int
    deleted: int


_NEVER = KnownTime(-1, -1)


def note_own_time(target: sqlite3.Connection, position: SourcePosition, before: SourcePosition) -> None:
    """Note what the target has by itself, where a source is read from its start: it may be a copy of the target, and
    brings back what the target removed."""
    if not (position.spans or position.logs) or position.spans < before.spans:
        facts = read_facts(target)
        position.own = [facts.newest_day, facts.last_deletion]


def merge_usage(target: sqlite3.Connection, source: MergeSource, notes: SourceNotes, position: SourcePosition) -> int:
    """Take over the sums that are right now that the calls of the source are in the target, all of one file at once.
    Return how many calls, at least, are in no sum any more though the source does not have them.

    Raises:
        DamagedFileError: The source cannot be read.
        sqlite3.Error: The target cannot be written.
    """
    facts = notes.facts
    ours = _find_times(read_all_sums(target))
    theirs = _find_times(notes.sums)
    if facts.name is not None:
        theirs[facts.name] = KnownTime(facts.newest_day, facts.last_deletion)
    own = read_state(target, "file")
    if position.own is not None:
        ours[str(own)] = KnownTime(*position.own)
    our_days, their_days = _read_days(target), source.read(_read_days)
    lost = 0
    for name in theirs.keys() | their_days.keys():
        known = ours.get(name, _NEVER), theirs.get(name, _NEVER)
        calls = our_days.get(name, {}), their_days.get(name, {})
        is_static = name == own and position.own is None
        days = [day for day in calls[0].keys() | calls[1].keys() if _is_theirs(day, known, calls, is_static=is_static)]
        if days:
            back = [day for day in days if day <= known[1].day]
            lost += _count_lost(source, *({day: counts.get(day, 0) for day in back} for counts in calls))
            _take_days(target, source, name, days)
    return lost


def _is_theirs(
    day: int,
    known: tuple[KnownTime, KnownTime],
    calls: tuple[Mapping[int, int], Mapping[int, int]],
    *,
    is_static: bool,
) -> bool:
    """Return whether the target takes the sums of a day from the source. `is_static`: they are of what the target
    removed itself, and no calls of before came back, so they only become more."""
    ours, theirs = known
    counts = calls[0].get(day, 0), calls[1].get(day, 0)
    if is_static and counts[1] <= counts[0]:
        return False
    if day <= ours.day:
        return not is_static and day <= theirs.day and counts[1] < counts[0]
    return day <= theirs.day or theirs.deleted > ours.deleted


def _count_lost(source: MergeSource, ours: Mapping[int, int], theirs: Mapping[int, int]) -> int:
    """Return how many calls of these days are in sums of the target, but neither in those of the source nor in it."""
    fewer = {day: calls - theirs[day] for day, calls in ours.items() if calls > theirs[day]}
    if not fewer:
        return 0
    values = {"days": json.dumps([*fewer])}
    found = source.read(lambda connection: connection.execute(read_query("count_calls_of_days"), values).fetchall())
    held = dict(found)
    return sum(max(0, calls - held.get(day, 0)) for day, calls in fewer.items())


def _take_days(target: sqlite3.Connection, source: MergeSource, name: str, days: list[int]) -> None:
    values = {"source": name, "days": json.dumps(days)}
    with transaction(target):
        target.execute(read_query("forget_days_of_usage"), values)
        for rows in read_pages(source, "read_source_usage", **values):
            target.executemany(read_query("merge_usage"), rows)


def _find_times(sums: Mapping[str, AddedSums]) -> dict[str, KnownTime]:
    return {
        one.name: KnownTime(-1 if one.day is None else one.day, one.deleted)
        for one in sums.values()
        if one.name is not None
    }


def _read_days(connection: sqlite3.Connection) -> _DaysOfFiles:
    """Return how many calls each file has removed, by its name and their day."""
    days: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for name, day, calls in connection.execute(read_query("sum_kept_usage")):
        days[name][day] = calls
    return days
