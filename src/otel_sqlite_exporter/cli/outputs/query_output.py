# SPDX-License-Identifier: Apache-2.0
"""The results of queries as text, JSON and CSV: comparisons, search hits, rows and reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from operator import itemgetter
from typing import Any

from otel_sqlite_exporter.cli.formatting import (
    Interval,
    Value,
    format_error_type,
    format_time,
    is_terminal,
    print_lines,
)
from otel_sqlite_exporter.cli.table_model import Column, Table, make_columns
from otel_sqlite_exporter.cli.tables import print_csv, print_json, print_tables
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.limits.comparison import Comparison
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.query.sandbox.statement import StatementResult
from otel_sqlite_exporter.query.search import SearchHit, SearchResult
from otel_sqlite_exporter.show.units import format_cost, format_number

_DROP = {
    **{"service_name": 2, "example_trace_id": 3, "trace_id": 3, "agent_name": 4, "cause": 5, "start_time": 6},
    **{"name": 7, "first_time": 8, "last_time": 9, "span_id": 97, "user_id": 98, "session_id": 99},
}
"""The order in which a narrow terminal leaves out columns of reports, after the bars."""
_DIGITS = 6
_BARS = {"histogram": "pairs", "tokens": "total_tokens", "cost": "cost_usd", "links": "success_rate", "growth": "spans"}
"""The column of a report that its bars show."""


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
        reached, base, more = (format_number(float(number or 0), _DIGITS) for number in (two, one, increase))
        allowed = f"{base} of {a} + {more}{'%' if is_percent else ''}"
        print_lines(f"too much: {measure} of {b}: {reached}, allowed: {allowed}", to_stderr=True)


def _describe_change(a: float | None, b: float | None) -> str | None:
    if a is None or b is None:
        return None
    change = f"{'' if b < a else '+'}{format_number(float(b - a))}"
    return change + (f" ({(b - a) / a:+.1%})" if a else "")


def show_hits(result: SearchResult, *, as_json: bool) -> None:
    """Print what a search found, and on stderr what it did not search."""
    if as_json:
        return print_json({"total": result.total, "note": result.note, "hits": result.to_dicts()})
    columns: list[Column[SearchHit]] = [
        Column("trace_id", lambda hit: hit.trace_id, drop=2),
        Column("span_id", lambda hit: hit.span_id),
        Column("start", lambda hit: format_time(hit.start_time), drop=4),
        Column("kind", lambda hit: hit.kind, drop=3),
        Column("what", lambda hit: hit.what),
        Column("in", lambda hit: hit.column),
        Column("matches", lambda hit: hit.matches, drop=1),
        Column("session_id", lambda hit: hit.session_id, drop=9),
        Column("user_id", lambda hit: hit.user_id, least=12, drop=8),
        Column("text", lambda hit: hit.snippet, is_below=True),
    ]
    print_tables(Table(f"hits ({result.describe()})", columns, result.hits))
    if result.note is not None:
        print_lines(result.note, to_stderr=True)


def show_rows(title: str, result: StatementResult | ReportResult, *, as_json: bool, as_csv: bool) -> None:
    """Print rows as they are."""
    if as_csv:
        return print_csv(result.columns, result.rows)
    if as_json:
        return print_json({"total": result.total, "rows": result.to_dicts()})
    return print_tables(Table(f"{title} ({result.describe()})", make_columns(*result.columns), result.rows))


def show_report(result: ReportResult, histogram: Callable[[], ReportResult], *, as_json: bool, as_csv: bool) -> None:
    """Print a report; on a terminal with bars, and durations with a histogram below."""
    if as_json and result.note is not None:
        return print_json({"total": result.total, "note": result.note, "rows": result.to_dicts()})
    if as_json or as_csv:
        return show_rows(result.name, result, as_json=as_json, as_csv=as_csv)
    proposed: tuple[str, ...] = ()
    if "kept_calls" in result.columns and not result.adds_kept:
        result = _leave_out(result, "kept_calls")
    for column in result.empty_columns:
        result = _leave_out(result, column)
    if result.name == "unrecognised":
        proposed = tuple(dict.fromkeys(row[-1] for row in result.rows))
        result = _leave_out(result, result.columns[-1])
    if not is_terminal():
        show_rows(result.name, result, as_json=False, as_csv=False)
    else:
        print_tables(*map(_draw_report, (result, histogram()) if result.name == "durations" else (result,)))
    for dialect in proposed:
        print_lines("", "A dialect to start from; save it, and name its path in OTEL_EXPORTER_SQLITE_DIALECTS:")
        print_lines(*json.dumps(json.loads(dialect), indent=2).split("\n"))
    if result.note is not None:
        print_lines(result.note, to_stderr=True)
    return None


def _leave_out(result: ReportResult, column: str) -> ReportResult:
    at = result.columns.index(column)
    rows = tuple((*row[:at], *row[at + 1 :]) for row in result.rows)
    return replace(result, columns=(*result.columns[:at], *result.columns[at + 1 :]), rows=rows)


def _draw_report(result: ReportResult) -> Table[Any]:
    columns: list[Column[Any]] = []
    for index, name in enumerate(result.columns):
        if name in result.columns[:index]:  # the message that is the group
            continue
        is_group, is_reason = index < len(result.groups), result.name == "errors" and name == "message"
        drop = 0 if is_group else _DROP.get(name, 0)
        cell = _make_cell(result, index)
        columns.append(Column(name, cell, right=name == "cost_usd", drop=drop, is_below=is_reason))
    if _BARS.get(result.name) in result.columns and result.rows:
        index = result.columns.index(_BARS[result.name])
        largest = max(row[index] or 0 for row in result.rows) or 1
        columns.append(Column("of the largest", lambda row: Interval(0, (row[index] or 0) / largest), drop=1))
    return Table(f"{result.name} ({result.describe()})", columns, result.rows)


def _make_cell(result: ReportResult, index: int) -> Callable[[Any], Value]:
    """Return what reads the cell of a column from a row."""
    if result.columns[index] == "cost_usd":
        unpriced = result.columns.index("unpriced_calls") if "unpriced_calls" in result.columns else None
        return lambda row: format_cost(row[index], 0 if unpriced is None else row[unpriced])
    if result.columns[index].endswith("_time"):
        return lambda row: format_time(row[index])
    if result.name == "errors" and result.columns[index] == "type":
        return lambda row: format_error_type(row[index])
    if result.name == "errors" and result.columns[index] == "message":
        type_ = result.columns.index("type") if "type" in result.columns else None
        return lambda row: find_reason(row[index], None if type_ is None else row[type_])
    return itemgetter(index)
