# SPDX-License-Identifier: Apache-2.0
"""The table of a report: what kind of value each column has, where its cells lead to, and its sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.query.reports import ReportResult
from otel_sqlite_exporter.server.page.page_links import link_call, link_page, link_session, link_trace
from otel_sqlite_exporter.server.page.shown_reports.report_request import ReportRequest
from otel_sqlite_exporter.server.page.shown_reports.row_links import find_list, link_rows

_HIDDEN = frozenset(("trace_id", "span_id", "example_trace_id", "example_span_id", "id"))
"""Columns that a link of another stands for. CSV has them."""
_PAGES: Mapping[str, Callable[[int], str]] = {"call": link_call, "tool": lambda id: link_page(f"/tools/{id}")}
"""Where the name of one of the slowest leads to; that of a span leads to its trace."""
_TEXTS = frozenset(
    (
        "status",
        "name",
        "model",
        "cause",
        "message",
        "types",
        "dialect",
        "query",
        "plan",
        "source",
        "metric",
        "type",
        "unit",
    )
)
_SUMMED = frozenset(
    (
        *("calls", "reported", "priced", "unpriced_calls", "cost_usd", "errors", "tools", "executions", "pairs"),
        *("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "cache_creation_input_tokens"),
        *("reasoning_tokens", "sessions", "traces", "spans", "llm_calls", "tool_executions", "logs"),
        *("failed_requests", "failed_calls", "failed_tools", "estimated_bytes", "records", "linked_by_span"),
        *("linked_by_temporal", "orphan_starts", "orphan_finishes", "running", "kept_calls", "scores", "with_value"),
        *("turns", "api_requests", "tool_calls", "accepted_edits", "rejected_edits", "added_lines", "removed_lines"),
        *("commits", "pull_requests", "active_ms"),
    )
)
_NEVER_SUMMED = ("genai-metrics", "attributes", "slowest", "queries", "unrecognised")
_LABELS = {"llm_calls": "calls", "cost_usd": "cost $", "cost_usd_per_call": "$ a call", "pairs": "count"} | {
    **{"cost_usd_per_million_tokens": "$ a million tokens", "tool_executions": "tools", "estimated_bytes": "size"},
    **{"last_time": "latest", "first_time": "first", "last_end_time": "latest end", "duration_ms": "duration"},
    **{"mean_duration_ms": "mean duration", "from_ms": "from", "below_ms": "below", "error_rate": "failed"},
    **{"success_rate": "linked", "unpriced_calls": "without a price", "cached_input_tokens": "from a cache"},
    **{"cache_creation_input_tokens": "into a cache", "total_tokens": "tokens", "ms": "time"},
}


class ReportColumn(NamedTuple):
    """A column. Its kind says how its values are written: `text`, `time`, `ms`, `cost`, `tokens`, `bytes`, `share`,
    `count`, `number`, `session` or `status`."""

    name: str
    label: str
    kind: str

    @property
    def is_number(self) -> bool:
        """Whether its values stand on the right."""
        return self.kind not in ("text", "time", "session", "status")


class ReportCell(NamedTuple):
    """A value. `is_part`: the real value is at least this."""

    value: Any
    link: str | None = None
    is_part: bool = False


class ReportTable(NamedTuple):
    """The table of a report.

    Attributes:
        sums: A cell for each column: those over all rows, also such as are not shown; empty: none add up.
        notes: What the sums lack, in sentences.
        total: The number of rows in all; None: unknown.
    """

    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[ReportCell, ...], ...]
    sums: tuple[ReportCell, ...]
    notes: tuple[str, ...]
    total: int | None


def make_table(request: ReportRequest, result: ReportResult) -> ReportTable:
    """Return the table of a report. `result` has all rows, unless the report stops at its limit."""
    shown = [
        index
        for index, name in enumerate(result.columns)
        if name not in _HIDDEN
        and name not in result.columns[:index]  # a message that is the group
        and not (name == "kept_calls" and not result.adds_kept)
        and name not in result.empty_columns
    ]
    columns = tuple(_make_column(result, index) for index in shown)
    rows = tuple(
        tuple(_make_cell(request, result, row, index) for index in shown) for row in result.rows[: request.limit]
    )
    sums = _make_sums(result, shown)
    return ReportTable(columns, rows, sums, _find_notes(result), result.total)


def _make_column(result: ReportResult, index: int) -> ReportColumn:
    name = result.columns[index]
    is_group = index < len(result.groups)
    label = _LABELS.get(name) or name.removesuffix("_ms").removesuffix("_id").replace("_", " ")
    return ReportColumn(name, name.replace("_", " ") if is_group else label, "text" if is_group else _find_kind(name))


def _find_kind(name: str) -> str:
    if name in _TEXTS or name.endswith("_name") or name in ("looks_like", "attributes", "labels"):
        return "status" if name == "status" else "text"
    if name in ("mean", "least", "p50", "most", "avg", "p95", "max"):
        return "number"
    for ending, kind in (
        *(("_time", "time"), ("ms", "ms"), ("tokens", "tokens"), ("bytes", "bytes"), ("rate", "share")),
        *(("share", "share"), ("session_id", "session"), ("_id", "text")),
    ):
        if name.endswith(ending):
            return "cost" if name.startswith("cost_usd") else kind
    return "cost" if name.startswith("cost_usd") else "count"


def _make_cell(request: ReportRequest, result: ReportResult, row: Sequence[Any], index: int) -> ReportCell:
    name, value = result.columns[index], row[index]
    lacks = _count_lacking(result, row)
    is_part = value is not None and bool(lacks) and name in ("cost_usd", "total_tokens")
    return ReportCell(value, _find_link(request, result, row, index), is_part)


def _find_link(request: ReportRequest, result: ReportResult, row: Sequence[Any], index: int) -> str | None:
    name, value = result.columns[index], row[index]
    groups = dict(zip(result.groups, row, strict=False))
    if index < len(result.groups):
        if name == "session" and value is not None:
            return link_session(value)
        of = find_list(request)
        return None if of is None else link_rows(request, groups, of)
    values = dict(zip(result.columns, row, strict=True))
    if request.name == "slowest" and name == "name" and request.groups[0] in _PAGES:
        return _PAGES[request.groups[0]](values["id"])
    if name == "session_id" and value is not None:
        return link_session(value)
    if request.name == "errors" and name in ("calls", "tools") and value:
        return link_rows(request, groups, name, filter="status:error")
    if request.name == "tools" and name == "errors" and value:
        return link_rows(request, groups, "tools", filter="status:error")
    if name == {"errors": "last_time", "slowest": "start_time", "unrecognised": "name"}.get(request.name):
        trace = values.get("example_trace_id") or values.get("trace_id")
        return link_trace(trace, span=values.get("example_span_id") or values.get("span_id")) if trace else None
    return None


def _make_sums(result: ReportResult, shown: Sequence[int]) -> tuple[ReportCell, ...]:
    if result.name in _NEVER_SUMMED or len(result.rows) < 2:
        return ()
    lacks = sum(_count_lacking(result, row) for row in result.rows)
    cells = []
    for index in shown:
        name = result.columns[index]
        values = [row[index] for row in result.rows if row[index] is not None] if name in _SUMMED else []
        is_part = bool(values) and bool(lacks) and name in ("cost_usd", "total_tokens")
        cells.append(ReportCell(sum(values) if values else None, is_part=is_part))
    return tuple(cells)


def _count_lacking(result: ReportResult, row: Sequence[Any]) -> int:
    """Return how many calls of a row have no part in its cost or tokens, or only with a part."""
    values: Mapping[str, Any] = dict(zip(result.columns, row, strict=True))
    if result.name == "cost":
        return int(values["unpriced_calls"] or 0)
    return int(values["calls"] - values["reported"]) if result.name == "tokens" else 0


def _find_notes(result: ReportResult) -> tuple[str, ...]:
    return (*_find_lacks(result), *(() if result.note is None else (f"{result.note}.",)))


def _find_lacks(result: ReportResult) -> tuple[str, ...]:
    lacks = sum(_count_lacking(result, row) for row in result.rows)
    if not lacks:
        return ()
    if result.name == "cost":
        calls = count(lacks, "call has", "calls have")
        return (f"{calls} no known price, or a price for a part only: the real cost is higher where it says ≥.",)
    return (f"{count(lacks, 'call reports', 'calls report')} no tokens: there are more where it says ≥.",)
