# SPDX-License-Identifier: Apache-2.0
"""Finds the ids and names of a rule that no record of the file has: each may be a typo, and a deletion that removes
nothing must not look like one that did."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

from otel_sqlite_exporter.maintain.deletion.chosen_records import choose_records
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.sql.texts import read_query

_SIMILAR = {"sessions": "find_similar_sessions", "traces": "find_similar_traces"}


class MissingName(NamedTuple):
    """A value that chooses no record by itself.

    Attributes:
        kind: `session`, `trace`, `user` or `service`.
        name: As it was given.
        similar: The only id that begins with it; None: there is no such id, or there are several.
    """

    kind: str
    name: str
    similar: str | None


def find_missing(
    connection: sqlite3.Connection, rule: DeletionRule, found: Collection[str] = ()
) -> tuple[MissingName, ...]:
    """Return the values of `rule` that choose nothing now, but for those in `found`. What `choose_records` chose before
    is forgotten.

    Raises:
        sqlite3.Error: The file cannot be read.
    """
    missing = []
    for field in ("sessions", "traces", "users", "services"):
        for name in dict.fromkeys(getattr(rule, field)):
            values: dict[str, Any] = {field: (name,)}
            one = DeletionRule(**values)
            if name not in found and choose_records(connection, one).is_empty:
                missing.append(MissingName(field.removesuffix("s"), name, _find_similar(connection, field, name)))
    return tuple(missing)


def _find_similar(connection: sqlite3.Connection, field: str, name: str) -> str | None:
    if field not in _SIMILAR:
        return None
    rows = connection.execute(read_query(_SIMILAR[field]), {"prefix": name}).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None
