# SPDX-License-Identifier: Apache-2.0
"""Derives again what depends on records that are gone: pairs, tools, calls, and the times of sessions."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.call_prices import CallPrices
from otel_sqlite_exporter.write.interactions.counted_calls import ChangedRecords, Stay, count_calls
from otel_sqlite_exporter.write.log_sessions import link_log_records
from otel_sqlite_exporter.write.removal.due_work import DueWork
from otel_sqlite_exporter.write.statements import encode_parameters, read_json, run_script
from otel_sqlite_exporter.write.sums import recount
from otel_sqlite_exporter.write.temporal_links import Change, find_stems, relink_records
from otel_sqlite_exporter.write.tool_batch import Changes, group_tools, link_logged_tools

_LONG_SESSION = 1_000
"""Rows of `_trace_sessions` of a session, from which on its times are due at the end of the last step."""


@dataclass(slots=True)
class Outdated:
    """What depends on records that are gone.

    Attributes:
        changes: Records that may pair by time and are gone, or moved.
        relinked: Keys of `_events` that lost their partner.
        keys: Spans (trace, span id) that lost log records, or are gone.
        tools: Why tools may be grouped again.
        calls: Keys of `_llm_interactions` whose counting may change.
        stays: Records that are gone or moved, and the sessions that they left or came to.
        moved: Rows of `_trace_sessions` that show another session than before.
        sessions: Keys of `_sessions` that lost records.
        due_traces: Keys of `_traces` whose agents are decided later.
    """

    changes: list[Change] = field(default_factory=list)
    relinked: set[int] = field(default_factory=set)
    keys: Sequence[tuple[int, str]] = ()
    tools: Changes = field(default_factory=Changes)
    calls: Collection[int] = ()
    stays: list[Stay] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    sessions: set[int] = field(default_factory=set)
    due_traces: Collection[int] = ()


def move_parts(connection: sqlite3.Connection, traces: Collection[int], outdated: Outdated) -> None:
    """Let the records of these traces (keys of `_traces`) show the sessions that they should, after what the traces
    name has changed; note in `outdated` what that changes."""
    (moves,) = read_json(connection, "find_moved_parts", traces=traces)
    if not moves:
        return
    moved = [id for id, *_ in moves]
    before: dict[int, set[int | None]] = {}
    for _, trace, session, new_session, first, last in moves:
        before.setdefault(trace, set()).add(session)
        if session is not None:
            outdated.stays.append(Stay(session, trace, first, last))
        outdated.sessions.update({session, new_session} - {None})
    run_script(connection, "move_parts", moves=moves)
    for change in find_stems(connection, trace_sessions=moved):
        left = before.get(change.trace, set()) if change.trace is not None else set()
        outdated.changes += [change, *(change._replace(session=session) for session in left)]
    outdated.moved.update(moved)


def derive_again(connection: sqlite3.Connection, settings: Settings, outdated: Outdated) -> None:
    """Bring pairs, tools and calls up to date."""
    if outdated.keys:
        outdated.changes += link_log_records(connection, (), outdated.relinked, lost=outdated.keys)
    relink_records(connection, outdated.changes, settings.pairing_window_ms * 1_000_000, outdated.relinked)
    if outdated.keys:
        link_logged_tools(connection, outdated.keys, outdated.tools)
    outdated.tools.trace_sessions = outdated.moved
    outdated.tools.has_moved = bool(outdated.keys)
    group_tools(connection, outdated.tools)
    changed = ChangedRecords(
        calls=outdated.calls, events=outdated.relinked, trace_sessions=outdated.moved, stays=outdated.stays
    )
    _, merged = count_calls(connection, changed, outdated.due_traces)
    prices = CallPrices(is_on=settings.cost == "auto")
    prices.price_written(connection, calls=merged, events=outdated.relinked)


def update_sessions(connection: sqlite3.Connection, sessions: Collection[int], due: DueWork | None) -> None:
    """Compute the times of sessions again; those of long ones are `due` later, if that is given."""
    if due is not None and sessions:
        values: dict[str, Any] = {**encode_parameters({"sessions": sessions}), "most": _LONG_SESSION}
        (found,) = connection.execute(read_query("find_long_sessions"), values).fetchone()
        long: set[int] = {*orjson.loads(found)}
        due.add(sessions=long)
        sessions = {*sessions} - long
    recount(connection, (), sessions)
