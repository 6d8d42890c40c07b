# SPDX-License-Identifier: Apache-2.0
"""A session as text: what it was, and its steps."""

from __future__ import annotations

from otel_sqlite_exporter.cli.formatting import Value, format_status
from otel_sqlite_exporter.cli.outputs.shown_marks import ShownMarks
from otel_sqlite_exporter.cli.table_model import Column, Table, make_facts
from otel_sqlite_exporter.cli.tables import print_json, print_tables
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.timeline import Timeline, TimelineStep
from otel_sqlite_exporter.show.units import format_cost, format_ms


def show_timeline(timeline: Timeline, marks: ShownMarks, *, everything: bool, as_json: bool) -> None:
    """Print a session and its steps, each with the time from the start of the session to its own; `everything`: also
    those that do not count, with a column that shows which."""
    if as_json:
        return print_json(timeline.to_dict())
    session = timeline.session
    facts: dict[str, Value] = {
        "status": session.status,
        "user": session.user_id,
        "service": session.service_name,
        "from": session.start_time,
        "to": session.end_time,
        "traces": session.traces,
        "spans": session.spans,
        "llm calls": session.llm_calls,
        "failed requests": session.failed_requests,
        "failed calls": session.failed_calls,
        "failed tools": session.failed_tools,
        "tokens": session.total_tokens,
        "cost_usd": format_cost(session.cost_usd, session.unpriced_calls),
        **marks.tell(),
    }
    start = session.start_time_unix_nano
    columns: list[Column[TimelineStep]] = [
        Column("after", lambda step: format_ms((step.start_time_unix_nano - start) / 1e6), right=True, drop=3),
        Column("kind", lambda step: step.kind),
        Column("what", lambda step: step.what, least=20),
        Column("duration", lambda step: format_ms(step.duration_ms), right=True),
        Column("status", lambda step: format_status(step.status, step.error_type), least=12),
        Column("tokens", lambda step: step.total_tokens, drop=1),
        *([Column("counted", _describe_counted)] if everything else []),
        Column("trace_id", lambda step: step.trace_id, drop=2),
        Column("error", lambda step: find_reason(step.error_message, step.error_type), is_below=True),
    ]
    steps = Table(f"steps ({timeline.describe()})", columns, timeline.steps)
    return print_tables(make_facts(f"session {session.session_id}", facts), steps)


def _describe_counted(step: TimelineStep) -> str | None:
    return None if step.counted is None else "yes" if step.counted else "no"
