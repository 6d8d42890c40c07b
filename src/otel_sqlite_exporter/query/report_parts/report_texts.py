# SPDX-License-Identifier: Apache-2.0
"""From the text of a report to a statement: its groups, its filters, and the functions that it calls.

The parameters of a text are `:since` and `:until` (nanoseconds; all time by default), `:group_1` and `:group_2` (from
`ReportDefinition.groups`, or NULL), `:subject` (what durations are of), `:limit` and `:sample`. The branches of
`CASE :group_1` also stand for the `:group_2` that follows. Each SELECT from a view of records takes the filters.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.timezones import Calendar
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, ReportFilter
from otel_sqlite_exporter.query.conditions.condition_writer import write_texts
from otel_sqlite_exporter.query.filter_language.keyword_conditions import read_texts
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.report_parts.asked_models import read_asked_models
from otel_sqlite_exporter.query.report_parts.kept_days import FILTERS
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_report

TIMES = ("hour", "day", "week")
_OF_BOTH = ("agent", "service", "session", "conversation", "user", "error", "status", *TIMES)
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "call": ("model", "request_model", "provider", "operation", *_OF_BOTH),
    "tool": ("tool", *_OF_BOTH),
    "record": ("service", "name", "session", *TIMES),
}
"""What durations can be of, and the groups of each."""
_OWN = {"tool": "tool", "service": "record", "name": "record"}
"""Groups that select a subject other than the call, unless the other group is none of that subject."""
_GROUPS = re.compile(r"CASE :group_1\n(.*?)\n\s*END(.*?):group_2\b", re.DOTALL)
_GROUP = re.compile(r"CASE :group_1\n(.*?)\n\s*END", re.DOTALL)
_FIELDS = {view.name: frozenset(field_types(view.row_type)) for view in ASKABLE_VIEWS}
_FIELDS["errors"] = frozenset(("session_id", "service_name"))
_FIELDS["kept_usage"] = FILTERS
_FIELDS["_agent_points"] = FILTERS | {"session_id"}
_OF_METRICS = ("_agent_points",)
"""Views of data points, which no call stands for."""
_KEPT = re.compile(r"\n +UNION ALL\n +SELECT\n(?:(?!\n +FROM ).)*\n +FROM kept_usage\n +WHERE .*?(?=\n  \))", re.DOTALL)
_SOURCE = re.compile(r"\bFROM (\w+)(\s+)WHERE ")


def build_report(
    name: str,
    parameters: Mapping[str, Any],
    filters: Mapping[str, Any],
    *,
    is_pass: bool,
    adds_kept: bool = False,
    text: str | None = None,
) -> Select:
    """Return the statement of the report `name`; `adds_kept`: with the kept sums of removed calls; `text`: that of
    another engine.

    Raises:
        FilterError: The groups are of different things, a filter is none of the report, or has an invalid value.
    """
    text, values = read_report(name) if text is None else text, dict(parameters)
    if not adds_kept:
        text = _KEPT.sub("", text)
    groups = [group for group in (values["group_1"], values["group_2"]) if group is not None]
    if ":subject" in text:
        values["subject"] = find_subject(groups)
    text = _GROUPS.sub(
        lambda match: f"{_pick(match[1], values['group_1'])}{match[2]}{_pick(match[1], values['group_2'])}", text
    )
    text = _GROUP.sub(lambda match: _pick(match[1], values["group_1"]), text)
    text = _add_filters(name, text, filters, values)
    if is_pass and (values["since"], values["until"]) == (-LARGEST, LARGEST):
        # SQLite takes any two bounds for a narrow range. Reading all rows by the index of the start takes 1.4 times as
        # long as reading the table; the + keeps SQLite from that index.
        text = re.sub(r"(WHERE|AND) (?=start_time_unix_nano )", r"\1 +", text)
    return Select(text, values)


def find_subject(groups: Collection[str]) -> str:
    """Return what durations in these groups are of: calls, tools, or the records of spans and events.

    Raises:
        FilterError: The groups are not of one.
    """
    for subject in (*(_OWN[group] for group in groups if group in _OWN), "call"):
        if set(groups) <= set(SUBJECTS[subject]):
            return subject
    raise FilterError("group_by", f"{' and '.join(groups)} are of different records: give groups of one")


def add_functions(connection: sqlite3.Connection, calendar: Calendar, groups: Collection[str]) -> None:
    """Add the functions that the texts call: `local_hour`, `local_day` and `local_week` of a time, and `asked_model` of
    the request and the response model."""
    for name, function in (("hour", calendar.find_hour), ("day", calendar.find_day), ("week", calendar.find_week)):
        connection.create_function(f"local_{name}", 1, function, deterministic=True)
    names = read_asked_models(connection) if "request_model" in groups else None
    connection.create_function("asked_model", 2, None if names is None else names.find, deterministic=True)


def check_filters(name: str, sources: int, filters: Mapping[str, Any]) -> None:
    """Raise a FilterError if there are filters, and nothing in the report that they could apply to."""
    if filters and not sources:
        raise FilterError(next(iter(filters)), f"the report {name} takes no filters")


def _pick(groups: str, group: str | None) -> str:
    """Return the expression for `group` in the branches of a CASE. Without the CASE, SQLite reads no other groups."""
    found = re.search(rf"WHEN '{group}' THEN (.*)", groups)
    return found[1] if found else "NULL"


def _add_filters(name: str, text: str, filters: Mapping[str, Any], values: dict[str, Any]) -> str:
    sources = 0

    def add(match: re.Match[str]) -> str:
        nonlocal sources
        view = match[1]
        if view not in _FIELDS:
            return match[0]
        sources += 1
        conditions = [_build_filter(view, argument, value, values) for argument, value in filters.items()]
        return f"FROM {view}{match[2]}WHERE {''.join(f'{condition} AND ' for condition in conditions)}"

    text = _SOURCE.sub(add, text)
    check_filters(name, sources, filters)
    return text


def _build_filter(view: str, argument: str, value: Any, values: dict[str, Any]) -> str:
    """Return the condition of a filter. What a view has no column for, a call of its session or trace must have."""
    if argument not in ReportFilter.__annotations__:
        raise FilterError(argument, f"reports have no such filter: give {', '.join(ReportFilter.__annotations__)}")
    condition = write_texts(read_texts(argument, value), values)
    if argument in _FIELDS[view]:
        return condition
    if view in _OF_METRICS:
        raise FilterError(argument, "metrics do not tell it")
    key = "session_id" if view == "sessions" else "trace_id"
    return f"EXISTS (SELECT 1 FROM complete_llm_interactions AS i WHERE i.{key} = {view}.{key} AND {condition})"
