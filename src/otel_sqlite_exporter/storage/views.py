# SPDX-License-Identifier: Apache-2.0
"""The views and triggers in a file. No step migrates them: they are dropped and written from the files of the package.

A file notes their number, and their names: all other views and triggers belong to the user, and stay.
"""

from __future__ import annotations

import json
import re
import sqlite3
from functools import cache
from typing import NamedTuple

from otel_sqlite_exporter.sql.texts import read_folder, split_statements
from otel_sqlite_exporter.storage.state import read_state, write_state

VIEW_NUMBER = 2
"""Raise it with each change of a file in `sql/views` or `sql/triggers`: files with a lower number get the new ones."""
_NUMBER, _NAMES = "views", "view names"
_CREATED = re.compile(r"^CREATE (?:VIEW|TRIGGER) (\w+)", re.MULTILINE)


class Views(NamedTuple):
    """All views and triggers of a package, or of a file: their number, and the statements that create them."""

    number: int
    statements: tuple[str, ...]


NO_VIEWS = Views(0, ())


@cache
def load_views() -> Views:
    """Return those of this package. SQLite resolves the names in a view when it is used, so their order is free;
    triggers come last, as their table or view must exist."""
    texts = [text for folder in ("views", "triggers") for _, text in read_folder(folder)]
    return Views(VIEW_NUMBER, tuple(statement for text in texts for statement in split_statements(text)))


def read_view_number(connection: sqlite3.Connection) -> int:
    """Return the number of the views in a file; 0 if it has none yet."""
    return int(read_state(connection, _NUMBER) or 0)


def drop_views(connection: sqlite3.Connection) -> tuple[Views, tuple[str, ...]]:
    """Drop the views and triggers that are ours, in the caller's transaction. Return them, and the statements of the
    user's triggers on them, which SQLite drops with a view."""
    ours = {"names": read_state(connection, _NAMES) or "[]"}
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"
        " AND name IN (SELECT value FROM json_each(:names)) ORDER BY type DESC, name",
        ours,
    ).fetchall()
    others = connection.execute(
        "SELECT t.sql FROM sqlite_schema AS t JOIN sqlite_schema AS v ON v.type = 'view' AND v.name = lower(t.tbl_name)"
        " WHERE t.type = 'trigger' AND v.name IN (SELECT value FROM json_each(:names))"
        " AND t.name NOT IN (SELECT value FROM json_each(:names))",
        ours,
    ).fetchall()
    for kind, name, _ in found:
        connection.execute(f"DROP {kind} IF EXISTS {name}")
    return Views(read_view_number(connection), tuple(sql for *_, sql in found)), tuple(sql for (sql,) in others)


def create_views(connection: sqlite3.Connection, views: Views, others: tuple[str, ...] = ()) -> None:
    """Create `views`, then `others`, in the caller's transaction, and note what is ours.

    Raises:
        sqlite3.OperationalError: The user has a view, trigger or table of the same name.
    """
    for statement in (*views.statements, *others):
        connection.execute(statement)
    write_state(connection, _NUMBER, views.number)
    names = [match[1] for statement in views.statements if (match := _CREATED.search(statement))]
    write_state(connection, _NAMES, json.dumps(names))
