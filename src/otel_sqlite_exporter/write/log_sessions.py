# SPDX-License-Identifier: Apache-2.0
"""Moves log records to the session of their span, and pairs those of one span with each other and with its events, in
any order of arrival."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from otel_sqlite_exporter.encode.pairs import REPEAT, find_repeats, link_within_span, split_phase
from otel_sqlite_exporter.write.interactions.counted_calls import Stay
from otel_sqlite_exporter.write.statements import read_json, run_script
from otel_sqlite_exporter.write.temporal_links import Change


def follow_spans(
    connection: sqlite3.Connection,
    spans: Collection[int],
    shown: Mapping[int, int | None],
    left: set[int],
    stays: list[Stay],
) -> list[Change]:
    """Let the log records of these rows of `_spans` that name no session show that of their span. `shown` is the
    session that rows of `_trace_sessions` showed before this batch, where it is another now. Adds the rows that lost
    records to one that shows another session to `left`, and the sessions that records left or came to to `stays`.
    Returns the changes for pairing by time."""
    (moves,) = read_json(connection, "find_following_logs", spans=spans)
    if not moves:
        return []
    run_script(connection, "move_logs", moves=[(*move[:4], is_score) for *move, is_score in moves])
    changes = []
    for _, before, _, time, trace, session, new_session, stem, _ in moves:
        if session != new_session:
            left.add(before)
        # Those that they leave: a batch may have moved them before.
        sessions = [one for one in {session, shown.get(before)} if one is not None]
        stays += [Stay(one, trace, time, time) for one in (*sessions, new_session) if one is not None]
        if stem is not None:
            changes.append(Change(trace, None, stem, time))
            # Their partners there are free again.
            changes += [Change(None, one, stem, time) for one in sessions]
    return changes


def link_log_records(
    connection: sqlite3.Connection,
    spans: Collection[tuple[int, str]],
    relinked: set[int],
    lost: Collection[tuple[int, str]] = (),
) -> list[Change]:
    """Pair the starts and finishes among the log records and events of each of these spans (trace, span id) that has
    such log records, and of those in `lost`, which had some; return the changes for pairing by time. A log record that
    repeats an event is in no pair. Adds the keys of `_events` that have another partner than before, or lost theirs, to
    `relinked`."""
    (found,) = read_json(connection, "find_log_records", spans=spans, lost=lost)
    links: list[tuple[int, int | None, str | None, str | None]] = []
    changes = []
    for (trace, _), group in groupby(found, key=lambda record: (record[0], record[1])):
        records = [_SpanRecord._make([*record[2:], split_phase(record[3])[0] or ""]) for record in group]
        for one, related, method in _pair(records):
            if method is None and one.noted_method == "temporal":
                continue
            stem = one.stem if method is None else None
            if (related, method, stem) != (one.related_event, one.noted_method, one.noted_stem):
                links.append((one.event, related, method, stem))
                changes.append(Change(trace, None, one.stem, one.time_unix_nano))
                relinked.update({one.event, one.related_event or one.event})
    if links:
        run_script(connection, "relink_log_records", links=links)
    return changes


def _pair(records: Sequence[_SpanRecord]) -> Iterator[tuple[_SpanRecord, int | None, str | None]]:
    """Yield the records of a span, each with its partner and how they are linked. Of two spans that share their ids,
    the events are paired together if there are log records, which may be of either."""
    if not any(one.is_log for one in records) and len({one.span for one in records}) > 1:
        for span in {one.span for one in records}:
            yield from _pair([one for one in records if one.span == span])
        return
    repeats = find_repeats([(one.name, one.time_unix_nano, bool(one.is_log)) for one in records])
    told = [record for index, record in enumerate(records) if index not in repeats]
    mates = link_within_span([(one.stem, one.phase, one.time_unix_nano) for one in told])
    wanted: dict[int, tuple[int | None, str]] = {records[index].event: (None, REPEAT) for index in repeats}
    wanted |= {told[index].event: (told[mate].event, "span") for index, mate in mates.items()}
    for one in records:
        yield one, *wanted.get(one.event, (None, None))


class _SpanRecord(NamedTuple):
    """A start or finish record of a span, in the order of queries/write/find_log_records.sql, and the stem of its
    name."""

    event: int
    name: str
    phase: str
    time_unix_nano: int
    is_log: int
    related_event: int | None
    noted_method: str | None
    noted_stem: str | None
    span: int | None
    stem: str
