# SPDX-License-Identifier: Apache-2.0
"""The labels of scores that have no value, for lists of sessions and traces."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from otel_sqlite_exporter.sql.texts import read_query


class ScoreLabel(NamedTuple):
    """A label of scores of one name, and how many of them have no value."""

    name: str | None
    label: str
    number: int


def read_labels(
    connection: sqlite3.Connection, *, session_ids: Iterable[str] = (), trace_ids: Iterable[str] = ()
) -> Mapping[str, list[ScoreLabel]]:
    """Return the labels of the scores without a value of sessions or traces, by the id of these."""
    given = {"session_ids": [*session_ids], "trace_ids": [*trace_ids]}
    rows = connection.execute(
        read_query("count_score_labels"), {name: orjson.dumps(ids).decode() for name, ids in given.items()}
    )
    found: dict[str, list[ScoreLabel]] = {}
    for id, *label in rows:
        found.setdefault(id, []).append(ScoreLabel._make(label))
    return found
