# SPDX-License-Identifier: Apache-2.0
"""Planner statistics as ANALYZE writes them for a large file, with the few resources and scopes that a service has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_STATISTICS = [
    ("_resources", None, "2"),
    ("_scopes", None, "5"),
    ("_sessions", "sqlite_autoindex__sessions_1", "5000 1"),
    ("_traces", "sqlite_autoindex__traces_1", "100000 1"),
    ("_traces", "_traces_session", "100000 20"),
    ("_trace_sessions", "_trace_sessions_key", "110000 2 1"),
    ("_trace_sessions", "_trace_sessions_session", "110000 22 1"),
    ("_spans", "_spans_key", "1000000 10 1"),
    ("_spans", "_spans_trace_session", "1000000 10"),
    ("_spans", "_spans_start_time", "1000000 1"),
    ("_events", "_events_span", "4000000 4"),
    ("_events", "_events_trace_session", "4000000 40"),
    ("_events", "_events_related_event", "4000000 1"),
    ("_llm_interactions", "_llm_interactions_trace_session", "200000 2"),
    ("_llm_interactions", "_llm_interactions_start_time", "200000 1"),
    ("_tool_interactions", "_tool_interactions_trace_session", "100000 1"),
    ("_tool_interactions", "_tool_interactions_start_time", "100000 1"),
    ("_traces", "_traces_start_time", "100000 1"),
    ("_sessions", "_sessions_end_time", "5000 1"),
]


def write_statistics(path: Path) -> None:
    """Let the planner take the file for one of a million spans."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ANALYZE")
        connection.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", _STATISTICS)
        connection.commit()
