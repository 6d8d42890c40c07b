# SPDX-License-Identifier: Apache-2.0
"""Reports: each is one SQL text, `sql/reports/NAME.sql`, whose first lines say what it shows and by which plan. (But
`queries`, which runs the others.)

Every text is given `:since` and `:until` (nanoseconds; all of time where nothing is asked), `:group_1` and `:group_2`
(names out of `Report.groups`, or NULL), `:limit` and `:sample`, and uses of them what it needs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.askable_views import KINDS
from otel_sqlite_exporter.query.dataframes import Table
from otel_sqlite_exporter.query.filter_values import parse_texts, parse_time
from otel_sqlite_exporter.query.reading import Reading
from otel_sqlite_exporter.query.sql_builder import Select, build_page, check_limit
from otel_sqlite_exporter.sql.texts import read_report

_FIRST, _LAST = -(2**63), 2**63 - 1
_SAMPLE = 10_000
_ABOUT_QUERIES = (
    "The first page of every list, and every other report: how long each takes on this file, its rows, and which "
    "tables it goes through from end to end. Plan: all of them are run."
)
_GROUP = re.compile(r"CASE :(?P<name>group_\d)\n(?P<groups>.*?)\n\s*END", re.DOTALL)
_QUERY_COLUMNS: tuple[str, ...] = ("group_1", "ms", "rows", "plan")
_CALLS = ("model", "provider", "operation", "agent", "service", "session", "user", "day")


class Report(NamedTuple):
    """What can be asked of a report: by which groups (the first one unless told), by how many at once (0: a group is
    what the report is of, and no column), how many rows there are unless told, whether no more are looked for, and
    whether all records are gone over where no range is given."""

    groups: tuple[str, ...]
    most_groups: int = 1
    limit: int = 1_000
    is_cut: bool = False
    is_pass: bool = False


REPORTS: Mapping[str, Report] = {
    "sessions": Report(("session", "user", "service", "day"), limit=50, is_cut=True),
    "durations": Report(("model", "provider", "operation", "agent", "tool", "service", "name"), is_pass=True),
    "histogram": Report(("model", "provider", "operation", "agent", "tool", "service", "name"), 0, is_pass=True),
    "tokens": Report(_CALLS, 2, is_pass=True),
    "cost": Report(_CALLS, 2, is_pass=True),
    "errors": Report(("type", "name", "service", "day"), 2),
    "tools": Report(("tool", "agent", "service", "session", "day"), is_pass=True),
    "slowest": Report(("call", "tool", "span"), 0, limit=20, is_cut=True, is_pass=True),
    "links": Report(("day",)),
    "attributes": Report(("key",)),
    "growth": Report(("day",)),
    "queries": Report(("query",)),
}
"""By name."""


@dataclass(frozen=True, slots=True)
class ReportResult(Table):
    """The rows of a report.

    Attributes:
        groups: What the first columns are.
        total: How many rows there are; None where more than these were not looked for.
    """

    name: str
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None

    def describe(self) -> str:
        """Return how much of the whole this is: `12 of 30`, or `50 of more`."""
        return f"{len(self.rows):,} of {'more' if self.total is None else f'{self.total:,}'}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_columns(self) -> Mapping[str, tuple[type, Sequence[Any]]]:
        """Return, by column, its type and its values."""
        values = {column: [row[place] for row in self.rows] for place, column in enumerate(self.columns)}
        return {column: (_find_type(held), held) for column, held in values.items()}


def describe_report(name: str) -> str:
    """Return the comment that a report begins with: what it shows, and its plan."""
    if name == "queries":
        return _ABOUT_QUERIES
    lines = read_report(name).splitlines()
    return " ".join(line[3:] for line in lines if line.startswith("-- "))


def run_report(
    reading: Reading, name: str, *, since: Any, until: Any, group_by: Any, limit: int | None
) -> ReportResult:
    """Return the rows of the report `name`; what is None is as the report has it by itself.

    Raises:
        FilterError: There is no such report, or a keyword has a value that cannot be used.
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
        "since": _FIRST if since is None else parse_time("since", since),
        "until": _LAST if until is None else parse_time("until", until),
        "group_1": groups[0],
        "group_2": groups[1] if len(groups) > 1 else None,
        "limit": limit + 1,
        "sample": _SAMPLE,
    }
    if name == "queries":
        columns, rows = _QUERY_COLUMNS, [_measure(reading, *query) for query in _find_queries(parameters)]
    else:
        columns, rows = reading.read_table(_select(name, parameters))
    shown = {column: column for column in columns} | dict(zip(("group_1", "group_2"), groups, strict=False))
    kept = [place for place, column in enumerate(columns) if column != "group_2" or len(groups) > 1]
    return ReportResult(
        name,
        groups if report.most_groups else (),
        tuple(shown[columns[place]] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows[:limit]),
        None if len(rows) > limit and report.is_cut else len(rows),
    )


def _pick(match: re.Match[str], group: str | None) -> str:
    """Return what the text has for `group` of all that it may be asked for: SQLite looks up nothing for the rest."""
    found = re.search(rf"WHEN '{group}' THEN (.*)", match["groups"])
    return found[1] if found else "NULL"


def _select(name: str, parameters: dict[str, Any]) -> Select:
    text = _GROUP.sub(lambda match: _pick(match, parameters[match["name"]]), read_report(name))
    if REPORTS[name].is_pass and (parameters["since"], parameters["until"]) == (_FIRST, _LAST):
        # To SQLite any two bounds are a narrow range; all rows by the index of their start take 1.4 times as long.
        text = re.sub(r"(WHERE|AND) (?=start_time_unix_nano )", r"\1 +", text)
    return Select(text, parameters)


def _find_queries(parameters: dict[str, Any]) -> list[tuple[str, Select]]:
    pages = [(f"page of {kind.record.VIEW}", build_page(kind, {}, limit=50)) for kind in KINDS]
    for name, report in REPORTS.items():
        if name != "queries":
            given = dict(parameters, group_1=report.groups[0], limit=report.limit)
            pages.append((f"report {name}", _select(name, given)))
    return pages


def _measure(reading: Reading, query: str, select: Select) -> tuple[Any, ...]:
    _, plan = reading.read_table(Select(f"EXPLAIN QUERY PLAN {select.sql}", select.parameters))
    began = time.perf_counter()
    rows = len(reading.read_table(select)[1])
    took = (time.perf_counter() - began) * 1e3
    steps = dict.fromkeys(step for *_, step in plan if step.startswith("SCAN") and "VIRTUAL" not in step)
    return query, took, rows, "; ".join(steps)


def _find_type(values: Sequence[Any]) -> type:
    types = {type(value) for value in values}
    return str if str in types or types <= {type(None)} else float if float in types else int
