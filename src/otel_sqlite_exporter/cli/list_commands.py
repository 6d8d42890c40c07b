# SPDX-License-Identifier: Apache-2.0
"""Commands that list records: sessions, traces, spans, llm, tools, logs. Each declares its options and columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from otel_sqlite_exporter.cli import options as opt
from otel_sqlite_exporter.cli.formatting import format_status, format_time, is_terminal, print_lines
from otel_sqlite_exporter.cli.table_model import Column, Table
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.show.score_texts import format_scores
from otel_sqlite_exporter.show.units import format_cost, format_ms

if TYPE_CHECKING:
    from otel_sqlite_exporter.query import summaries
    from otel_sqlite_exporter.query.pages import Page, ViewRow
    from otel_sqlite_exporter.query.reader import TelemetryDatabase
    from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary

_RowT = TypeVar("_RowT", bound="ViewRow")


@dataclass(frozen=True, slots=True)
class _List(Generic[_RowT]):
    """A command that lists records; `key` names them in JSON, `title` in text."""

    command: str
    help: str
    key: str
    title: str
    find: Callable[[TelemetryDatabase], Callable[..., Page[_RowT]]]
    options: tuple[opt.Option, ...]
    columns: tuple[Column[_RowT], ...]


_SORTED = {"duration": ("duration",), "tokens": ("tokens", "input", "output"), "cost": ("cost_usd",)}
_LAST, _LOOKED_AT = 100, 1_000
_COUNTED: Column[Any] = Column("counted", lambda row: "yes" if row.counted else "no")
_ERROR: Column[Any] = Column("error", lambda row: find_reason(row.error_message, row.error_type), is_below=True)
_SCORED: Column[Any] = Column("scores", lambda row: format_scores(row.scores, row.score_means), least=12, drop=10)
_MARKED: tuple[Column[Any], ...] = (
    _SCORED,
    Column("pin", lambda row: (row.pin_label or "pinned") if row.pinned else None, least=8, drop=10),
    Column("note", lambda row: row.note, is_below=True),
)
_SESSIONS: _List[summaries.SessionSummary] = _List(
    "sessions",
    "List sessions, the latest first.",
    "sessions",
    "sessions",
    lambda database: database.find_sessions,
    (
        *(opt.USER, opt.SERVICE, opt.AGENT, opt.MODEL, opt.PROVIDER, opt.STATUS, opt.PINNED),
        *(opt.MIN_DURATION, opt.MIN_TOKENS, opt.MIN_COST),
    ),
    (
        Column("session_id", lambda session: session.session_id, least=36),
        Column("user_id", lambda session: session.user_id, least=12, drop=9),
        Column("end_time", lambda session: format_time(session.end_time)),
        Column("duration", lambda session: format_ms(session.duration_ms), right=True, drop=6),
        Column("traces", lambda session: session.traces, drop=1),
        Column("spans", lambda session: session.spans, drop=2),
        Column("llm_calls", lambda session: session.llm_calls, drop=4),
        Column("failed_requests", lambda session: session.failed_requests, drop=8),
        Column("failed_calls", lambda session: session.failed_calls, drop=5),
        Column("failed_tools", lambda session: session.failed_tools, drop=5),
        Column("tokens", lambda session: session.total_tokens, drop=7),
        Column("cost_usd", lambda session: format_cost(session.cost_usd, session.unpriced_calls), right=True, drop=5),
        *_MARKED,
    ),
)
_TRACES: _List[summaries.TraceSummary] = _List(
    "traces",
    "List traces, the newest first.",
    "traces",
    "traces",
    lambda database: database.find_traces,
    (
        *(opt.SESSION, opt.USER, opt.SERVICE, opt.AGENT, opt.MODEL, opt.PROVIDER, opt.NAME, opt.STATUS),
        *(opt.PINNED, opt.MIN_DURATION, opt.MIN_TOKENS, opt.MIN_COST, opt.SORT),
    ),
    (
        Column("trace_id", lambda trace: trace.trace_id),
        Column("start", lambda trace: format_time(trace.start_time), drop=6),
        Column("duration", lambda trace: format_ms(trace.duration_ms), right=True),
        Column("status", lambda trace: trace.status),
        Column("service", lambda trace: trace.service_name, drop=1),
        Column("name", lambda trace: trace.name, least=20),
        Column("spans", lambda trace: trace.spans, drop=2),
        Column("failed_calls", lambda trace: trace.failed_calls, drop=4),
        Column("failed_tools", lambda trace: trace.failed_tools, drop=4),
        Column("tokens", lambda trace: trace.total_tokens, drop=5),
        Column("cost_usd", lambda trace: format_cost(trace.cost_usd, trace.unpriced_calls), right=True, drop=3),
        Column("session_id", lambda trace: trace.session_id, drop=9),
        Column("user_id", lambda trace: trace.user_id, least=12, drop=8),
        *_MARKED,
    ),
)
_SPANS: _List[summaries.SpanSummary] = _List(
    "spans",
    "List spans, the newest first.",
    "spans",
    "spans",
    lambda database: database.find_spans,
    (
        *(opt.SESSION, opt.CONVERSATION, opt.TRACE, opt.USER, opt.SERVICE, opt.NAME, opt.KIND, opt.STATUS),
        *(opt.MIN_DURATION, opt.SORT_BY_DURATION),
    ),
    (
        Column("trace_id", lambda span: span.trace_id, drop=5),
        Column("span_id", lambda span: span.span_id),
        Column("start", lambda span: format_time(span.start_time), drop=4),
        Column("duration", lambda span: format_ms(span.duration_ms), right=True),
        Column("status", lambda span: span.status),
        Column("service", lambda span: span.service_name, drop=2),
        Column("name", lambda span: span.name, least=20),
        Column("kind", lambda span: span.kind, drop=1),
        Column("session_id", lambda span: span.session_id, least=16, drop=9),
        Column("user_id", lambda span: span.user_id, least=12, drop=8),
        Column("error", lambda span: find_reason(span.status_description, None), is_below=True),
    ),
)
_CALLS: _List[summaries.LLMInteractionSummary] = _List(
    "llm",
    "List calls of models, the newest first: those that count, which are the ones to add up.",
    "llm_interactions",
    "calls",
    lambda database: database.find_llm_interactions,
    (
        *(opt.SESSION, opt.CONVERSATION, opt.TRACE, opt.USER, opt.SERVICE, opt.AGENT, opt.MODEL, opt.PROVIDER),
        *(opt.OPERATION, opt.STATUS, opt.MIN_DURATION, opt.MIN_TOKENS, opt.MIN_COST, opt.SORT, opt.ALL),
    ),
    (
        Column("trace_id", lambda call: call.trace_id, drop=7),
        Column("span_id", lambda call: call.span_id),
        Column("start", lambda call: format_time(call.request_timestamp), drop=6),
        Column("duration", lambda call: format_ms(call.duration_ms), right=True),
        Column("status", lambda call: format_status(call.status, call.error_type), least=12),
        _COUNTED,
        Column("model", lambda call: call.model, least=12),
        Column("operation", lambda call: call.operation, least=11, drop=1),
        Column("input", lambda call: call.input_tokens, drop=5),
        Column("output", lambda call: call.output_tokens, drop=4),
        Column("cost_usd", lambda call: format_cost(call.cost_usd, call.is_unpriced), right=True, drop=3),
        Column("session_id", lambda call: call.session_id, drop=9),
        Column("user_id", lambda call: call.user_id, least=12, drop=8),
        Column("agent", lambda call: call.agent_name, least=12, drop=2),
        _ERROR,
    ),
)
_TOOL_EXECUTIONS: _List[summaries.ToolInteractionSummary] = _List(
    "tools",
    "List tool executions, the newest first: those that ran.",
    "tool_interactions",
    "tool executions",
    lambda database: database.find_tool_interactions,
    (
        *(opt.SESSION, opt.CONVERSATION, opt.TRACE, opt.USER, opt.SERVICE, opt.AGENT, opt.TOOL, opt.STATUS),
        *(opt.MIN_DURATION, opt.SORT_BY_DURATION, opt.ALL),
    ),
    (
        Column("trace_id", lambda tool: tool.trace_id, drop=2),
        Column("span_id", lambda tool: tool.span_id),
        Column("start", lambda tool: format_time(tool.start_time), drop=4),
        Column("duration", lambda tool: format_ms(tool.duration_ms), right=True),
        Column("status", lambda tool: format_status(tool.status, tool.error_type), least=12),
        _COUNTED,
        Column("tool", lambda tool: tool.tool_name),
        Column("arguments", lambda tool: tool.arguments, least=12, drop=6),
        Column("session_id", lambda tool: tool.session_id, drop=9),
        Column("user_id", lambda tool: tool.user_id, least=12, drop=8),
        Column("agent", lambda tool: tool.agent_name, least=12, drop=1),
        _ERROR,
    ),
)
_LOG_RECORDS: _List[summaries.LogSummary] = _List(
    "logs",
    "List log records, the newest first.",
    "logs",
    "log records",
    lambda database: database.find_logs,
    (opt.SESSION, opt.TRACE, opt.SERVICE, opt.EVENT, opt.SEVERITY, opt.MIN_SEVERITY),
    (
        Column("start", lambda log: format_time(log.start_time)),
        Column("severity", lambda log: log.severity_text or log.severity_number),
        Column("service", lambda log: log.service_name, drop=1),
        Column("event_name", lambda log: log.event_name, drop=3),
        Column("body", lambda log: _read_body(log.body), least=24),
        Column("trace_id", lambda log: log.trace_id, drop=4),
        Column("session_id", lambda log: log.session_id, least=36, drop=2),
    ),
)

_SCORES: _List[ScoreSummary] = _List(
    "scores",
    "List scores, the newest first.",
    "scores",
    "scores",
    lambda database: database.find_scores,
    (opt.SESSION, opt.TRACE, opt.SERVICE, opt.NAME, opt.LABEL),
    (
        Column("start", lambda score: format_time(score.start_time), drop=5),
        Column("name", lambda score: score.name, least=12),
        Column("value", lambda score: score.value),
        Column("label", lambda score: score.label, least=8),
        Column("service", lambda score: score.service_name, drop=2),
        Column("trace_id", lambda score: score.trace_id, drop=1),
        Column("span_id", lambda score: score.span_id, drop=3),
        Column("session_id", lambda score: score.session_id, drop=4),
        Column("explanation", lambda score: score.explanation or score.error_type, is_below=True),
    ),
)


_NO_RUNNING = (
    "no process has written spans while they run: only SQLiteSpanProcessor does; without code, set "
    "OTEL_TRACES_EXPORTER=none and OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR=true"
)


def _read_body(body: str | None) -> str | None:
    """Return a JSON text without its quotes, and other JSON as it is."""
    return str(json.loads(body)) if body is not None and body.startswith('"') else body


def _choose_columns(
    columns: tuple[Column[Any], ...], options: dict[str, Any], rows: Sequence[Any]
) -> list[Column[Any]]:
    """Return the columns that tell something of the rows that were asked for. A narrow terminal keeps those that the
    list is sorted by."""
    sorted_by = _SORTED.get(options.get("sort") or "", ())
    chosen = [column for column in columns if column is not _COUNTED or options["everything"]]
    chosen = [one for one in chosen if one not in _MARKED or any(one.read(row) is not None for row in rows)]
    return [replace(column, drop=_LAST) if column.name in sorted_by else column for column in chosen]


def _add_labels(database: TelemetryDatabase, columns: list[Column[Any]], rows: Sequence[Any]) -> list[Column[Any]]:
    """Return the columns so that scores show the labels of those without a value."""
    if _SCORED not in columns:
        return columns
    from otel_sqlite_exporter.query.reading import TelemetryFile
    from otel_sqlite_exporter.query.scored.score_labels import read_labels
    from otel_sqlite_exporter.settings import resolve_settings

    file = TelemetryFile(database.path, resolve_settings(database.path).busy_timeout_ms)
    key = "trace_id" if rows[0].VIEW == "traces" else "session_id"
    ids = {f"{key}s": [getattr(row, key) for row in rows if row.scores]}
    labels = file.read(read_labels, **ids)
    scored = replace(
        _SCORED, read=lambda row: format_scores(row.scores, row.score_means, labels.get(getattr(row, key), ()))
    )
    return [scored if column is _SCORED else column for column in columns]


def _name_severities(database: TelemetryDatabase) -> None:
    """Print the severities that there are, as a severity has another text in each logging library."""
    known = sorted({log.severity_text for log in database.find_logs(limit=_LOOKED_AT) if log.severity_text})
    if known:
        print_lines(f"severities of the newest log records: {', '.join(known)}", to_stderr=True)


def _make_command(records: _List[Any]) -> click.Command:
    def run(database: TelemetryDatabase, *, as_json: bool, oldest_first: bool, **options: Any) -> None:
        page = records.find(database)(newest_first=not oldest_first, **opt.read_criteria(database, options))
        columns = _choose_columns(records.columns, options, page.records)
        if not page.records and "running" in (options.get("status") or ()) and not database.writes_running_spans():
            print_lines(_NO_RUNNING, to_stderr=True)
        if as_json:
            return print_json({"total": page.total, "cursor": page.cursor, records.key: page.to_dicts()})
        columns = _add_labels(database, columns, page.records)
        print_tables(Table(f"{records.title} ({page.describe()})", columns, page.records))
        if page.cursor is not None and not is_terminal():
            print_lines(f"next: --cursor {page.cursor}", to_stderr=True)
        if not page and options.get("severity_text"):
            _name_severities(database)

    command: Any = click.pass_obj(run)
    for option in (opt.JSON, opt.OLDEST, opt.CURSOR, opt.LIMIT, opt.FILTER, opt.ATTRIBUTE, *reversed(records.options)):
        command = option(command)
    return click.command(records.command, help=records.help)(opt.DATABASE(opt.SINCE(opt.UNTIL(command))))


_LISTS: tuple[_List[Any], ...] = (_SESSIONS, _TRACES, _SPANS, _CALLS, _TOOL_EXECUTIONS, _LOG_RECORDS, _SCORES)
COMMANDS = tuple(map(_make_command, _LISTS))
