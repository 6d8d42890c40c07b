# SPDX-License-Identifier: Apache-2.0
"""`errors` and `usage`: what reports say, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.agent_tools.answering.metric_tools import show_metric
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, make_row, round_ms
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.reports import ReportResult

_ALL = 100_000
_ERRORS = (
    *("errors", "message", "cause", "last_time", "requests", "calls", "tools", "example_trace_id", "example_span_id"),
)
_CAUSE = ("type", "name")
_USAGE: Mapping[str, Sequence[str]] = {
    "cost": ("calls", "cost_usd", "unpriced_calls"),
    "tokens": ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "reasoning_tokens"),
    "durations": ("p50_ms", "p90_ms", "max_ms", "errors"),
}
_TOOLS = ("executions", "errors", "error_rate", "p50_ms", "p90_ms", "max_ms", "last_time")


def errors(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return the failures by group. By cause: by the type of the error and where it was raised."""
    group = arguments["group_by"] or "cause"
    groups = _CAUSE if group == "cause" else (group,)
    report = _run(asked, "errors", arguments, groups)
    shown = [column for column in _ERRORS if column not in groups]
    total = sum(row["errors"] for row in report.to_dicts())
    head: Json = {"errors_in_all": total, "groups": len(report)}
    if not total:
        head["note"] = "nothing failed here: spans, calls and tools with an error are counted"
    elif report.note is not None:
        head["note"] = report.note
    return _show(head, [*groups, *shown], [_pick(row, [*groups, *shown]) for row in report.to_dicts()], arguments)


def usage(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return tokens, cost and latency of counted calls, or of tools, by one or two groups; or a metric over time."""
    if arguments["metric"] is not None:
        return show_metric(asked, arguments)
    for name in ("keys", "aggregate", "step"):
        if arguments[name] is not None:
            raise FilterError(name, "only a metric has it: give metric, or leave it out")
    groups = tuple(arguments["group_by"] or ("model",))
    if "tool" in groups:
        if arguments["model"] is not None:
            raise FilterError("model", "tools have no model: leave it out, or group by something else")
        report = _run(asked, "tools", arguments, groups)
        columns = [*groups, *_TOOLS]
        return _show({"of": "tool executions"}, columns, [_pick(row, columns) for row in report.to_dicts()], arguments)
    rows: dict[Any, Json] = {}
    note: str | None = None
    is_of_calls = "service" not in groups  # durations by service are those of all records
    shown = {name: columns for name, columns in _USAGE.items() if name != "durations" or is_of_calls}
    for name in shown:
        report = _run(asked, name, arguments, groups)
        note = report.note or note
        for row in report.to_dicts():
            rows.setdefault(tuple(row[group] for group in groups), {}).update(row)
    columns = [*groups, *(column for columns in shown.values() for column in columns)]
    calls = sum(row.get("calls", 0) for row in rows.values())
    head: Json = {"of": "model calls, each counted once", "calls_in_all": calls}
    if note is not None:
        head["note"] = note
    return _show(head, columns, [_pick(row, columns) for row in rows.values()], arguments)


def _run(asked: AskedFile, name: str, arguments: ToolArguments, groups: Sequence[str]) -> ReportResult:
    filters = arguments.pick(session_id="session", service_name="service", agent_name="agent", model="model")
    if filters.get("session_id"):
        filters["session_id"] = asked.database.resolve_session_id(filters["session_id"])
    limit = {"since": arguments["since"], "until": arguments["until"], "limit": _ALL}
    return asked.database.run_report(name, group_by=groups, **limit, **filters)


def _pick(row: Json, columns: Sequence[str]) -> list[Any]:
    return [round_ms(row.get(column)) if column.endswith("_ms") else row.get(column) for column in columns]


def _show(head: Json, columns: Sequence[str], rows: Sequence[Sequence[Any]], arguments: ToolArguments) -> Answer:
    def describe_rest(shown: int) -> Json:
        return {"left_out": f"{len(rows) - shown} groups: narrow the time, or raise max_bytes"}

    shown = [make_row(row, arguments.text_bytes) for row in rows[: arguments.most_bytes // 10]]
    return Answer(
        {**head, "columns": columns},
        "rows",
        shown,
        describe_rest,
        {} if len(shown) == len(rows) else describe_rest(len(shown)),
    )
