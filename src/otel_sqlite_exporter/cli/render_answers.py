# SPDX-License-Identifier: Apache-2.0
"""What commands that ask have been answered: timelines, trees, comparisons, reports and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from otel_sqlite_exporter.cli.table_cells import Bar, Cell, Interval, Table, Value, format_ms
from otel_sqlite_exporter.cli.tables import format_time, is_terminal, print_csv, print_json, print_tables
from otel_sqlite_exporter.query.comparison import Comparison
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.query.search import SearchResult
from otel_sqlite_exporter.query.statement import StatementResult
from otel_sqlite_exporter.query.timeline import Timeline
from otel_sqlite_exporter.query.trees import SpanNode, TraceTree

_RIGHT = frozenset(("duration", "after"))
_SQL_WIDTH = 24
# Of reports, left out where a terminal has no room: the bar first.
_SPARE = ("", "span_id", "service_name", "start_time", "first_time", "last_time")
# What a bar stands for, by report.
_DRAWN = {
    "histogram": "pairs",
    "tokens": "total_tokens",
    "cost": "cost_usd",
    "links": "success_rate",
    "growth": "spans",
}


def draws(*, as_json: bool, as_csv: bool) -> bool:
    """Return whether pictures are drawn."""
    return is_terminal() and not as_json and not as_csv


def render_timeline(timeline: Timeline) -> None:
    """Print a session and its steps, with how long after its start each began."""
    session = timeline.session
    facts = [(name, value) for name, value in _describe_session(session) if value is not None]
    rows = [
        (
            format_ms((step.start_time_unix_nano - session.start_time_unix_nano) / 1e6),
            step.kind,
            step.what,
            format_ms(step.duration_ms),
            step.error_type if step.status == "error" and step.error_type else step.status,
            step.total_tokens,
            step.trace_id,
        )
        for step in timeline.steps
    ]
    columns = ("after", "kind", "what", "duration", "status", "tokens", "trace_id")
    steps = Table(f"steps ({timeline.describe()})", columns, rows, right=_RIGHT, spare=("tokens", "trace_id", "after"))
    print_tables([Table(f"session {session.session_id}", (), facts), steps])


def _describe_session(session: Any) -> list[tuple[str, Value]]:
    return [
        ("user", session.user_id),
        ("service", session.service_name),
        ("from", session.start_time),
        ("to", session.end_time),
        ("traces", session.traces),
        ("spans", session.spans),
        ("llm calls", session.llm_calls),
        ("errors", session.errors),
        ("tokens", session.total_tokens),
        ("cost_usd", session.cost_usd),
    ]


def render_trace(tree: TraceTree) -> None:
    """Print a trace as a tree; each span is drawn where it ran, between the start and the end of the trace."""
    trace = tree.trace
    facts: list[tuple[str, Value]] = [
        ("session", trace.session_id),
        ("service", trace.service_name),
        ("from", trace.start_time),
        ("duration", format_ms(trace.duration_ms)),
        ("status", trace.status),
        ("tokens", trace.total_tokens),
        ("cost_usd", trace.cost_usd),
    ]
    rows = [
        (
            f"{'  ' * node.depth}{node.span.name}",
            _draw_span(node, trace.start_time_unix_nano, trace.duration_ms),
            format_ms(node.span.duration_ms),
            _describe_status(node),
            sum(call.total_tokens or 0 for call in node.llm_interactions if call.counted) or None,
            node.span.span_id,
        )
        for node in tree
    ]
    columns = ("name", "waterfall", "duration", "status", "tokens", "span_id")
    print_tables(
        [
            Table(f"trace {trace.trace_id}", (), [fact for fact in facts if fact[1] is not None]),
            Table(
                f"spans ({len(rows):,} of {trace.spans:,})",
                columns,
                rows,
                {"name": 28, "status": 6},
                _RIGHT,
                ("tokens", "waterfall", "status"),
            ),
        ]
    )


def _draw_span(node: SpanNode, start_unix_nano: int, duration_ms: float) -> Interval:
    if duration_ms <= 0:
        return Interval(0, None)
    begin_ms = (node.span.start_time_unix_nano - start_unix_nano) / 1e6
    return Interval(begin_ms / duration_ms, node.span.duration_ms / duration_ms)


def _describe_status(node: SpanNode) -> str:
    error_type = node.span.attribute("error.type")
    if node.span.status == "error":
        return str(error_type or node.span.status_description or "error")
    return node.span.status


def render_comparison(comparison: Comparison) -> None:
    """Print both sessions' measures, their tools, how their steps differ, and what is too much."""
    rows = [(name, a, b, _describe_change(a, b)) for name, (a, b) in comparison.measures.items()]
    tools = [(name, a, b) for name, (a, b) in comparison.tools.items()]
    a, b = comparison.session_ids
    tables = [Table(f"{a} and {b}", ("measure", "a", "b", "change"), rows, right=frozenset(("change",)))]
    tables += [Table("tools", ("tool", "a", "b"), tools)] if tools else []
    tables += [Table("steps", ("step",), [(line,) for line in comparison.steps])] if comparison.steps else []
    print_tables(tables)
    for name in comparison.exceeded:
        click.echo(f"too much: {name}", err=True)


