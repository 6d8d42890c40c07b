# SPDX-License-Identifier: Apache-2.0
"""Traces whose spans show several sessions, in one line with the commands that help, as `doctor` and `info` say it."""

from __future__ import annotations

import sqlite3
from typing import Any

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.identity import name_command

_LIST = """sql "SELECT * FROM session_conflicts WHERE resolution = 'apart'\""""


def count_conflicts(connection: sqlite3.Connection) -> int:
    """Return the number of traces with spans that show another session than their trace."""
    query = "SELECT count(DISTINCT trace_id) FROM session_conflicts WHERE resolution = 'apart'"
    (traces,) = connection.execute(query).fetchone()
    return int(traces)


def list_conflicts(connection: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """Return rows of `session_conflicts` of such traces, by the names of their columns: at most `limit`."""
    return fetch(connection, Select(read_query("list_session_conflicts"), {"limit": limit}))


def describe_conflicts(traces: int, path: str) -> tuple[str, str]:
    """Return what is to be known about that number of traces in the file at `path`, and what helps."""
    what = f"{count(traces, 'trace shows', 'traces show')} several sessions"
    choose = f"to choose one, set session_attributes and run `{name_command('reindex', path)}`"
    return what, f"list them with `{name_command(_LIST, path)}`; {choose}"
