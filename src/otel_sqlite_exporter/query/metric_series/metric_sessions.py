# SPDX-License-Identifier: Apache-2.0
"""The sessions that data points name: their spans and log records need not be in the file."""

from __future__ import annotations

from otel_sqlite_exporter.errors import MigrationRequiredError
from otel_sqlite_exporter.query.askable_views import SESSIONS
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch, resolve_id
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

_MOST_NAMED = 6


def list_metric_sessions(file: TelemetryFile, prefix: str) -> list[str]:
    """Return some of the sessions that series name and whose id begins with `prefix`."""
    asked = {"prefix": prefix, "end": f"{prefix}\U0010ffff", "limit": _MOST_NAMED}
    try:
        found = file.read(fetch, Select(read_query("list_sessions_of_series"), asked))
    except MigrationRequiredError:
        return []
    return [row["session_id"] for row in found]


def resolve_session(file: TelemetryFile, prefix: str) -> str:
    """Return the id of the session that `prefix` is, or that alone begins so: of spans, log records or data points.

    Raises:
        FilterError: `prefix` is empty.
        NotFoundError: There is no such session, or there are several.
    """
    return file.read(resolve_id, SESSIONS, "session_id", prefix, others=list_metric_sessions(file, prefix))
