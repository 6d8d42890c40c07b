# SPDX-License-Identifier: Apache-2.0
"""Moves log records to the session of their span, and pairs those of one span, in any order of arrival."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from itertools import groupby

from otel_sqlite_exporter.encode.pairs import link_within_span, split_phase
from otel_sqlite_exporter.write.statements import read_json, run_script
from otel_sqlite_exporter.write.temporal_links import Change


def follow_spans(
    connection: sqlite3.Connection, spans: Collection[int], shown: Mapping[int, int | None], left: set[int]
) -> list[Change]:
    """Let the log records of these rows of `_spans` that name no session show that of their span. `shown` is the
    session that rows of `_trace_sessions` showed before this batch, where it is another now. Adds the rows that lost
    records to one that shows another session to `left`, and returns the changes for pairing by time."""
    (moves,) = read_json(connection, "find_following_logs", spans=spans)
    if not moves:
        return []
    run_script(connection, "move_logs", moves=[move[:4] for move in moves])
    changes = []
    for _, before, _, time, trace, session, new_session, stem in moves:
        if session != new_session:
            left.add(before)
        if stem is not None:
            changes.append(Change(trace, None, stem, time))
            # Their partners in the sessions that they leave are free again.
            sessions = {session, shown.get(before)} - {None}
            changes += [Change(None, one, stem, time) for one in sessions]
    return changes


def link_log_records(connection: sqlite3.Connection, spans: Collection[tuple[int, str]]) -> list[Change]:
    """Pair the starts and finishes among the log records of each of these spans (trace, span id), and return the
    changes for pairing by time."""
    (found,) = read_json(connection, "find_log_records", spans=spans)
    links: list[tuple[int, int | None, str | None, str | None]] = []
    changes = []
    for (trace, _), group in groupby(found, key=lambda record: (record[0], record[1])):
        records = [(*record[2:], split_phase(record[3])[0] or "") for record in group]
        mates = link_within_span([(stem, phase, time) for _, _, phase, time, *_, stem in records])
        for index, (event, _, _, time, related, method, stem) in enumerate(records):
            mate = records[mates[index]][0] if index in mates else None
            if mate is not None and (mate, "span") != (related, method):
                links.append((event, mate, "span", None))
            elif mate is None and method == "span":
                links.append((event, None, None, stem))
            else:
                continue
            changes.append(Change(trace, None, stem, time))
    if links:
        run_script(connection, "relink_log_records", links=links)
    return changes
