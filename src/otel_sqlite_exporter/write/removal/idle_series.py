# SPDX-License-Identifier: Apache-2.0
"""Removes series without points, instruments without series, and bounds of histograms that no point has."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Collection
from typing import Any

import orjson

from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.used_ids import UsedIds
from otel_sqlite_exporter.write.statements import encode_parameters, read_json, remove_rows, run_query

_PIECE = 5_000
"""Series or points that are read at once."""
_BEFORE_ALL = (0, 0, -(2**63), -(2**63))


def forget_series(connection: sqlite3.Connection, series: Collection[int]) -> int:
    """Remove those of some series that have no points, and the instruments that have no series then, in the caller's
    transaction, which notes the ids that are used. Return how many rows went."""
    run_query(connection, "forget_stray_exemplars", series=series)
    instruments = [id for (id,) in run_query(connection, "forget_series", series=series).fetchall()]
    if not instruments:
        return 0
    return len(instruments) + run_query(connection, "forget_instruments", instruments={*instruments}).rowcount


def sweep_series(connection: sqlite3.Connection, rest: Callable[[float], object]) -> int:
    """Remove all series without points, with instruments, in transactions of their own, and return how many rows went.
    Not to be called in a transaction."""
    count, after = 0, 0
    while True:
        values = {"after": after, "limit": _PIECE}
        found, last = connection.execute(read_query("find_idle_series"), values).fetchone()
        if last is None:
            return count
        after, idle = last, orjson.loads(found)
        if idle:
            with transaction(connection):
                used = UsedIds(connection)
                count += forget_series(connection, idle)
                used.note()
            rest(0)


def sweep_bounds(connection: sqlite3.Connection, rest: Callable[[float], object]) -> int:
    """Remove the bounds that no point has, and return how many. Not to be called in a transaction.

    The points are read without a lock, after a note at the bounds in question. A writer that uses one of these takes
    the note away.
    """
    (idle,) = read_json(connection, "find_idle_bounds")
    if not idle:
        return 0
    number = secrets.randbits(62) + 1
    with transaction(connection):
        connection.execute(read_query("note_idle_bounds"), {"sweep": number, **encode_parameters({"bounds": idle})})
    rest(0)
    orphans, last = {*idle}, _BEFORE_ALL
    while orphans:
        values = {**dict(zip(("is_sorted", "series", "time", "start"), last, strict=True)), "limit": _PIECE}
        found, end = connection.execute(read_query("read_bounds_of_points"), values).fetchone()
        orphans.difference_update(orjson.loads(found))
        if end is None:
            break
        last = orjson.loads(end)
        rest(0)
    with transaction(connection):
        unused: dict[str, Any] = {"sweep": number, **encode_parameters({"bounds": orphans})}
        return remove_rows(connection, "forget_idle_bounds", unused).total()
