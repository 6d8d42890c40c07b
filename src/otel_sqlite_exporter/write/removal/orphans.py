# SPDX-License-Identifier: Apache-2.0
"""Removes what no record refers to any more, and no removal could tell so at once: texts of conversations that go on,
bounds of histograms, series without points, resources, scopes and reporters, agents without calls, and sessions that
nothing shows.

The whole file is read in pieces, without a lock. Under the lock only what was written since is read, and then removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.idle_series import sweep_bounds, sweep_series
from otel_sqlite_exporter.write.removal.used_ids import UsedIds, read_last_ids
from otel_sqlite_exporter.write.statements import read_json, run_script

_KINDS = ("resources", "scopes", "reporters", "texts")
_PIECE = 5_000
"""Records that are read at once, and rows that one transaction removes."""


def sweep_orphans(connection: sqlite3.Connection, rest: Callable[[float], object] = lambda held: None) -> int:
    """Remove everything that no record refers to, in transactions of their own, and return how many rows went. `rest`
    is called between them. Not to be called in a transaction. Writers may go on meanwhile.

    Raises:
        sqlite3.Error: The file is locked, or cannot be written. Call it again.
    """
    count = 0
    conversation = _find_next(connection, -LARGEST)
    while conversation is not None:
        count += _sweep_conversation(connection, conversation)
        rest(0)
        conversation = _find_next(connection, conversation)
    count += sweep_series(connection, rest)
    count += sweep_bounds(connection, rest)
    count += _sweep_referred(connection, rest)
    return count + _sweep_idle(connection)


def _find_next(connection: sqlite3.Connection, after: int) -> int | None:
    conversation: int | None
    (conversation,) = connection.execute(read_query("find_next_conversation"), {"after": after}).fetchone()
    return conversation


def _sweep_conversation(connection: sqlite3.Connection, conversation: int) -> int:
    """Remove the texts of a conversation that none of its spans names."""
    record = read_last_ids(connection)["records"]
    texts, named = _read_texts(connection, conversation, 0)
    orphans = texts - named
    if not orphans:
        return 0
    with transaction(connection):
        used = UsedIds(connection)
        _, named = _read_texts(connection, conversation, record)
        orphans -= named
        run_script(connection, "forget_referred", resources=(), scopes=(), reporters=(), texts=orphans)
        used.note(orphans)
    return len(orphans)


def _read_texts(connection: sqlite3.Connection, conversation: int, record: int) -> tuple[set[int], set[int]]:
    """Return the texts of a conversation, and those that its spans name that started or ended after this id."""
    values = {"conversation": conversation, "record": record}
    texts, named = map(orjson.loads, connection.execute(read_query("find_texts_of_conversation"), values).fetchone())
    return {*texts}, {*named}


def _sweep_referred(connection: sqlite3.Connection, rest: Callable[[float], object]) -> int:
    """Remove resources, scopes and reporters without records, and texts of spans that are of no conversation."""
    last = read_last_ids(connection)
    orphans = dict(zip(_KINDS, map(set, read_json(connection, "list_referred")), strict=False))
    (strays,) = read_json(connection, "find_stray_texts")
    orphans["texts"] = {*strays}
    after = {"span": 0, "log": 0, "call": 0}
    while any(orphans.values()) and (piece := _read_piece(connection, after, orphans)):
        after = piece
    count = 0
    while any(orphans.values()):
        chosen = {kind: {*sorted(ids)[:_PIECE]} for kind, ids in orphans.items()}
        with _without_references(connection), transaction(connection):
            used = UsedIds(connection)
            since = {"span": last["records"], "log": last["_logs"], "call": last["_llm_interactions"]}
            while piece := _read_piece(connection, since, chosen):
                since = piece
            made = {"record": last["records"], "series": last["_metric_series"], "instrument": last["_instruments"]}
            changed = connection.execute(read_query("read_changed_references"), made).fetchone()
            for ids, found in zip(chosen.values(), changed, strict=True):
                ids.difference_update(orjson.loads(found))
            run_script(connection, "forget_referred", **chosen)
            used.note(chosen["texts"])
        count += sum(map(len, chosen.values()))
        orphans = {kind: {*sorted(ids)[_PIECE:]} for kind, ids in orphans.items()}
        rest(0)
    return count


def _read_piece(
    connection: sqlite3.Connection, after: dict[str, int], orphans: dict[str, set[int]]
) -> dict[str, int] | None:
    """Take from `orphans` what the next records refer to. Returns the last ids of these; None: there are no more."""
    *found, span, log, call = connection.execute(read_query("read_references"), {**after, "limit": _PIECE}).fetchone()
    for kind, ids in zip(_KINDS, found, strict=True):
        orphans[kind].difference_update(orjson.loads(ids))
    if span is log is call is None:
        return None
    return {"span": span or after["span"], "log": log or after["log"], "call": call or after["call"]}


@contextmanager
def _without_references(connection: sqlite3.Connection) -> Iterator[None]:
    """Let SQLite not look for records that refer to a resource, which has no index: it would read all of them."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _sweep_idle(connection: sqlite3.Connection) -> int:
    """Remove agents without calls, and sessions that nothing shows or names."""
    count = after = 0
    while True:
        with transaction(connection):
            used, before = UsedIds(connection), connection.total_changes
            values = {"after": after, "limit": _PIECE}
            agents, sessions = map(orjson.loads, connection.execute(read_query("find_idle"), values).fetchone())
            if not (agents or sessions):
                return count
            run_script(connection, "forget_agents", agents=agents)
            run_script(connection, "forget_empty_sessions", sessions=sessions)
            count += connection.total_changes - before
            used.note()
        if not sessions:
            return count
        after = max(sessions)
