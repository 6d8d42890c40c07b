# SPDX-License-Identifier: Apache-2.0
"""The views and triggers in a file. No step migrates them: they are dropped and written from the files of the package.

A file notes their number, and a digest of each text: all other views and triggers belong to the user, also one that
has replaced ours. They stay.
"""

from __future__ import annotations

import hashlib
import sqlite3
from functools import cache
from typing import NamedTuple

from otel_sqlite_exporter.sql.texts import read_folder, split_statements
from otel_sqlite_exporter.storage.state import read_number, read_state, write_state

VIEW_NUMBER = 4
"""Raise it with each change of a file in `sql/views` or `sql/triggers`: files with a lower number get the new ones."""
_NUMBER, _DIGESTS = "views", "view digests"
# SQLite drops the triggers on a view with the view: so triggers are dropped first, and created last.
_READ = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY type, rowid DESC"


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
    """Return the number of the views in a file; 0 if it has none yet, or what it notes is not a number."""
    return read_number(connection, _NUMBER) or 0


def drop_views(connection: sqlite3.Connection) -> tuple[Views, tuple[str, ...]]:
    """Drop all views and triggers, in the caller's transaction: SQLite changes no table while a view or a trigger names
    what is not there, and those of the user may use ours. Return ours, and the statements of the user's."""
    noted = str(read_state(connection, _DIGESTS)).split()
    ours: list[str] = []
    theirs: list[str] = []
    for kind, name, sql in connection.execute(_READ).fetchall():
        (ours if _digest(sql) in noted else theirs).insert(0, sql)
        quoted = name.replace('"', '""')
        connection.execute(f'DROP {kind} "{quoted}"')
    return Views(read_view_number(connection), tuple(ours)), tuple(theirs)


def create_views(connection: sqlite3.Connection, views: Views, others: tuple[str, ...] = ()) -> None:
    """Create `views`, then `others`, in the caller's transaction, and note what is ours.

    Raises:
        sqlite3.OperationalError: The user has a view, trigger or table of the same name.
    """
    for statement in views.statements:
        connection.execute(statement)
    digests = [_digest(sql) for *_, sql in connection.execute(_READ)]
    for statement in others:
        connection.execute(statement)
    write_state(connection, _NUMBER, views.number)
    write_state(connection, _DIGESTS, " ".join(digests))


def _digest(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()[:16]
