# SPDX-License-Identifier: Apache-2.0
"""What the public views of a file are: their meaning, columns and types, for people and programs that write SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.pages import field_types

_VIEWS = "SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND name NOT GLOB '_*' ORDER BY name"
_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL"}
_TYPES: Mapping[str, Mapping[str, type]] = {view.name: field_types(view.row_type) for view in ASKABLE_VIEWS}
_ORDERS: Mapping[str, str] = {view.name: view.order[0] for view in ASKABLE_VIEWS}
WRITING_NOTES = (
    "times are integers: nanoseconds since 1970, UTC; attributes are JSON: attributes ->> '$.\"http.route\"'",
    "WHERE counted leaves out calls and tools that repeat others; sum() of tokens may overflow: total() does not",
)
"""What somebody who writes SQL has to know of all views."""


class ViewDescription(NamedTuple):
    """A public view.

    Attributes:
        comment: What its rows are; empty if its author does not say.
        columns: Each column, with its type or an empty text if that is not known.
        order: The column by which rows are found fast; None: none is known.
    """

    name: str
    comment: str
    columns: tuple[tuple[str, str], ...]
    order: str | None


def describe_views(connection: sqlite3.Connection) -> dict[str, ViewDescription]:
    """Return the public views of a file by name, those of its user too."""
    found: dict[str, ViewDescription] = {}
    for name, sql in connection.execute(_VIEWS).fetchall():
        comment = " ".join(line[3:] for line in sql.splitlines() if line.startswith("-- "))
        quoted = name.replace('"', '""')
        columns = [column for column, *_ in connection.execute(f'SELECT * FROM "{quoted}" LIMIT 0').description]
        types = _TYPES.get(name, {})
        typed = tuple((column, _SQL_TYPES[types[column]] if column in types else "") for column in columns)
        found[name] = ViewDescription(name, comment, typed, _ORDERS.get(name))
    return found
