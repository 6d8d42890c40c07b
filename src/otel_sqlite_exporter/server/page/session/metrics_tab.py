# SPDX-License-Identifier: Apache-2.0
"""The metrics of a session: those that its program names with it, such as what a coding agent counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.query.metric_series.metric_list import find_metrics
from otel_sqlite_exporter.query.summaries import SessionSummary
from otel_sqlite_exporter.server.api.api_backend import Arguments
from otel_sqlite_exporter.server.page.page_links import link_page
from otel_sqlite_exporter.server.page.shown_metrics.listed_metrics import WHOLE, make_rows
from otel_sqlite_exporter.sql.texts import read_query

_MOST = 100


def has_series(connection: sqlite3.Connection, session_id: str) -> bool:
    """Return whether a series names a session."""
    return bool(connection.execute(read_query("find_session_series"), {"session_id": session_id}).fetchone()[0])


def read_metrics_tab(
    connection: sqlite3.Connection, session: SessionSummary, arguments: Arguments
) -> Mapping[str, Any]:
    """Return the metrics of a session, each with what it counted in it, or its latest value."""
    filters = {"session_id": session.session_id}
    page = find_metrics(connection, limit=_MOST, cursor=None, filters=filters)
    return {
        "metric_rows": make_rows(connection, page.records, filters, WHOLE),
        "all_link": link_page("/series", **filters) if page.cursor is not None else None,
        "is_last": True,
    }
