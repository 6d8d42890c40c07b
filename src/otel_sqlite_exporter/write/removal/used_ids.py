# SPDX-License-Identifier: Apache-2.0
"""Ids of removed rows never come again: links to them, the search index and writers of other processes would take other
rows for them. The writer gives a table the id after its last; where the last row goes, `_state` notes its id."""

from __future__ import annotations

import sqlite3

import orjson

from otel_sqlite_exporter.storage.state import write_state
from otel_sqlite_exporter.write.statements import read_json

_STATE = "last ids"


class UsedIds:
    """The last ids of the tables before rows are removed. Made in the transaction that removes them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        last, noted = read_json(connection, "get_used_ids")
        self._last: dict[str, int] = {table: max(id, noted.get(table, 0)) for table, id in last.items()}
        self._noted = noted

    def note(self) -> None:
        """Note the ids whose rows are gone."""
        last, _ = read_json(self._connection, "get_used_ids")
        if any(id > max(last[table], self._noted.get(table, 0)) for table, id in self._last.items()):
            write_state(self._connection, _STATE, orjson.dumps(self._last).decode())