def _describe_change(a: float | None, b: float | None) -> str | None:
    if a is None or b is None:
        return None
    return f"{b - a:+.4g}" + (f" ({(b - a) / a:+.1%})" if a else "")


def render_hits(result: SearchResult, *, as_json: bool) -> None:
    """Print what a search found, and on stderr what was not searched."""
    if as_json:
        return print_json({"total": result.total, "note": result.note, "hits": result.to_dicts()})
    columns = ("trace_id", "span_id", "start", "kind", "what", "in", "matches", "text")
    rows = [
        (
            *(hit.trace_id, hit.span_id, format_time(hit.start_time), hit.kind, hit.what, hit.column),
            *(hit.matches, hit.snippet),
        )
        for hit in result
    ]
    print_tables([Table(f"hits ({result.describe()})", columns, rows, spare=("matches", "span_id", "start", "in"))])
    if result.note is not None:
        click.echo(result.note, err=True)


def render_rows(title: str, result: StatementResult | ReportResult, *, as_json: bool, as_csv: bool) -> None:
    """Print rows as they are."""
    if as_csv:
        return print_csv(result.columns, result.rows)
    if as_json:
        return print_json({"total": result.total, "rows": result.to_dicts()})
    print_tables([Table(f"{title} ({result.describe()})", result.columns, result.rows, _wide(result))])


def render_report_result(result: ReportResult, shape: ReportResult | None, *, as_json: bool, as_csv: bool) -> None:
    """Print a report, on a terminal with bars where a picture says more, and with the histogram `shape` below it."""
    if not draws(as_json=as_json, as_csv=as_csv):
        return render_rows(result.name, result, as_json=as_json, as_csv=as_csv)
    print_tables([_draw_report(one) for one in (result, shape) if one is not None])


def _draw_report(result: ReportResult) -> Table:
    title = f"{result.name} ({result.describe()})"
    times = {index for index, column in enumerate(result.columns) if column.endswith("_time")}
    shown = [[format_time(cell) if i in times else cell for i, cell in enumerate(row)] for row in result.rows]
    drawn = _DRAWN.get(result.name)
    if drawn is None or drawn not in result.columns or not result.rows:
        return Table(title, result.columns, shown, _wide(result), spare=_SPARE)
    place = result.columns.index(drawn)
    largest = max(row[place] or 0 for row in result.rows)
    rows: Sequence[Sequence[Cell]] = [
        (*cells, Bar(row[place] or 0, largest)) for cells, row in zip(shown, result.rows, strict=True)
    ]
    return Table(title, (*result.columns, ""), rows, _wide(result), spare=_SPARE)


def _wide(result: StatementResult | ReportResult) -> dict[str, int]:
    """Let each text be cut, as anything may stand there."""
    return dict.fromkeys(result.columns, _SQL_WIDTH)
