# SPDX-License-Identifier: Apache-2.0
"""Ids of removed rows never come again: links to them, the search index and writers of other processes would take other
rows for them. The writer gives a table the id after its last; where the last row goes, `_state` notes its id. It also
notes up to which id texts were removed: writers that are open keep the ids of texts of recent calls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import orjson

from otel_sqlite_exporter.storage.state import write_state
from otel_sqlite_exporter.write.statements import read_json

_STATE, _REMOVED_TEXTS = "last ids", "removed_texts"


def read_last_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the last ids of the tables: `records` of spans and events, and others by the names of their tables."""
    last: dict[str, int]
    last, _ = read_json(connection, "get_used_ids")
    return last


def read_used_ids(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the last ids that the tables had, by name, also those whose rows are gone: new rows come after them."""
    return _add_removed(*read_json(connection, "get_used_ids"))


class UsedIds:
    """The last ids of the tables before rows are removed. Made in the transaction that removes them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        last, self._noted = read_json(connection, "get_used_ids")
        self._last = _add_removed(last, self._noted)

    def note(self, removed_texts: Iterable[int] = ()) -> None:
        """Note the ids whose rows are gone. `removed_texts` are ids of `_texts`."""
        last, _ = read_json(self._connection, "get_used_ids")
        before = self._noted.get(_REMOVED_TEXTS, 0)
        last_text = max(removed_texts, default=0)
        if last_text > before or any(id > max(last[name], self._noted.get(name, 0)) for name, id in self._last.items()):
            self._noted = {**self._last, _REMOVED_TEXTS: max(before, last_text)}
            write_state(self._connection, _STATE, orjson.dumps(self._noted).decode())


def _add_removed(last: dict[str, int], noted: dict[str, int]) -> dict[str, int]:
    return {table: max(id, noted.get(table, 0)) for table, id in last.items()}
