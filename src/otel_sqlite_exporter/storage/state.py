# SPDX-License-Identifier: Apache-2.0
"""What the package notes about a file, by name: the table `_state`. The caller holds the transaction."""

from __future__ import annotations

import sqlite3

State = int | str


def read_state(connection: sqlite3.Connection, name: str) -> State | None:
    """Return the value of `name`, or None if the file notes none."""
    row = connection.execute("SELECT value FROM _state WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def read_number(connection: sqlite3.Connection, name: str) -> int | None:
    """Return the number under `name`, or None if the file notes none, or somebody has put something else there."""
    value = read_state(connection, name)
    return value if isinstance(value, int) else None


def write_state(connection: sqlite3.Connection, name: str, value: State) -> bool:
    """Note `value`, and return whether the file did not note it before."""
    noted = connection.execute(
        "INSERT INTO _state (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        (name, value),
    )
    return noted.rowcount > 0


def forget_state(connection: sqlite3.Connection, *names: str) -> None:
    """Remove what the file notes under `names`."""
    connection.executemany("DELETE FROM _state WHERE name = ?", [(name,) for name in names])
