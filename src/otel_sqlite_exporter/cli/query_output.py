# SPDX-License-Identifier: Apache-2.0
"""The results of queries as text, JSON and CSV: timelines, traces, comparisons, search hits, rows and reports."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import click

from otel_sqlite_exporter.cli.formatting import (
    Interval,
    Value,
    format_cost,
    format_ms,
    format_status,
    format_time,
    format_value,
    is_terminal,
)
from otel_sqlite_exporter.cli.table_model import Column, Facts, Table, make_columns
from otel_sqlite_exporter.cli.tables import print_csv, print_json, print_tables
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.limits.comparison import Comparison
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.query.search import SearchHit, SearchResult
from otel_sqlite_exporter.query.statement import StatementResult
from otel_sqlite_exporter.query.summaries import EventSummary
from otel_sqlite_exporter.query.timeline import Timeline, TimelineStep
from otel_sqlite_exporter.query.trees import SpanNode, TraceTree

_SHORTEST_INTERVAL = 1 / 80
"""A bar of the least width, 10 characters, still shows an eighth of a character."""
_DROP = {"span_id": 2, "service_name": 3, "start_time": 4, "first_time": 5, "last_time": 6}
"""Columns of reports that a narrow terminal leaves out first, after the bars."""
_BARS = {"histogram": "pairs", "tokens": "total_tokens", "cost": "cost_usd", "links": "success_rate", "growth": "spans"}
"""The column of a report that its bars show."""


def show_timeline(timeline: Timeline, *, as_json: bool) -> None:
    """Print a session and its steps, each with the time from the start of the session to its own."""
    if as_json:
        return print_json(timeline.to_dict())
    session = timeline.session
    facts: dict[str, Value] = {
        "user": session.user_id,
        "service": session.service_name,
        "from": session.start_time,
        "to": session.end_time,
        "traces": session.traces,
        "spans": session.spans,
        "llm calls": session.llm_calls,
        "errors": session.errors,
        "tokens": session.total_tokens,
        "cost_usd": format_cost(session.cost_usd, session.unpriced_calls),
    }
    start = session.start_time_unix_nano
    columns: list[Column[TimelineStep]] = [
        Column("after", lambda step: format_ms((step.start_time_unix_nano - start) / 1e6), right=True, drop=3),
        Column("kind", lambda step: step.kind),
        Column("what", lambda step: step.what, least=20),
        Column("duration", lambda step: format_ms(step.duration_ms), right=True),
        Column("status", lambda step: format_status(step.status, step.error_type), least=12),
        Column("tokens", lambda step: step.total_tokens, drop=1),
        Column("trace_id", lambda step: step.trace_id, drop=2),
    ]
    steps = Table(f"steps ({timeline.describe()})", columns, timeline.steps)
    return print_tables(_make_facts(f"session {session.session_id}", facts), steps)


def show_trace(tree: TraceTree, *, as_json: bool) -> None:
    """Print a trace as a tree, with a waterfall of its spans."""
    if as_json:
        return print_json(tree.to_dict())
    trace = tree.trace
    facts: dict[str, Value] = {
        "session": trace.session_id,
        "service": trace.service_name,
        "from": trace.start_time,
        "duration": format_ms(trace.duration_ms),
        "status": trace.status,
        "tokens": trace.total_tokens,
        "cost_usd": format_cost(trace.cost_usd, trace.unpriced_calls),
    }
    start, duration_ms = trace.start_time_unix_nano, trace.duration_ms
    columns: list[Column[SpanNode]] = [
        Column("name", lambda node: f"{'  ' * node.depth}{node.span.name}", least=28),
        Column("waterfall", lambda node: _make_interval(node, start, duration_ms), drop=2),
        Column("duration", lambda node: format_ms(node.span.duration_ms), right=True),
        Column("status", _describe_status, least=6, drop=3),
        Column("tokens", _count_tokens, drop=1),
        Column("span_id", lambda node: node.span.span_id),
    ]
    nodes = tuple(tree)
    spans = Table(f"spans ({len(nodes):,} of {trace.spans:,})", columns, nodes)
    return print_tables(_make_facts(f"trace {trace.trace_id}", facts), spans)


def _make_facts(title: str, facts: dict[str, Value]) -> Facts:
    return Facts(title, [(name, value) for name, value in facts.items() if value is not None])


def _make_interval(node: SpanNode, start_unix_nano: int, duration_ms: float) -> Interval:
    whole_ms = max(duration_ms, 1e-6)
    begin = min((node.span.start_time_unix_nano - start_unix_nano) / 1e6 / whole_ms, 1 - _SHORTEST_INTERVAL)
    return Interval(begin, min(begin + max(node.span.duration_ms / whole_ms, _SHORTEST_INTERVAL), 1))


def _describe_status(node: SpanNode) -> str:
    if node.span.status == "error":
        return str(node.span.attribute("error.type") or node.span.status_description or "error")
    return node.span.status


def _count_tokens(node: SpanNode) -> int | None:
    tokens = sum(call.total_tokens or 0 for call in node.llm_interactions if call.counted)
    return min(tokens, LARGEST) or None  # as the views have it


def show_event(event: EventSummary, *, as_json: bool) -> None:
    """Print a record in one line."""
    if as_json:
        return print_json(event.to_dict(), indent=None)
    parts: list[str | None] = [event.start_time, event.phase or event.source, event.name]
    parts += [format_ms(event.duration_ms)] if event.phase == "finish" and event.duration_ms is not None else []
    parts += [f"session={event.session_id}"] if event.session_id else []
    parts += [f"trace={event.trace_id}"] if event.trace_id else []
    click.echo("  ".join(map(format_value, parts)))


def show_comparison(comparison: Comparison, *, as_json: bool) -> None:
    """Print the measures, tools and steps of two sessions, and on stderr the measures that exceed their limit."""
    if as_json:
        return print_json(comparison.to_dict())
    a, b = comparison.session_ids
    measures = [(name, one, two, _describe_change(one, two)) for name, (one, two) in comparison.measures.items()]
    columns: list[Column[Any]] = [*make_columns("measure", "a", "b"), Column("change", itemgetter(3), right=True)]
    tables: list[Table[Any]] = [Table(f"{a} and {b}", columns, measures)]
    tools = [(name, *counts) for name, counts in comparison.tools.items()]
    tables += [Table("tools", make_columns("tool", "a", "b"), tools)] if tools else []
    steps = [(line,) for line in comparison.steps]
    tables += [Table("steps", make_columns("step"), steps)] if steps else []
    print_tables(*tables)
    for measure, increase, is_percent in comparison.exceeded:
        one, two = comparison.measures[measure]
        limit = f"{one or 0:.6g} + {increase:g}{'%' if is_percent else ''}"
        click.echo(f"too much: {measure}: {two:.6g}, allowed: {limit}", err=True)


def _describe_change(a: float | None, b: float | None) -> str | None:
    if a is None or b is None:
        return None
    return f"{b - a:+.4g}" + (f" ({(b - a) / a:+.1%})" if a else "")


def show_hits(result: SearchResult, *, as_json: bool) -> None:
    """Print what a search found, and on stderr what it did not search."""
    if as_json:
        return print_json({"total": result.total, "note": result.note, "hits": result.to_dicts()})
    columns: list[Column[SearchHit]] = [
        Column("trace_id", lambda hit: hit.trace_id),
        Column("span_id", lambda hit: hit.span_id, drop=2),
        Column("start", lambda hit: format_time(hit.start_time), drop=3),
        Column("kind", lambda hit: hit.kind),
        Column("what", lambda hit: hit.what),
        Column("in", lambda hit: hit.column, drop=4),
        Column("matches", lambda hit: hit.matches, drop=1),
        Column("text", lambda hit: hit.snippet),
    ]
    print_tables(Table(f"hits ({result.describe()})", columns, result.hits))
    if result.note is not None:
        click.echo(result.note, err=True)


def show_rows(title: str, result: StatementResult | ReportResult, *, as_json: bool, as_csv: bool) -> None:
    """Print rows as they are."""
    if as_csv:
        return print_csv(result.columns, result.rows)
    if as_json:
        return print_json({"total": result.total, "rows": result.to_dicts()})
    return print_tables(Table(f"{title} ({result.describe()})", make_columns(*result.columns), result.rows))


def show_report(result: ReportResult, histogram: Callable[[], ReportResult], *, as_json: bool, as_csv: bool) -> None:
    """Print a report; on a terminal with bars, and durations with a histogram below."""
    if as_json or as_csv or not is_terminal():
        return show_rows(result.name, result, as_json=as_json, as_csv=as_csv)
    return print_tables(*map(_draw_report, (result, histogram()) if result.name == "durations" else (result,)))


def _draw_report(result: ReportResult) -> Table[Any]:
    columns: list[Column[Any]] = []
    for index, name in enumerate(result.columns):
        columns.append(Column(name, _make_cell(result, index), right=name == "cost_usd", drop=_DROP.get(name, 0)))
    if _BARS.get(result.name) in result.columns and result.rows:
        index = result.columns.index(_BARS[result.name])
        largest = max(row[index] or 0 for row in result.rows) or 1
        columns.append(Column("", lambda row: Interval(0, (row[index] or 0) / largest), drop=1))
    return Table(f"{result.name} ({result.describe()})", columns, result.rows)


def _make_cell(result: ReportResult, index: int) -> Callable[[Any], Value]:
    """Return what reads the cell of a column from a row."""
    if result.columns[index] == "cost_usd":
        unpriced = result.columns.index("unpriced_calls")
        return lambda row: format_cost(row[index], row[unpriced])
    if result.columns[index].endswith("_time"):
        return lambda row: format_time(row[index])
    return itemgetter(index)
