# SPDX-License-Identifier: Apache-2.0
"""Pairs records by time in the file: after a batch, the links that the batch can have changed.

Pairing goes forward in time, so a record at time T changes no link inside its trace whose finish is earlier than T. The
records that a trace leaves over are offered to its session: there, no link changes whose finish is earlier than T less
the window.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.pairs import Candidate, link_by_time
from otel_sqlite_exporter.write.statements import read_json, run_script


class Change(NamedTuple):
    """Records of a stem, the earliest at this time, came to or left a trace (by its key), or left a session. Log
    records without a trace come to a session."""

    trace: int | None
    session: int | None
    stem: str
    time_unix_nano: int


def relink_records(
    connection: sqlite3.Connection, changes: Iterable[Change], window_ns: int, relinked: set[int]
) -> None:
    """Bring the links by time that `changes` can have changed up to date. Adds the keys of `_events` that have another
    partner than before, or lost theirs, to `relinked`."""
    wanted = set(changes)
    since: dict[str, int] = {}
    for change in wanted:
        since[change.stem] = min(change.time_unix_nano, since.get(change.stem, change.time_unix_nano))
    if not since:
        return
    groups = {(change.trace, change.session, change.stem) for change in wanted}
    starts = [[trace, session, stem, max(0, since[stem] - 2 * window_ns)] for trace, session, stem in groups]
    (found,) = read_json(connection, "find_temporal_candidates", changes=starts)
    candidates = [Candidate(*columns) for columns in found]
    changed = {(change.trace, change.stem) for change in wanted}
    unchanged = {one.id for one in candidates if one.is_finish and one.time_unix_nano < since[one.stem] - window_ns}
    free = [
        one
        for one in candidates
        if one.id not in unchanged
        and one.related_event not in unchanged
        # A link inside a trace stands as long as nothing in that trace changes, whatever its session gets.
        and (one.related_trace is None or one.related_trace != one.trace or (one.trace, one.stem) in changed)
    ]
    mates = link_by_time(free, window_ns)
    changed_links = [one for one in free if mates.get(one.id) != one.related_event]
    links: list[list[Any]] = [
        [one.id, mates.get(one.id), "temporal" if one.id in mates else None] for one in changed_links
    ]
    if links:
        run_script(connection, "relink_events", links=links)
        relinked.update(one.id for one in changed_links)
        relinked.update(one.related_event for one in changed_links if one.related_event is not None)


def find_stems(
    connection: sqlite3.Connection,
    *,
    trace_sessions: Collection[int] = (),
    spans: Collection[int] = (),
    logs: Collection[int] = (),
) -> list[Change]:
    """Return the changes that adding the records of these rows that may pair by time would make. `trace_sessions` are
    keys of `_trace_sessions`, `spans` of `_spans`, `logs` of `_logs`."""
    (found,) = read_json(connection, "find_stems", trace_sessions=trace_sessions, spans=spans, logs=logs)
    return [Change(*columns) for columns in found]
