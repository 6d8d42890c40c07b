# SPDX-License-Identifier: Apache-2.0
"""Does what removals left for the end because it reads much that stays.

Much is read before the lock is taken, so that nobody waits for it. Under the lock only what came since is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection

from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.interactions.counted_calls import count_agents
from otel_sqlite_exporter.write.removal.derived_again import Outdated, derive_again, update_sessions
from otel_sqlite_exporter.write.removal.due_work import DueWork
from otel_sqlite_exporter.write.removal.record_removal import note_remaining
from otel_sqlite_exporter.write.removal.remaining_agents import AllCalls
from otel_sqlite_exporter.write.removal.remaining_records import RemainingRecords
from otel_sqlite_exporter.write.removal.used_ids import read_last_ids
from otel_sqlite_exporter.write.statements import read_json, run_query


def settle(
    connection: sqlite3.Connection,
    settings: Settings,
    rest: Callable[[float], object] = lambda held: None,
    note: Callable[[], object] = lambda: None,
) -> None:
    """Do what is due of the steps of removals so far, each piece in a transaction of its own, in which `note` is called
    last. `rest` is called between them. Not to be called in a transaction.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written. What is not done stays due.
    """
    due = DueWork(connection)
    for kind, settle_one in (("traces", _settle_trace), ("parts", _settle_part), ("sessions", _settle_session)):
        for key in sorted(due.keys[kind]):
            settle_one(connection, settings, key, note)
            rest(0)
    if due.keys["agents"]:
        _settle_agents(connection, due.keys["agents"], note)


def _settle_trace(connection: sqlite3.Connection, settings: Settings, trace: int, note: Callable[[], object]) -> None:
    records, last = _read_before(connection, settings, {"traces": [trace]})
    with transaction(connection):
        outdated = Outdated()
        parts = _find_parts(connection, [trace])
        records = _read_since(connection, settings, parts, records, last)
        if parts:
            note_remaining(connection, records, [trace], outdated)
        derive_again(connection, settings, outdated)
        count_agents(connection, parts)
        update_sessions(connection, outdated.sessions, None)
        DueWork(connection).drop("traces", [trace])
        note()


def _settle_part(connection: sqlite3.Connection, settings: Settings, part: int, note: Callable[[], object]) -> None:
    records, last = _read_before(connection, settings, {"parts": [part]})
    with transaction(connection):
        note_remaining(connection, _read_since(connection, settings, [part], records, last), (), Outdated())
        row = connection.execute(read_query("get_shown_session"), {"part": part}).fetchone()
        update_sessions(connection, () if row is None or row[0] is None else row, None)
        DueWork(connection).drop("parts", [part])
        note()


def _settle_session(
    connection: sqlite3.Connection, settings: Settings, session: int, note: Callable[[], object]
) -> None:
    with transaction(connection):
        update_sessions(connection, [session], None)
        DueWork(connection).drop("sessions", [session])
        note()


def _settle_agents(connection: sqlite3.Connection, agents: set[int], note: Callable[[], object]) -> None:
    last = read_last_ids(connection)
    calls = AllCalls(connection, agents)
    calls.read()
    with transaction(connection):
        calls.read(last["_llm_interactions"], last["records"])
        calls.write()
        DueWork(connection).drop("agents", agents)
        note()


def _read_before(
    connection: sqlite3.Connection, settings: Settings, due: dict[str, list[int]]
) -> tuple[RemainingRecords, dict[str, int]]:
    """Return what the records of a trace, or of a row of `_trace_sessions`, tell, and the last ids of then."""
    records = RemainingRecords(connection, settings.session_attributes)
    with transaction(connection, "BEGIN"):  # which takes no lock
        last = read_last_ids(connection)
        records.read([*due.get("parts", ()), *_find_parts(connection, due.get("traces", ()))])
    return records, last


def _read_since(
    connection: sqlite3.Connection,
    settings: Settings,
    parts: Collection[int],
    records: RemainingRecords,
    last: dict[str, int],
) -> RemainingRecords:
    """Return `records` with those that came after these last ids; read all of them again, if others removed some."""
    records.read(parts, record=last["records"], log=last["_logs"])
    (count,) = run_query(connection, "count_remaining", parts=parts).fetchone()
    if count != records.count:
        records = RemainingRecords(connection, settings.session_attributes)
        records.read(parts)
    return records


def _find_parts(connection: sqlite3.Connection, traces: Collection[int]) -> list[int]:
    parts: list[int]
    (parts,) = read_json(connection, "find_parts_of_traces", traces=traces)
    return parts
