# SPDX-License-Identifier: Apache-2.0
"""Rows of views, reports and searches in a notebook: the columns that a person asks for first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.query.notebooks.notebook_html import (
    NotebookCell,
    make_facts,
    make_note,
    make_table,
    make_title,
)
from otel_sqlite_exporter.show.html_text import Html, join_html
from otel_sqlite_exporter.show.units import format_cost, format_count, format_ms, format_number, format_time

MOST_ROWS = 100
VIEW_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sessions": (
        *("session_id", "status", "user_id", "service_name", "start_time", "duration_ms", "traces", "llm_calls"),
        *("failed_requests", "failed_calls", "failed_tools", "total_tokens", "cost_usd"),
    ),
    "traces": (
        *("trace_id", "name", "service_name", "status", "start_time", "duration_ms", "spans", "failed_calls"),
        *("failed_tools", "total_tokens", "cost_usd", "session_id", "user_id"),
    ),
    "spans": (
        *("span_id", "name", "service_name", "kind", "status", "status_description", "start_time", "duration_ms"),
        *("session_id", "trace_id"),
    ),
    "events": ("id", "name", "phase", "service_name", "start_time", "duration_ms", "session_id", "span_id", "trace_id"),
    "logs": ("start_time", "severity_text", "service_name", "event_name", "body", "session_id", "trace_id"),
    "complete_llm_interactions": (
        *("request_timestamp", "model", "operation", "status", "error_type", "error_message", "duration_ms"),
        *("input_tokens", "output_tokens", "cost_usd", "agent_name", "session_id", "span_id", "trace_id"),
    ),
    "complete_tool_interactions": (
        *("start_time", "tool_name", "status", "error_type", "error_message", "duration_ms", "arguments"),
        *("agent_name", "session_id", "span_id", "trace_id"),
    ),
    "metrics": ("name", "kind", "unit", "temporality", "series", "services", "last_time", "description"),
    "exemplars": ("time", "name", "value", "unit", "service_name", "span_name", "session_id", "span_id", "trace_id"),
}
"""The columns of a view that are shown, by its name."""
SEARCH_COLUMNS = ("start_time", "kind", "what", "column", "snippet", "matches", "session_id", "span_id", "trace_id")
_UNPRICED = ("unpriced_calls", "is_unpriced")
"""The columns that say of how many calls the cost of a row is unknown."""
_TIMES = ("_time", "_timestamp")
_TITLES = {"complete_llm_interactions": "model calls", "complete_tool_interactions": "tool executions"}


def show_page(view: str, rows: Sequence[Any], told: str) -> Html:
    """Return a page of rows of a view as a table; `told` says how much of the list they are."""
    return _show_rows(_TITLES.get(view, view), VIEW_COLUMNS[view], rows, told, _get)


def show_row(view: str, row: Any) -> Html:
    """Return one row of a view as names and values."""
    facts = []
    for column in VIEW_COLUMNS[view]:
        value = _get(row, column)
        content = value if isinstance(value, str) else _make_cell(column, row, _get).content
        facts += [(_name(column), NotebookCell(content))] if content is not None else []
    return join_html(make_title(_TITLES.get(view, view).removesuffix("s")), make_facts(facts))


def show_hits(hits: Sequence[Any], told: str, note: str | None) -> Html:
    """Return the hits of a search as a table; `note` says what was not searched."""
    shown = _show_rows("search", SEARCH_COLUMNS, hits, told, _get)
    return shown if note is None else join_html(shown, make_note(note))


def show_report(name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], told: str) -> Html:
    """Return the rows of a report as a table."""
    return _show_rows(f"report {name}", columns, rows, told, lambda row, column: row.get(column))


def _get(row: Any, column: str) -> Any:
    return getattr(row, column, None)


def _show_rows(
    title: str, columns: Sequence[str], rows: Sequence[Any], told: str, read: Callable[[Any, str], Any]
) -> Html:
    """Return a table of the columns that any of the rows has a value of."""
    first = rows[:MOST_ROWS]
    known = [column for column in dict.fromkeys(columns) if any(read(row, column) is not None for row in first)]
    cells = [[_make_cell(column, row, read) for column in known] for row in first]
    numbers = [any(cell.is_right for cell in column) for column in zip(*cells, strict=True)]
    headings = [NotebookCell(_name(column), is_right) for column, is_right in zip(known, numbers, strict=True)]
    table, shown = make_table(headings, cells, MOST_ROWS)
    if not rows:
        return make_title(title, f"({told})")
    rest = [make_note(f"The first {shown} of these {format_count(len(rows))} rows.")] if shown < len(rows) else []
    return join_html(make_title(title, f"({told})"), table, *rest)


def _name(column: str) -> str:
    return column.removesuffix("_ms").replace("_", " ")


def _make_cell(column: str, row: Any, read: Callable[[Any, str], Any]) -> NotebookCell:
    value = read(row, column)
    if value is None or isinstance(value, str):
        return NotebookCell(format_time(value) if value and column.endswith(_TIMES) else value)
    if column == "cost_usd":
        unpriced = next((number for name in _UNPRICED if (number := read(row, name)) is not None), 0)
        return NotebookCell(format_cost(value, unpriced), is_right=True)
    if column.endswith("_ms"):
        return NotebookCell(format_ms(value), is_right=True)
    if isinstance(value, int) and not column.endswith("id"):
        return NotebookCell(format_count(value), is_right=True)
    return NotebookCell(format_number(value) if isinstance(value, float) else str(value), is_right=True)
