# SPDX-License-Identifier: Apache-2.0
"""What removals leave to be brought up to date after the last of several steps, because it reads much that stays.

The file notes it, so it is done after an interruption, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

import orjson

from otel_sqlite_exporter.storage.state import forget_state, read_state, write_state

_STATE = "removal due"
KINDS = ("traces", "parts", "sessions", "agents")
"""Of which tables the file notes keys: `_traces`, `_trace_sessions` of log records without a trace, `_sessions`,
`_agents`."""


class DueWork:
    """The keys that the file notes. Made, and used, in the transaction that changes them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        text = read_state(connection, _STATE)
        noted = orjson.loads(text) if isinstance(text, str) else {}
        self.keys: dict[str, set[int]] = {kind: set(noted.get(kind, ())) for kind in KINDS}

    def __bool__(self) -> bool:
        """Return whether anything is due."""
        return any(self.keys.values())

    def add(self, **keys: Collection[int]) -> None:
        """Note keys by their kind."""
        if any(not self.keys[kind].issuperset(more) for kind, more in keys.items()):
            for kind, more in keys.items():
                self.keys[kind].update(more)
            self._write()

    def drop(self, kind: str, keys: Iterable[int]) -> None:
        """Note that this is done."""
        self.keys[kind].difference_update(keys)
        self._write()

    def _write(self) -> None:
        if self:
            write_state(self._connection, _STATE, orjson.dumps(self.keys, default=sorted).decode())
        else:
            forget_state(self._connection, _STATE)
