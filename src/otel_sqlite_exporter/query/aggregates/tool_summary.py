# SPDX-License-Identifier: Apache-2.0
"""A line for each tool, of the executions that meet the filters of a list. The report `tools` counts all executions of
a file; this counts the newest, but takes every filter."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.aggregates.facets import SCANNED, fetch_in_time
from otel_sqlite_exporter.query.askable_views import TOOL_INTERACTIONS
from otel_sqlite_exporter.query.indexes.indexed_filters import find_among
from otel_sqlite_exporter.query.sql_builder import build_page

_COLUMNS = ("tool_name", "status", "duration_ms", "waiting_ms")
_LONGEST_S = 0.1
"""So that the page of tools is there at once, also where few of very many executions meet the filters."""


class ToolLine(NamedTuple):
    """The executions of one tool.

    Attributes:
        p50_ms: The shortest duration that at least half of those that have ended do not exceed; None: none has ended.
        waiting_ms: How long all of them waited before they ran; None: it is not known of any.
    """

    tool_name: str | None
    executions: int
    errors: int
    running: int
    interrupted: int
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None
    waiting_ms: float | None


@dataclass(frozen=True, slots=True)
class ToolSummary:
    """Tools, the most frequent first. `executions` were counted; if `is_whole` is False, these are the newest ones."""

    tools: tuple[ToolLine, ...]
    executions: int
    is_whole: bool


def summarize_tools(connection: sqlite3.Connection, filters: Mapping[str, Any]) -> ToolSummary:
    """Return a line for each tool, of the newest 10,000 executions that meet the filters, and of those that are found
    within 0.1 s.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    among = find_among(connection, TOOL_INTERACTIONS, filters)
    select = build_page(TOOL_INTERACTIONS, filters, limit=SCANNED + 1, columns=_COLUMNS, among=among)
    found, is_whole = fetch_in_time(connection, select.sql, select.parameters, longest_s=_LONGEST_S)
    counted = found[:SCANNED]
    groups: dict[str | None, list[Any]] = {}
    for row in counted:
        groups.setdefault(row["tool_name"], []).append(row)
    lines = sorted((_sum(*group) for group in groups.items()), key=lambda one: (-one.executions, one.tool_name or ""))
    return ToolSummary(tuple(lines), len(counted), is_whole and len(found) <= SCANNED)


def _sum(tool: str | None, rows: Sequence[Any]) -> ToolLine:
    states = [row["status"] for row in rows]
    ended = (row for row in rows if row["status"] not in ("running", "interrupted"))
    durations = sorted(row["duration_ms"] for row in ended if row["duration_ms"] is not None)
    waits = [row["waiting_ms"] for row in rows if row["waiting_ms"] is not None]
    return ToolLine(
        tool,
        len(rows),
        states.count("error"),
        states.count("running"),
        states.count("interrupted"),
        _find_percentile(durations, 50),
        _find_percentile(durations, 95),
        durations[-1] if durations else None,
        sum(waits) if waits else None,
    )


def _find_percentile(durations: Sequence[float], percent: int) -> float | None:
    """Return the shortest of the durations, in order, that at least so many percent do not exceed."""
    return durations[(len(durations) * percent + 99) // 100 - 1] if durations else None
