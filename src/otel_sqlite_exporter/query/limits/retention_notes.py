# SPDX-License-Identifier: Apache-2.0
"""What the file notes of retention: the last removal is in the ledger, and what cannot be kept to is in the state
`retention excess`, a JSON object, as long as that is so."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.state import forget_state, read_state, write_state

_EXCESS = "retention excess"
_LAST = ("command", "end_time", "is_complete", "sessions", "traces", "spans", "logs")


class RetentionExcess(NamedTuple):
    """A cap that a file stays beyond, though nothing more may go.

    Attributes:
        noted_unix_nano: When an exporter found this.
        max_bytes: The cap.
        excess_bytes: What the file holds beyond it.
        kept: Sessions, and traces without one, that stay: by `pinned`, `running` or `failed`.
    """

    noted_unix_nano: int
    max_bytes: int
    excess_bytes: int
    kept: Mapping[str, int]

    def describe(self) -> str:
        """Return it in a sentence without an end."""
        beyond = (
            f"the file holds {count(self.excess_bytes, 'byte')} more than retention_bytes, {self.max_bytes}, allows"
        )
        kept = ", ".join(f"{number} {reason}" for reason, number in self.kept.items() if number)
        return f"{beyond}, and nothing more may go" + (f" (sessions and traces that stay: {kept})" if kept else "")


def note_excess(connection: sqlite3.Connection, max_bytes: int, excess_bytes: int, kept: Mapping[str, int]) -> None:
    """Note in the caller's transaction that the file stays beyond its cap, or (no `excess_bytes`) that it does not."""
    if excess_bytes:
        write_state(connection, _EXCESS, json.dumps([time.time_ns(), max_bytes, excess_bytes, dict(kept)]))
    else:
        forget_state(connection, _EXCESS)


def read_excess(connection: sqlite3.Connection) -> RetentionExcess | None:
    """Return what was noted last, or None: nothing is beyond its cap."""
    noted = read_state(connection, _EXCESS)
    return None if noted is None else RetentionExcess(*json.loads(str(noted)))


def read_last_removal(connection: sqlite3.Connection) -> dict[str, int | str] | None:
    """Return the columns of the view `deletions` about the last run that removed something; None: there was
    none."""
    try:
        row = connection.execute(read_query("get_last_deletion")).fetchone()
    except sqlite3.OperationalError:  # a file of an older version has no ledger
        return None
    return None if row is None else dict(zip(_LAST, row, strict=True))
