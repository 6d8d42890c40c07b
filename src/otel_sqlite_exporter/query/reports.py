# SPDX-License-Identifier: Apache-2.0
"""Reports. Each is one SQL text, `sql/reports/NAME.sql`, that starts with a comment on what it shows and its plan. Two
have no text: `queries` runs the other reports and the lists, and `unrecognised` looks at the names of attributes.

The parameters of a text are `:since` and `:until` (nanoseconds; all time by default), `:group_1` and `:group_2` (from
`ReportDefinition.groups`, or NULL), `:limit` and `:sample`. The branches of `CASE :group_1` also stand for `:group_2`.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.dialect import Dialect
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS
from otel_sqlite_exporter.query.filter_values import parse_texts, parse_time
from otel_sqlite_exporter.query.pages import TableResult
from otel_sqlite_exporter.query.reading import fetch_table
from otel_sqlite_exporter.query.sql_builder import Select, build_page, check_limit
from otel_sqlite_exporter.query.unrecognised import UNRECOGNISED_COLUMNS, read_unrecognised
from otel_sqlite_exporter.sql.texts import read_report

_SAMPLE = 10_000
_ABOUT_QUERIES = (
    "The first page of every list, and every other report: its time in milliseconds on this file, its rows, and the "
    "full scans in its plan. Plan: runs all of them."
)
_ABOUT_UNRECOGNISED = (
    "Spans and log events that look like model calls or tools by the names of their attributes, but that no dialect "
    "reads; for each service a dialect to start from. Plan: one pass over all spans and log events."
)
_COMPUTED = {"queries": _ABOUT_QUERIES, "unrecognised": _ABOUT_UNRECOGNISED}
_GROUPS = re.compile(r"CASE :group_1\n(.*?)\n\s*END", re.DOTALL)
_QUERY_COLUMNS: tuple[str, ...] = ("group_1", "ms", "rows", "plan")
_CALLS = ("model", "provider", "operation", "agent", "service", "session", "conversation", "user", "day")


class ReportDefinition(NamedTuple):
    """What a report can be asked.

    Attributes:
        groups: What its rows can be grouped by; the first is the default.
        most_groups: The number of groups it takes at once; 0: the group selects the subject, and is not a column.
        limit: The default number of rows.
        is_cut: It stops at the limit, so that the total is unknown if there are more rows.
        is_pass: Without a time range, it reads all rows.
    """

    groups: tuple[str, ...]
    most_groups: int = 1
    limit: int = 1_000
    is_cut: bool = False
    is_pass: bool = False


REPORTS: Mapping[str, ReportDefinition] = {
    "sessions": ReportDefinition(("session", "user", "service", "day"), limit=50, is_cut=True),
    "durations": ReportDefinition(("model", "provider", "operation", "agent", "tool", "service", "name"), is_pass=True),
    "histogram": ReportDefinition(
        ("model", "provider", "operation", "agent", "tool", "service", "name"), 0, is_pass=True
    ),
    "tokens": ReportDefinition(_CALLS, 2, is_pass=True),
    "cost": ReportDefinition(_CALLS, 2, is_pass=True),
    "errors": ReportDefinition(("type", "name", "message", "model", "request_model", "tool", "service", "day"), 2),
    "tools": ReportDefinition(("tool", "agent", "service", "session", "conversation", "day"), is_pass=True),
    "slowest": ReportDefinition(("call", "tool", "span"), 0, limit=20, is_cut=True, is_pass=True),
    "links": ReportDefinition(("day",)),
    "attributes": ReportDefinition(("key",)),
    "growth": ReportDefinition(("day",)),
    "queries": ReportDefinition(("query",)),
    "unrecognised": ReportDefinition(("looks_like",), 0),
}
"""By name."""


@dataclass(frozen=True, slots=True)
class ReportResult(TableResult):
    """The rows of a report.

    Attributes:
        groups: The groups that the first columns hold.
        total: The number of rows in all; None: the report stopped at the limit.
    """

    name: str
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None


def describe_report(name: str) -> str:
    """Return what a report shows, and its plan."""
    if name in _COMPUTED:
        return _COMPUTED[name]
    lines = read_report(name).splitlines()
    return " ".join(line[3:] for line in lines if line.startswith("-- "))


def run_report(
    connection: sqlite3.Connection,
    name: str,
    *,
    since: Any,
    until: Any,
    group_by: Any,
    limit: int | None,
    dialects: Sequence[Dialect],
) -> ReportResult:
    """Return the rows of the report `name`. None stands for the report's default.

    Raises:
        FilterError: There is no such report, or a keyword has an invalid value.
    """
    report = REPORTS.get(name)
    if report is None:
        raise FilterError("name", f"there is no report {name!r}: give one of {', '.join(REPORTS)}")
    groups = report.groups[:1] if group_by is None else parse_texts("group_by", group_by, report.groups)
    if len(groups) > max(report.most_groups, 1):
        raise FilterError(
            "group_by", f"{name} takes {max(report.most_groups, 1)} of {', '.join(report.groups)} at once"
        )
    limit = report.limit if limit is None else check_limit(limit)
    parameters = {
        "since": -LARGEST if since is None else parse_time("since", since),
        "until": LARGEST if until is None else parse_time("until", until),
        "group_1": groups[0],
        "group_2": groups[1] if len(groups) > 1 else None,
        "limit": limit + 1,
        "sample": _SAMPLE,
    }
    if name == "queries":
        columns, rows = _QUERY_COLUMNS, [_measure(connection, *query) for query in _find_queries(parameters)]
    elif name == "unrecognised":
        columns, rows = UNRECOGNISED_COLUMNS, read_unrecognised(connection, dialects, parameters)
    else:
        columns, rows = fetch_table(connection, _select(name, parameters))
    shown = {column: column for column in columns} | dict(zip(("group_1", "group_2"), groups, strict=False))
    kept = [index for index, column in enumerate(columns) if column != "group_2" or len(groups) > 1]
    return ReportResult(
        name,
        groups if report.most_groups else (),
        tuple(shown[columns[index]] for index in kept),
        tuple(tuple(row[index] for index in kept) for row in rows[:limit]),
        None if len(rows) > limit and report.is_cut else len(rows),
    )


def _pick(groups: str, group: str) -> str:
    """Return the expression for `group` in the branches of a CASE. Without the CASE, SQLite reads no other groups."""
    found = re.search(rf"WHEN '{group}' THEN (.*)", groups)
    return found[1] if found else "NULL"


def _select(name: str, parameters: dict[str, Any]) -> Select:
    text = read_report(name)
    if parameters["group_2"] is not None:
        text = text.replace(":group_2", _pick(text, parameters["group_2"]))
    text = _GROUPS.sub(lambda match: _pick(match[1], parameters["group_1"]), text)
    if REPORTS[name].is_pass and (parameters["since"], parameters["until"]) == (-LARGEST, LARGEST):
        # SQLite takes any two bounds for a narrow range. Reading all rows by the index of the start takes 1.4 times as
        # long as reading the table; the + keeps SQLite from that index.
        text = re.sub(r"(WHERE|AND) (?=start_time_unix_nano )", r"\1 +", text)
    return Select(text, parameters)


def _find_queries(parameters: dict[str, Any]) -> list[tuple[str, Select]]:
    pages = [(f"page of {view.name}", build_page(view, {}, limit=50)) for view in ASKABLE_VIEWS]
    for name, report in REPORTS.items():
        if name not in _COMPUTED:
            given = dict(parameters, group_1=report.groups[0], limit=report.limit)
            pages.append((f"report {name}", _select(name, given)))
    return pages


def _measure(connection: sqlite3.Connection, query: str, select: Select) -> tuple[Any, ...]:
    _, plan = fetch_table(connection, Select(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters))
    began = time.perf_counter()
    rows = len(fetch_table(connection, select)[1])
    took = (time.perf_counter() - began) * 1e3
    steps = dict.fromkeys(step for *_, step in plan if step.startswith("SCAN") and "VIRTUAL" not in step)
    return query, took, rows, "; ".join(steps)
