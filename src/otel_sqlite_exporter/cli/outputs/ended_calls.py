# SPDX-License-Identifier: Apache-2.0
"""Calls of models and tools that have ended, a line each, also as they are written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.cli.formatting import format_value, print_lines
from otel_sqlite_exporter.cli.outputs.conversation_output import describe_row
from otel_sqlite_exporter.cli.tables import print_json
from otel_sqlite_exporter.error_reasons import find_reason
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, ToolInteractionSummary

_PAUSE_S = 0.5
_LOOKED_AT = 500
"""The newest calls, and the newest tools, among which those that have ended since are looked for. A call that runs is
written when it starts: so its end does not show by an id that is higher than those before."""
_Row = LLMInteractionSummary | ToolInteractionSummary
_ENDED = ("ok", "error", "interrupted")


def show_ended(
    database: TelemetryDatabase, criteria: Mapping[str, Any], *, follow: bool, limit: int, as_json: bool
) -> None:
    """Print the latest `limit` calls and tools that count and have ended, in order of their ends; then, if `follow`,
    others as they end, until interrupted."""
    seen: set[tuple[bool, int]] = set()
    try:
        newest = _find(database, criteria, max(limit, _LOOKED_AT))
        for row in newest[-limit:]:
            _show(row, as_json)
        seen.update(map(_key, newest))
        while follow:
            time.sleep(_PAUSE_S)
            found = _find(database, criteria, _LOOKED_AT)
            for row in found:
                if _key(row) not in seen:
                    _show(row, as_json)
            seen.update(map(_key, found))
    except KeyboardInterrupt:
        return  # the way to end it, and no error


def _find(database: TelemetryDatabase, criteria: Mapping[str, Any], limit: int) -> list[_Row]:
    calls = database.find_llm_interactions(limit=limit, counted=True, status=_ENDED, **criteria)
    tools = database.find_tool_interactions(limit=limit, counted=True, status=_ENDED, **criteria)
    return sorted([*calls, *tools], key=lambda row: (row.end_time_unix_nano, row.id))


def _key(row: _Row) -> tuple[bool, int]:
    return isinstance(row, LLMInteractionSummary), row.id


def _show(row: _Row, as_json: bool) -> None:
    is_call = isinstance(row, LLMInteractionSummary)
    if as_json:
        return print_json({"kind": "llm" if is_call else "tool"} | row.to_dict(), indent=None)
    end = row.response_timestamp if isinstance(row, LLMInteractionSummary) else row.end_time
    parts = [end, "call" if is_call else "tool", *describe_row(row)]
    for name, value in (
        ("error", find_reason(row.error_message, row.error_type) if row.status == "error" else None),
        *(("session", row.session_id), ("user", row.user_id), ("agent", row.agent_name), ("span", row.span_id)),
    ):
        parts += [f"{name}={value}"] if value is not None else []
    return print_lines("  ".join(map(format_value, parts)))
