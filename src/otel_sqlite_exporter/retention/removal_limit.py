# SPDX-License-Identifier: Apache-2.0
"""A rule that holds back what the other rules name, as a caller knows more of the records than their age."""

from __future__ import annotations

import sqlite3
from typing import Protocol


class RemovalLimit(Protocol):
    """Which records may go at all. It is asked in the transaction that removes them."""

    def renew(self, connection: sqlite3.Connection) -> None:
        """Read what came since the last call, in the transaction of a step, before anything is chosen."""

    def allows(self, connection: sqlite3.Connection, kind: str, id: int) -> bool:
        """Return whether a unit may go: a `session`, `trace` or `log` by its row, or `points`."""

    def cut_points(self, before_unix_nano: int) -> int:
        """Return before which time data points may go, if they are due before that one."""
