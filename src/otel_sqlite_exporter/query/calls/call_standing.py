# SPDX-License-Identifier: Apache-2.0
"""Why a call counts or not: which rows report the same call, or the same usage."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from otel_sqlite_exporter.sql.texts import read_query


class CallStanding(NamedTuple):
    """Why a call counts or not.

    Attributes:
        reason: `counted`; `twin`: it was recorded twice, and the other row counts; `below` or `above`: calls inside it
            or around it report its usage; `elsewhere`: calls of other traces of its session do.
        others: The ids of the rows that count instead; of a call that counts, of the rows that it counts for.
    """

    reason: str
    others: tuple[int, ...] = ()


_AROUND = {"below": "find_counted_below", "above": "find_counted_above"}


def read_standing(connection: sqlite3.Connection, call: LLMInteractionSummary) -> CallStanding:
    """Return why a call counts or not."""
    rows = fetch(connection, Select(read_query("find_call_standing"), {"id": call.id}))
    if call.counted or not rows:
        return CallStanding("counted", tuple(orjson.loads(rows[0]["repeats"])) if rows else ())
    if rows[0]["twin"] is not None and not rows[0]["is_repeat"]:
        return CallStanding("twin", (rows[0]["twin"],))
    for reason, query in _AROUND.items():
        found = fetch(connection, Select(read_query(query), {"id": call.id}))
        if found:
            return CallStanding(reason, tuple(row["id"] for row in found))
    return CallStanding("elsewhere")
