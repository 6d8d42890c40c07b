# SPDX-License-Identifier: Apache-2.0
"""The first page: what runs, what failed last, what it took and cost by day, who writes, and how the file stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.overview import read_overview
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.overview.health_page import read_health
from otel_sqlite_exporter.server.page.page_answers import PageContent
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_trace

DAYS = 14
_MOST_RUNNING, _MOST_FAILED, _MOST_MODELS, _MOST_CAUSES = 8, 6, 8, 5


class WorkLine(NamedTuple):
    """One call, tool or span in a short list: what it is, where it is shown, and when it began."""

    kind: str
    what: str
    link: str
    start_time: str
    duration_ms: float | None
    session_id: str | None
    reason: str | None = None


class DayUse(NamedTuple):
    """What the counted calls of one day took, by model. A cost that lacks some calls is marked by `unpriced`."""

    day: str
    calls: int
    tokens: Mapping[str, int]
    cost_usd: float | None
    unpriced: int

    @property
    def total_tokens(self) -> int:
        """The tokens of all models."""
        return sum(self.tokens.values())


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the overview."""
    settings = backend.settings
    overview = read_overview(settings.path, busy_timeout_ms=settings.busy_timeout_ms, newest_sessions=1)
    contents = overview.contents
    last = None if contents is None else contents.last_span_time
    use = read_use(backend, last)
    values = {
        "overview": overview,
        "counts": None if contents is None else contents.counts,
        "running": _list_running(backend),
        "failed": _list_failed(backend),
        "causes": backend.database.run_report("errors", limit=_MOST_CAUSES, since=_first_day(last)).to_dicts(),
        "use": use,
        "models": _rank_models(use),
        "health": read_health(backend),
        "growth": backend.database.run_report("growth", since=_first_day(last)).to_dicts(),
        "since": _first_day(last),
        "days": DAYS,
        "is_empty": contents is None or not (contents.counts["spans"] or contents.counts["logs"]),
    }
    return PageContent("Overview", values)


def read_use(backend: ApiBackend, last_time: str | None) -> list[DayUse]:
    """Return what was used on each of the last days that have spans, the oldest first."""
    since = _first_day(last_time)
    tokens, cost = (
        backend.database.run_report(name, group_by=groups, since=since, limit=DAYS * 1_000)
        for name, groups in (("tokens", ["day", "model"]), ("cost", ["day"]))
    )
    return _join_days(tokens, cost)


def _join_days(tokens: ReportResult, cost: ReportResult) -> list[DayUse]:
    used: dict[str, dict[str, int]] = defaultdict(dict)
    calls: dict[str, int] = defaultdict(int)
    for row in tokens.to_dicts():
        used[row["day"]][row["model"] or "(no model)"] = row["total_tokens"] or 0
        calls[row["day"]] += row["calls"]
    costs = {row["day"]: row for row in cost.to_dicts()}
    return [
        DayUse(
            day, calls[day], used[day], costs.get(day, {}).get("cost_usd"), costs.get(day, {}).get("unpriced_calls", 0)
        )
        for day in sorted(used)
    ]


def _rank_models(use: Sequence[DayUse]) -> list[tuple[str, int]]:
    """Return the models that took most tokens, each with its tokens; the others as one."""
    sums: dict[str, int] = defaultdict(int)
    for day in use:
        for model, tokens in day.tokens.items():
            sums[model] += tokens
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(tokens for _, tokens in ranked[_MOST_MODELS:])
    return [*ranked[:_MOST_MODELS], *([("(others)", rest)] if rest else [])]


def _first_day(last_time: str | None) -> str | None:
    """Return the first of the days that are shown: they end with the last record, which may be long ago."""
    if last_time is None:
        return None
    return (date.fromisoformat(last_time[:10]) - timedelta(days=DAYS - 1)).isoformat()


def _list_running(backend: ApiBackend) -> list[WorkLine]:
    """Return what runs: calls and tools, and where there are none the spans."""
    database, most = backend.database, _MOST_RUNNING
    lines = [*_describe_calls(database.find_llm_interactions(status="running", limit=most).records)]
    lines += _describe_tools(database.find_tool_interactions(status="running", limit=most).records)
    if not lines:
        lines = [
            WorkLine(
                "span",
                span.name,
                link_trace(span.trace_id, span=span.span_id),
                span.start_time,
                span.duration_ms,
                span.session_id,
            )
            for span in database.find_spans(status="running", limit=most)
        ]
    return sorted(lines, key=lambda line: line.start_time, reverse=True)[:most]


def _list_failed(backend: ApiBackend) -> list[WorkLine]:
    """Return the calls and tools that failed last, the newest first."""
    database, most = backend.database, _MOST_FAILED
    lines = [*_describe_calls(database.find_llm_interactions(status="error", counted=True, limit=most).records)]
    lines += _describe_tools(database.find_tool_interactions(status="error", counted=True, limit=most).records)
    return sorted(lines, key=lambda line: line.start_time, reverse=True)[:most]


def _describe_calls(calls: Sequence[Any]) -> list[WorkLine]:
    return [
        WorkLine(
            "call",
            call.model or call.name,
            link_call(call.id),
            call.request_timestamp,
            call.duration_ms,
            call.session_id,
            find_reason(call.error_message, call.error_type),
        )
        for call in calls
    ]


def _describe_tools(tools: Sequence[Any]) -> list[WorkLine]:
    return [
        WorkLine(
            "tool",
            tool.tool_name or tool.name,
            link_page(f"/tools/{tool.id}"),
            tool.start_time,
            tool.duration_ms,
            tool.session_id,
            find_reason(tool.error_message, tool.error_type),
        )
        for tool in tools
    ]
