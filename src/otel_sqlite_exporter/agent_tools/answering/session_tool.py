# SPDX-License-Identifier: Apache-2.0
"""`get_session`: a session step by step, without what was said."""

from __future__ import annotations

from otel_sqlite_exporter.agent_tools.answering.metric_tools import name_metrics
from otel_sqlite_exporter.agent_tools.answering.offsets import read_offset
from otel_sqlite_exporter.agent_tools.answers import Answer, Json, drop_missing, make_row, round_ms
from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_arguments import ToolArguments
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.comparisons.step_skeletons import StepSkeleton, read_steps

_HEAD = (
    *("session_id", "service_name", "user_id", "status", "start_time", "end_time", "duration_ms", "traces", "spans"),
    *("logs", "llm_calls", "failed_requests", "failed_calls", "failed_tools", "errors", "running", "interrupted"),
    *("input_tokens", "output_tokens", "total_tokens", "cost_usd", "unpriced_calls"),
)
STEP_COLUMNS = ("id", "what", "at_ms", "ms", "status", "tokens", "cost_usd", "agent", "error")


def get_session(asked: AskedFile, arguments: ToolArguments) -> Answer:
    """Return a session and its steps from an offset on."""
    session = asked.database.get_session(arguments["id"])
    steps = asked.file.read(read_steps, session_id=session.session_id)
    first = read_offset(arguments, len(steps))
    rows = [
        make_step_row(step, session.start_time_unix_nano, arguments.text_bytes)
        for step in steps[first : first + arguments.most_bytes // 20]
    ]
    head: Json = {
        "session": drop_missing({name: getattr(session, name) for name in _HEAD}, 120),
        "steps_in_all": len(steps),
        "columns": STEP_COLUMNS,
    }
    metrics, are_all = name_metrics(
        asked, arguments.most_bytes // 8, arguments.text_bytes // 2, session_id=session.session_id
    )
    if metrics:
        head["metrics (name, kind, unit, series)"] = metrics
        head |= {} if are_all else {"more_metrics": "find of=metrics with filter session:ID lists all"}
    after = len(steps) - first
    return Answer(
        head,
        "steps",
        rows,
        lambda shown: {
            "left_out": f"steps after these, {after - shown:,} of {len(steps):,}: give next_cursor as cursor",
            "next_cursor": str(first + shown),
        },
    )


def make_step_row(step: StepSkeleton, start_unix_nano: int, text_bytes: int) -> list[object]:
    """Return the values of `STEP_COLUMNS`. The id is one for `get_item`; of a trace, one for `get_trace`."""
    kind = "llm" if step.kind == "agent" else step.kind
    id = (
        f"trace:{step.trace_id}"
        if kind == "trace"
        else f"span:{step.span_id}"
        if kind == "span"
        else f"{kind}:{step.id}"
    )
    words = [step.kind, step.what or "?", *([step.model] if step.model else [])]
    values = (
        *(
            id,
            " ".join(words),
            round_ms((step.start_time_unix_nano - start_unix_nano) / 1e6),
            round_ms(step.duration_ms),
        ),
        *(
            None if step.status == "ok" else step.status,
            step.tokens,
            step.cost_usd,
            step.agent_name,
            find_reason(step.error, None),
        ),
    )
    return make_row(values, text_bytes)
