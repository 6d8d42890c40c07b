# SPDX-License-Identifier: Apache-2.0
"""The first page: what runs, what failed last, what it took and cost by day, who writes, and how the file stands."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from importlib.util import find_spec
from typing import Any, NamedTuple

from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.overview import measure_file
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.charts.chart_values import Stack
from otel_sqlite_exporter.server.page.charts.svg_bars import make_stacked_bars
from otel_sqlite_exporter.server.page.page_answers import PageContent
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_trace
from otel_sqlite_exporter.server.page.shown_metrics.older_files import read_or_none
from otel_sqlite_exporter.server.page.whole_file.health_page import read_health
from otel_sqlite_exporter.server.page.whole_file.recent_days import find_first_day
from otel_sqlite_exporter.show.html_text import Html
from otel_sqlite_exporter.show.units import format_tokens
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.identity import name_command

_LOOKED_AT = 100
_MOST_USES = 10_000
_MANY_SPANS = 50_000
"""With more in these days, causes of failures are those of the last of them, as they take longer."""
_MOST_RUNNING, _MOST_FAILED, _MOST_CAUSES = 8, 6, 5


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

    @property
    def link(self) -> str:
        """The link to its calls."""
        return link_page("/calls", since=self.day, until=str(date.fromisoformat(self.day) + timedelta(days=1)))


def read_now(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read what runs and what failed last."""
    return PageContent("Overview", {"running": _list_running(backend), "failed": _list_failed(backend)})


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the overview."""
    counts = backend.file.read(_count_rows)
    since = backend.file.read(find_first_day)
    use = read_use(backend, since)
    recorded = read_or_none(backend, _count_metrics) or {"metrics": 0, "series": 0}
    sizes = measure_file(backend.settings.path)
    growth = _read_growth(backend, since, counts, sizes.file_bytes)
    is_busy = sum(day["spans"] for day in growth) > _MANY_SPANS
    causes_since = growth[0]["day"] if is_busy else since
    values = {
        "sizes": sizes,
        "counts": counts,
        "recorded": recorded,
        **read_now(backend, arguments).values,
        "causes": backend.database.run_report("errors", limit=_MOST_CAUSES, since=causes_since).to_dicts(),
        "causes_since": causes_since,
        "use": use,
        "use_chart": _draw_use(use),
        "health": read_health(backend),
        "growth": growth,
        "since": since,
        "price_hint": _advise_prices(backend.settings.path) if any(day.unpriced for day in use) else None,
        "is_empty": not (counts["spans"] or counts["logs"] or recorded["metrics"]),
    }
    return PageContent("Overview", values)


def _advise_prices(path: str) -> str:
    """Return what to do about calls without a price."""
    reprice = name_command("reprice", path)
    if find_spec("genai_prices") is None:
        return f"pip install 'otel-sqlite-exporter[cost]', then {reprice}"
    return reprice


def _count_rows(connection: sqlite3.Connection) -> dict[str, Any]:
    return fetch(connection, Select(read_query("count_main_rows"), {}))[0]


def _count_metrics(connection: sqlite3.Connection) -> dict[str, Any]:
    return fetch(connection, Select(read_query("count_metrics"), {}))[0]


def _read_growth(
    backend: ApiBackend, since: str | None, counts: Mapping[str, int], file_bytes: int
) -> list[dict[str, Any]]:
    """Return the spans and log records of each day, the newest first, with their share of the size of the file."""
    if since is None:
        return []
    select = Select(read_query("count_recent_days"), {"since": parse_time("since", since)})
    days = backend.file.read(fetch, select)
    records = max(counts["spans"] + counts["logs"], 1)
    return [{**day, "bytes": file_bytes * (day["spans"] + day["logs"]) // records} for day in reversed(days)]


def read_use(backend: ApiBackend, since: str | None) -> list[DayUse]:
    """Return what was used on each day from `since` on, the oldest first."""
    tokens, cost = (
        backend.database.run_report(name, group_by=groups, since=since, limit=_MOST_USES)
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


def _draw_use(use: Sequence[DayUse]) -> Html:
    """Return the tokens of each day by model as columns. The page has the numbers as a table."""
    stacks = [Stack(day.day[5:], day.tokens) for day in use]
    return make_stacked_bars(stacks, caption="Tokens a day, by model", format=_format_tokens, with_numbers=False)


def _format_tokens(number: float) -> str:
    return format_tokens(round(number)) or ""


def _list_running(backend: ApiBackend) -> list[WorkLine]:
    """Return what runs: calls and tools, and where there are none the spans. They are looked up by their spans, as
    those that run are few and known."""
    database, most = backend.database, _MOST_RUNNING
    spans = database.find_spans(status="running", limit=_LOOKED_AT).records
    if not spans:
        return []
    of_spans: dict[str, Any] = {
        "trace_id": list({span.trace_id for span in spans}),
        "span_id": [span.span_id for span in spans],
        "status": "running",
        "limit": most,
    }
    lines = [*_describe_calls(database.find_llm_interactions(**of_spans).records)]
    lines += _describe_tools(database.find_tool_interactions(**of_spans).records)
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
            for span in spans[:most]
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
