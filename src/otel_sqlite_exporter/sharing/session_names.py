# SPDX-License-Identifier: Apache-2.0
"""By which keys records name a session, and what it is called where its id is masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.sessions import find_naming, plan_naming
from otel_sqlite_exporter.errors import MigrationRequiredError
from otel_sqlite_exporter.model.values import decode_value
from otel_sqlite_exporter.query.askable_views import SESSIONS, TRACES, AskableView
from otel_sqlite_exporter.query.metric_series.metric_sessions import list_metric_sessions
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch
from otel_sqlite_exporter.query.sql_builder import Select, build_page
from otel_sqlite_exporter.sql.texts import read_query

_NAME = "redacted"
_DIGITS = 8


def name_masked_file(file: TelemetryFile) -> str:
    """Return what a masked file without spans is called: by the session that its series name."""
    found = list_metric_sessions(file, "")
    return f"Session {found[0]}" if len(found) == 1 else "A shared session"


def list_naming_keys(file: TelemetryFile, session_id: str, session_attributes: Sequence[str]) -> set[str]:
    """Return the attributes, or the keys in the JSON of one, by which records name a session. `session_attributes` are
    those that may."""
    found = {row["source"] for row in file.read(_find_first, SESSIONS, session_id)}
    try:
        series = file.read(fetch, Select(read_query("read_naming_series"), {"session_id": session_id}))
    except MigrationRequiredError:
        series = []
    for row in series:
        for text, types in (
            (row["attributes"], row["attribute_types"]),
            (row["resource_attributes"], row["resource_attribute_types"]),
        ):
            attributes = decode_value(text, types)
            naming = find_naming(plan_naming(session_attributes, attributes), attributes, True, 0)
            if naming is not None and naming.name == session_id:
                found.add(naming.source)
    return {key or attribute for attribute, _, key in (source.partition("#") for source in found)}


def make_name(file: TelemetryFile, session_id: str) -> str:
    """Return a name for a session that says nothing of its id: `redacted-`, and how the id of its first trace begins,
    or the time at which its first series begins and the number of that in the file. So two sessions that are shared do
    not become one where both are imported."""
    if traces := file.read(_find_first, TRACES, session_id):
        return f"{_NAME}-{traces[0]['trace_id'][:_DIGITS]}"
    first = file.read(fetch, Select(read_query("find_first_series"), {"session_id": session_id}))
    return "-".join([_NAME, *(f"{row['first_time_unix_nano'] or 0:x}-{row['series']}" for row in first)])


def _find_first(connection: sqlite3.Connection, view: AskableView[Any], session_id: str) -> list[dict[str, Any]]:
    return fetch(connection, build_page(view, {"session_id": session_id}, limit=1, cursor=None, newest_first=False))
