# SPDX-License-Identifier: Apache-2.0
"""The usage of calls that are removed goes into daily sums, in the transaction that removes them.

What a removal takes from the sums of the file is what the removed calls added to them, and what calls that stay now add
more or less: the second record of a call counts once the first is gone. A temporary trigger notes the latter as they
were before.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from otel_sqlite_exporter.sql.texts import read_query, split_statements
from otel_sqlite_exporter.storage.state import read_state
from otel_sqlite_exporter.write.statements import Insert, TableRows

_NAMES = ("provider", "operation", "request_model", "response_model", "agent_name", "user_id")
_KINDS = ("input", "output", "total", "cached_input", "cache_creation_input", "reasoning", "priced_total")
_COUNTS = ("calls", "failed_calls", "reported", "priced", "unpriced_calls")
_SUMS = (
    *("calls", "failed_calls", "reported"),
    *(f"{kind}_{half}" for kind in _KINDS[:-1] for half in ("high", "low")),
    *("priced", "priced_total_high", "priced_total_low", "unpriced_calls", "cost_usd"),
)
_KEPT = Insert(
    "_kept_usage",
    ("source", "day", "service_name", *_NAMES, "is_aggregate", *_SUMS),
    key="source, day, service_name, " + "".join(f"ifnull({name}, ''), " for name in _NAMES) + "is_aggregate",
    update={
        name: f"{name} + excluded.{name}"
        if name in _COUNTS
        else f"iif(excluded.{name} IS NULL, {name}, ifnull({name}, 0) + excluded.{name})"
        for name in _SUMS
    },
)


class KeptSums:
    """Keeps the sums of what one connection removes; `with_users`: also by user."""

    def __init__(self, connection: sqlite3.Connection, *, with_users: bool) -> None:
        self._connection = connection
        self._with_users = with_users
        for statement in split_statements(read_query("watch_usage")):
            connection.execute(statement)

    def add_removed(self, spans: Collection[int], logs: Collection[int]) -> None:
        """Keep the usage of the calls of these rows of `_spans` and `_logs`, which are still there. The caller holds
        the transaction in which they go."""
        chosen = {"spans": json.dumps([*spans]), "logs": json.dumps([*logs])}
        self._write("sum_calls_to_remove", chosen)

    def add_changed(self) -> None:
        """Keep what the calls that stay add less than before, in the same transaction, when the others are gone."""
        if self._connection.execute("SELECT 1 FROM temp._changed_usage LIMIT 1").fetchone():
            self._write("sum_changed_calls", {})
            self._connection.execute("DELETE FROM temp._changed_usage")

    def _write(self, query: str, chosen: dict[str, str]) -> None:
        found = self._connection.execute(read_query(query), chosen | {"with_users": self._with_users}).fetchall()
        if found:
            source = str(read_state(self._connection, "file"))
            rows = TableRows(_KEPT)
            for row in found:
                rows.add((source, *row))
            rows.write(self._connection)
