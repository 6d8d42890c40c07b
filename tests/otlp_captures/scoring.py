# SPDX-License-Identifier: Apache-2.0
"""What a file of an imported capture says, beside what the server served: every difference."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from tests.otlp_captures.calls import call_differences
from tests.otlp_captures.differences import JSON, Difference, SearchedRecords, differ
from tests.otlp_captures.tools import tool_differences


def find_differences(path: Path, truth: JSON, lines: Sequence[str]) -> list[Difference]:
    """Every difference between a file and the truth of the capture whose lines of OTLP it holds."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        calls = [row for row in _select(connection, "complete_llm_interactions") if row["counted"]]
        tools = [row for row in _select(connection, "complete_tool_interactions") if row.get("counted", 1)]
        agents = _select(connection, "agent_tree")
        sessions = _select(connection, "sessions")
    records = SearchedRecords(lines)
    return [
        *call_differences(truth, calls, records),
        *tool_differences(truth, tools, records),
        *_agent_differences(truth, [*agents, *calls], records),
        *_session_differences(truth, sessions, records),
    ]


def _select(connection: sqlite3.Connection, view: str) -> list[JSON]:
    rows = map(dict, connection.execute(f"SELECT * FROM {view}"))
    return sorted(rows, key=lambda row: (row["start_time_unix_nano"] or 0, repr(sorted(row.items()))))


def _agent_differences(truth: JSON, rows: list[JSON], records: SearchedRecords) -> Iterator[Difference]:
    want, got = set(truth["told"].get("agents", [])), {row["agent_name"] for row in rows} - {None}
    workflows = {row["agent_name"] for row in rows if row["operation"] == "invoke_workflow"}
    if want:
        yield from (differ("agent", name, name, None) for name in sorted(got - want - workflows))
        yield from (differ("agent", name, None, name, records.hold(f'"{name}"')) for name in sorted(want - got))


def _session_differences(truth: JSON, rows: list[JSON], records: SearchedRecords) -> Iterator[Difference]:
    for session, user in truth["told"].get("sessions", []):
        row = next((row for row in rows if row["session_id"] == session), None)
        if row is None:
            yield differ("session", session, None, session, records.hold(f'"{session}"'))
            continue
        if row["user_id"] != user:
            yield differ("user", session, row["user_id"], user, records.hold(f'"{user}"'))
        if not row["llm_calls"]:
            yield differ("calls of the session", session, 0, "some")
