# SPDX-License-Identifier: Apache-2.0
"""The ledger of what was removed: a row for each run, kept in the transactions that remove. It names no session, user
or text."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.write.removal.removed_records import RemovedCounts

_FIELDS = RemovedCounts._fields


class LedgerEntry:
    """The row of one run: of the command `delete` or `prune`, or of one day of `retention`."""

    def __init__(self, command: str, rule: Mapping[str, Any], run_id: str | None = None) -> None:
        """`rule` is what chose, as JSON values without names of sessions, users or services. Runs with the same
        `run_id` share a row; None: a row of its own."""
        self.run_id = uuid.uuid4().hex if run_id is None else run_id
        self._command = command
        self._rule = json.dumps(rule)

    def note(self, connection: sqlite3.Connection, counts: RemovedCounts, *, is_complete: bool = False) -> None:
        """Add `counts` in the caller's transaction, the one that removes."""
        now = time.time_ns()
        columns = ", ".join(_FIELDS)
        connection.execute(
            f"INSERT INTO _deletions (run_id, command, rule, start_time_unix_nano, end_time_unix_nano, is_complete,"
            f" {columns}) VALUES (?, ?, ?, ?, ?, ?, {', '.join('?' * len(_FIELDS))})"
            " ON CONFLICT (run_id) DO UPDATE SET end_time_unix_nano = excluded.end_time_unix_nano,"
            f" is_complete = excluded.is_complete, {', '.join(f'{one} = {one} + excluded.{one}' for one in _FIELDS)}",
            (self.run_id, self._command, self._rule, now, now, is_complete, *counts),
        )
