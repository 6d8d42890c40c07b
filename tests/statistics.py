# SPDX-License-Identifier: Apache-2.0
"""Planner statistics as the exporter writes them to a large file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_STATISTICS = [
    ("_agent_sessions", "sqlite_autoindex__agent_sessions_1", "7460 1001 1"),
    ("_events", "_events_related_event", "141036 1"),
    ("_events", "_events_span", "1286528 3"),
    ("_events", "_events_trace_session", "1346625 11"),
    ("_llm_interactions", "_llm_interactions_uncounted", "59122 1"),
    ("_llm_interactions", "_llm_interactions_response_id", "50657 1 1"),
    ("_llm_interactions", "_llm_interactions_span", "183202 1 1"),
    ("_llm_interactions", "_llm_interactions_start_time", "165432 1"),
    ("_llm_interactions", "_llm_interactions_trace_session", "183125 3"),
    ("_sessions", "_sessions_end_time", "1808 1"),
    ("_sessions", "sqlite_autoindex__sessions_1", "1887 1"),
    ("_spans", "_spans_error", "4315 1"),
    ("_spans", "_spans_finish_record", "640240 1 1"),
    ("_spans", "_spans_key", "430004 10 1"),
    ("_spans", "_spans_parent", "250200 9 5"),
    ("_spans", "_spans_start_time", "558672 1"),
    ("_spans", "_spans_trace_session", "640240 5"),
    ("_tool_interactions", "_tool_interactions_call", "53802 1"),
    ("_tool_interactions", "_tool_interactions_name", "58080 1 1"),
    ("_tool_interactions", "_tool_interactions_span", "57880 1"),
    ("_tool_interactions", "_tool_interactions_start_time", "53336 1"),
    ("_tool_interactions", "_tool_interactions_trace_session", "58080 1"),
    ("_trace_sessions", "_trace_sessions_key", "120508 2 1"),
    ("_trace_sessions", "_trace_sessions_session", "115258 39 1"),
    ("_traces", "_traces_session", "59533 20"),
    ("_traces", "_traces_start_time", "53336 1"),
    ("_traces", "sqlite_autoindex__traces_1", "56964 1"),
]
"""As noted in a file of 1,000,000 spans with 200,000 calls. Where a table has fewer rows than the planner expects of a
recursive query (a million), a condition on it makes SQLite build a Bloom filter of all its rows."""
_STATISTICS_OF_CALLS = [
    ("_events", "_events_span", "34704 2"),
    ("_events", "_events_trace_session", "36662 20"),
    ("_llm_interactions", "_llm_interactions_aggregate", "1638 1"),
    ("_llm_interactions", "_llm_interactions_response_key", "16240 1"),
    ("_llm_interactions", "_llm_interactions_span", "15840 1 1"),
    ("_llm_interactions", "_llm_interactions_start_time", "15368 1"),
    ("_llm_interactions", "_llm_interactions_trace_session", "16884 10 1"),
    ("_llm_interactions", "_llm_interactions_uncounted", "1638 1001"),
    ("_spans", "_spans_finish_record", "16742 1 1"),
    ("_spans", "_spans_key", "17088 10 1 1"),
    ("_spans", "_spans_parent", "14958 9 9"),
    ("_spans", "_spans_start_time", "16200 1"),
    ("_spans", "_spans_trace_session", "17248 10"),
    ("_traces", "_traces_session", "1639 20"),
    ("_traces", "sqlite_autoindex__traces_1", "1588 1"),
]
"""As noted in a file of 16,384 spans that are all calls."""


def write_statistics(path: Path, *, only_calls: bool = False) -> None:
    """Let the planner take the file for one of a million spans, or for a smaller one with `only_calls`."""
    statistics = _STATISTICS_OF_CALLS if only_calls else _STATISTICS
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ANALYZE")
        connection.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", statistics)
        connection.commit()
