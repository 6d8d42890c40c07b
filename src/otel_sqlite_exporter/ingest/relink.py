# SPDX-License-Identifier: Apache-2.0
"""Pairs records by time in the file: after a batch, anew for as much of each group as the batch can have changed.

Pairing goes forward in time, so a record at time T changes no link whose finish is earlier than T; and because what is
left over inside a trace is offered to the session, none whose finish is earlier than T less the window.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.ingest.pairs import Candidate, link_by_time
from otel_sqlite_exporter.sql.texts import read_query


class Group(NamedTuple):
    """Records that may pair with each other: those of one stem in a session, or in a trace without one."""

    session: int | None
    trace: int
    stem: str


def relink_groups(connection: sqlite3.Connection, changed: Iterable[tuple[Group, int]], window_ns: int) -> None:
    """Bring the temporal links of each changed group up to date; the number is the time of its earliest change."""
    since: dict[tuple[int, int, str], int] = {}
    for group, time in changed:
        key = (group.session or 0, 0 if group.session else group.trace, group.stem)
        since[key] = min(time, since.get(key, time))
    if not since:
        return
    wanted = [
        [session or None, trace, stem, max(0, time - 2 * window_ns)] for (session, trace, stem), time in since.items()
    ]
    (found,) = connection.execute(
        read_query("find_temporal_candidates"), {"groups": orjson.dumps(wanted).decode()}
    ).fetchone()
    candidates = [
        Candidate(time, is_finish, span_id or "", ordinal, id, trace, (session, trace_group, stem), related, method)
        for time, is_finish, span_id, ordinal, id, trace, session, trace_group, stem, related, method in orjson.loads(
            found
        )
    ]
    settled = {one.id for one in candidates if one.is_finish and one.time_unix_nano < since[one.group] - window_ns}
    free = [one for one in candidates if one.id not in settled and one.related_event not in settled]
    mates = link_by_time(free, window_ns)
    changes: list[list[Any]] = [
        [one.id, mate, "temporal" if mate else None] for one in free if (mate := mates.get(one.id)) != one.related_event
    ]
    if changes:
        connection.execute(read_query("relink_events"), {"links": orjson.dumps(changes).decode()})
