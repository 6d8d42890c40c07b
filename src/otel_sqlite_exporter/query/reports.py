# SPDX-License-Identifier: Apache-2.0
"""Reports. Each is one SQL text, `sql/reports/NAME.sql`, that starts with a comment on what it shows and its plan. Two
have no text: `queries` runs the other reports and the lists, and `unrecognised` looks at the names of attributes.

How a text becomes a statement, and its parameters, is in `report_texts`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, NamedTuple, Protocol

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.dialect import Dialect
from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.filter_values import parse_calendar, parse_texts, parse_time
from otel_sqlite_exporter.query.notebooks import notebook_rows
from otel_sqlite_exporter.query.pages import TableResult
from otel_sqlite_exporter.query.reading import fetch_table
from otel_sqlite_exporter.query.report_parts.kept_days import find_kept_days
from otel_sqlite_exporter.query.report_parts.report_texts import (
    SUBJECTS,
    TIMES,
    add_functions,
    build_report,
    check_filters,
)
from otel_sqlite_exporter.query.sql_builder import Select, build_page, check_limit
from otel_sqlite_exporter.sql.texts import read_report

_SAMPLE = 10_000
_ABOUT_QUERIES = (
    "The first page of every list, and every other report: its time in milliseconds on this file, its rows, and the "
    "full scans in its plan. Plan: runs all of them."
)
_ABOUT_UNRECOGNISED = (
    "Spans and events that look like model calls or tools by the names of their attributes, but that no dialect "
    "reads; for each service a dialect to start from. Plan: one pass over all spans, their events and log events."
)
_ABOUT_GENAI_METRICS = (
    "What the histograms of programs that call models say: the tokens of a call, its duration, the times to its first "
    "token and between tokens. p50 and p95 are estimated from buckets; unit is that of the metric, and count is the "
    "number of measured values. Plan: the points of the range in each series of these metrics, by index."
)
_COMPUTED = {**{"queries": _ABOUT_QUERIES, "unrecognised": _ABOUT_UNRECOGNISED, "genai-metrics": _ABOUT_GENAI_METRICS}}
_QUERY_COLUMNS: tuple[str, ...] = ("group_1", "ms", "rows", "plan")
_UTC_DAYS = ("links", "growth")


class ReportDefinition(NamedTuple):
    """What a report can be asked.

    Attributes:
        groups: What its rows can be grouped by; the first is the default.
        most_groups: The number of groups it takes at once.
        is_grouped: The first columns hold the groups; else they only select what the report is about.
        limit: The default number of rows.
        is_cut: It stops at the limit, so that the total is unknown if there are more rows.
        is_pass: Without a time range, it reads all rows.
        budget: The column whose sum can be limited.
        is_sparse: It has columns that few files have a value of: those that no row has one of are not shown to people.
    """

    groups: tuple[str, ...]
    most_groups: int = 1
    is_grouped: bool = True
    limit: int = 1_000
    is_cut: bool = False
    is_pass: bool = False
    budget: str | None = None
    is_sparse: bool = False


_DURATIONS = tuple(dict.fromkeys(group for groups in SUBJECTS.values() for group in groups))
_FAILURES = ("type", "name", "message", "model", "request_model", "tool", "service", *TIMES)
REPORTS: Mapping[str, ReportDefinition] = {
    "sessions": ReportDefinition(("session", "user", "service", *TIMES), limit=50, is_cut=True),
    "durations": ReportDefinition(_DURATIONS, 2, is_pass=True),
    "histogram": ReportDefinition(_DURATIONS, 2, is_grouped=False, is_pass=True),
    "tokens": ReportDefinition(SUBJECTS["call"], 2, is_pass=True, budget="total_tokens"),
    "cost": ReportDefinition(SUBJECTS["call"], 2, is_pass=True, budget="cost_usd"),
    "errors": ReportDefinition(_FAILURES, 2, budget="errors"),
    "tools": ReportDefinition(SUBJECTS["tool"], 2, is_pass=True, budget="errors"),
    "agents-usage": ReportDefinition(
        ("agent", "service", "model", "session", "user", "type", *TIMES), 2, budget="cost_usd", is_sparse=True
    ),
    "genai-metrics": ReportDefinition(
        ("model", "operation", "provider", "error", "service", "session", "user"), 4, is_sparse=True
    ),
    "scores": ReportDefinition(("name", "label", "model", "service", "session", *TIMES), 2, is_pass=True),
    "slowest": ReportDefinition(("call", "tool", "span"), is_grouped=False, limit=20, is_cut=True, is_pass=True),
    "links": ReportDefinition(("day",)),
    "attributes": ReportDefinition(("key",)),
    "growth": ReportDefinition(("day",)),
    "queries": ReportDefinition(("query",)),
    "unrecognised": ReportDefinition(("looks_like",), is_grouped=False),
}
"""By name."""


@dataclass(frozen=True, slots=True)
class ReportResult(TableResult):
    """The rows of a report.

    Attributes:
        groups: The groups that the first columns hold.
        total: The number of rows in all; None: the report stopped at the limit.
        note: What is said of calls that were removed, and whose daily sums are kept; None: there are none.
    """

    name: str
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None
    note: str | None = None

    @property
    def adds_kept(self) -> bool:
        """Whether a row has kept sums."""
        return "kept_calls" in self.columns and any(row[self.columns.index("kept_calls")] for row in self.rows)

    @property
    def empty_columns(self) -> frozenset[str]:
        """The columns, not groups, that no row has a value of, if the report is a sparse one."""
        if not REPORTS[self.name].is_sparse:
            return frozenset()
        held = {name for row in self.rows for name, value in zip(self.columns, row, strict=True) if value is not None}
        return frozenset(self.columns) - held - set(self.groups)

    def _repr_html_(self) -> str:
        return notebook_rows.show_report(self.name, self.columns, self.to_dicts(), self.describe())


class ReportQuestion(NamedTuple):
    """What is asked of a report: what its rows are grouped by, how many there may be, its calendar, and the parameters
    of its text."""

    name: str
    groups: tuple[str, ...]
    limit: int
    calendar: Calendar
    parameters: dict[str, Any]


class ReportSource(Protocol):
    """What has reports: a file, or a dataset."""

    @property
    def run_report(self) -> Callable[..., ReportResult]:
        """What returns the rows of a report, by its name and keywords."""


def describe_report(name: str) -> str:
    """Return what a report shows, and its plan."""
    return _COMPUTED[name] if name in _COMPUTED else describe_text(read_report(name))


def describe_text(text: str) -> str:
    """Return what the comment of the text of a report says."""
    return " ".join(line[3:] for line in text.splitlines() if line.startswith("-- "))


def run_report(
    connection: sqlite3.Connection,
    name: str,
    *,
    since: Any,
    until: Any,
    group_by: Any,
    limit: int | None,
    timezone: str,
    filters: Mapping[str, Any],
    dialects: Sequence[Dialect],
) -> ReportResult:
    """Return the rows of the report `name`. None stands for the report's default.

    Raises:
        FilterError: There is no such report, or a keyword has an invalid value.
    """
    question = read_question(name, since=since, until=until, group_by=group_by, limit=limit, timezone=timezone)
    groups, parameters, report = question.groups, question.parameters, REPORTS[name]
    add_functions(connection, question.calendar, groups)
    kept_days = find_kept_days(connection, name, groups, filters, parameters)
    if name == "queries":
        check_filters(name, 0, filters)
        columns, rows = _QUERY_COLUMNS, [_measure(connection, *query) for query in _find_queries(parameters)]
    elif name == "unrecognised":
        check_filters(name, 0, filters)
        from otel_sqlite_exporter.query.unrecognised import UNRECOGNISED_COLUMNS, read_unrecognised

        columns, rows = UNRECOGNISED_COLUMNS, read_unrecognised(connection, dialects, parameters)
    elif name == "genai-metrics":
        from otel_sqlite_exporter.query.metered.genai_metrics import read_genai_metrics

        columns, rows = read_genai_metrics(connection, groups, parameters, filters)
    else:
        adds_kept = kept_days.is_added
        select = build_report(name, parameters, filters, is_pass=report.is_pass, adds_kept=adds_kept)
        columns, rows = fetch_table(connection, select)
    return make_result(question, columns, rows, kept_days.note)


def read_question(
    name: str, *, since: Any, until: Any, group_by: Any, limit: int | None, timezone: Any
) -> ReportQuestion:
    """Check what is asked of the report `name`. None stands for the report's default.

    Raises:
        FilterError: There is no such report, or a keyword has an invalid value.
    """
    report = REPORTS.get(name)
    if report is None:
        raise FilterError("name", f"there is no report {name!r}: give one of {', '.join(REPORTS)}")
    groups = report.groups[:1] if group_by is None else parse_texts("group_by", group_by, report.groups)
    if len(groups) > report.most_groups:
        raise FilterError("group_by", f"{name} takes {report.most_groups} of {', '.join(report.groups)} at once")
    limit = report.limit if limit is None else check_limit(limit)
    calendar = _parse_calendar(name, timezone)
    parameters = {
        "since": -LARGEST if since is None else parse_time("since", since, calendar),
        "until": LARGEST if until is None else parse_time("until", until, calendar),
        "group_1": groups[0],
        "group_2": groups[1] if len(groups) > 1 else None,
        "limit": limit + 1,
        "sample": _SAMPLE,
    }
    return ReportQuestion(name, groups, limit, calendar, parameters)


def make_result(
    question: ReportQuestion, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], note: str | None = None
) -> ReportResult:
    """Return the rows of a report as its result: up to the limit, with the groups as names of columns."""
    name, groups, limit, _, _ = question
    report = REPORTS[name]
    shown = {column: column for column in columns} | dict(zip(("group_1", "group_2"), groups, strict=False))
    kept = [index for index, column in enumerate(columns) if column != "group_2" or len(groups) > 1]
    return ReportResult(
        name,
        groups if report.is_grouped else (),
        tuple(shown[columns[index]] for index in kept),
        tuple(tuple(row[index] for index in kept) for row in rows[:limit]),
        None if len(rows) > limit and report.is_cut else len(rows),
        note,
    )


def _parse_calendar(name: str, timezone: Any) -> Calendar:
    calendar = parse_calendar("timezone", timezone)
    if name in _UTC_DAYS and calendar.zone is not UTC:
        raise FilterError("timezone", f"the report {name} has days of UTC only")
    return calendar


def _find_queries(parameters: dict[str, Any]) -> list[tuple[str, Select]]:
    pages = [(f"page of {view.name}", build_page(view, {}, limit=50)) for view in ASKABLE_VIEWS]
    for name, report in REPORTS.items():
        if name not in _COMPUTED:
            given = dict(parameters, group_1=report.groups[0], limit=report.limit)
            pages.append((f"report {name}", build_report(name, given, {}, is_pass=report.is_pass)))
    return pages


def _measure(connection: sqlite3.Connection, query: str, select: Select) -> tuple[Any, ...]:
    _, plan = fetch_table(connection, Select(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters))
    began = time.perf_counter()
    rows = len(fetch_table(connection, select)[1])
    took = (time.perf_counter() - began) * 1e3
    steps = dict.fromkeys(step for *_, step in plan if step.startswith("SCAN") and "VIRTUAL" not in step)
    return query, took, rows, "; ".join(steps)
