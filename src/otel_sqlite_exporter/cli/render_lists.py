# SPDX-License-Identifier: Apache-2.0
"""A page of a list: which columns it has, and which of them a narrow terminal may lack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from otel_sqlite_exporter.cli.table_cells import Table, Value, format_ms
from otel_sqlite_exporter.cli.tables import format_time, is_terminal, print_json, print_tables
from otel_sqlite_exporter.query.pages import Page

_Columns = Mapping[str, Callable[[Any], Value]]


def _read_text(value: str | None) -> str | None:
    """Return a text that is JSON without its quotes, and other JSON as it is."""
    return str(json.loads(value)) if value is not None and value.startswith('"') else value


_LISTS: Mapping[str, _Columns] = {
    "sessions": {
        "session_id": lambda one: one.session_id,
        "user_id": lambda one: one.user_id,
        "end": lambda one: format_time(one.end_time),
        "duration": lambda one: format_ms(one.duration_ms),
        "traces": lambda one: one.traces,
        "spans": lambda one: one.spans,
        "llm": lambda one: one.llm_calls,
        "errors": lambda one: one.errors,
        "tokens": lambda one: one.total_tokens,
        "cost_usd": lambda one: one.cost_usd,
    },
    "traces": {
        "trace_id": lambda one: one.trace_id,
        "start": lambda one: format_time(one.start_time),
        "duration": lambda one: format_ms(one.duration_ms),
        "status": lambda one: one.status,
        "service": lambda one: one.service_name,
        "name": lambda one: one.name,
        "spans": lambda one: one.spans,
        "errors": lambda one: one.errors,
        "tokens": lambda one: one.total_tokens,
        "session_id": lambda one: one.session_id,
    },
    "llm_interactions": {
        "trace_id": lambda one: one.trace_id,
        "span_id": lambda one: one.span_id,
        "start": lambda one: format_time(one.request_timestamp),
        "duration": lambda one: format_ms(one.duration_ms),
        "status": lambda one: one.error_type if one.status == "error" and one.error_type else one.status,
        "model": lambda one: one.model,
        "input": lambda one: one.input_tokens,
        "output": lambda one: one.output_tokens,
        "cost_usd": lambda one: one.cost_usd,
    },
    "tool_interactions": {
        "trace_id": lambda one: one.trace_id,
        "span_id": lambda one: one.span_id,
        "start": lambda one: format_time(one.start_time),
        "duration": lambda one: format_ms(one.duration_ms),
        "status": lambda one: one.error_type if one.status == "error" and one.error_type else one.status,
        "tool": lambda one: one.tool_name,
        "arguments": lambda one: one.arguments,
    },
    "logs": {
        "start": lambda one: format_time(one.start_time),
        "severity": lambda one: one.severity_text or one.severity_number,
        "service": lambda one: one.service_name,
        "event_name": lambda one: one.event_name,
        "body": lambda one: _read_text(one.body),
        "trace_id": lambda one: one.trace_id,
        "session_id": lambda one: one.session_id,
    },
}
_TITLES = {"llm_interactions": "calls", "tool_interactions": "tool executions", "logs": "log records"}
_RIGHT = frozenset(("duration",))
# Left out where a terminal has no room, the first of these first.
_SPARE = {
    "sessions": ("traces", "spans", "user_id", "llm", "cost_usd", "duration", "tokens", "errors"),
    "traces": ("service", "spans", "session_id", "errors", "tokens", "start"),
    "llm_interactions": ("span_id", "cost_usd", "output", "input", "start"),
    "tool_interactions": ("span_id", "start", "arguments"),
    "logs": ("service", "session_id", "event_name", "trace_id"),
}


def render_page(records: str, page: Page[Any], *, as_json: bool) -> None:
    """Print a page of a list, how much of the whole it is, and how to get the next."""
    if as_json:
        return print_json({"total": page.total, "cursor": page.cursor, records: page.to_dicts()})
    columns = _LISTS[records]
    rows = [tuple(read(one) for read in columns.values()) for one in page]
    title = f"{_TITLES.get(records, records)} ({page.describe()})"
    print_tables([Table(title, tuple(columns), rows, right=_RIGHT, spare=_SPARE[records])])
    if page.cursor is not None and not is_terminal():
        click.echo(f"next: --cursor {page.cursor}", err=True)
