# SPDX-License-Identifier: Apache-2.0
"""A coding agent that is killed, or still runs, has not sent its roots: what it did hangs together by its session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import read
from tests.live.coding_agents import CODING_AGENTS
from tests.otlp_captures.capture_files import import_batches, read_capture


def without_roots(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a capture without spans that have no parent."""
    for line in lines:
        message = json.loads(line)
        for resource in message.get("resourceSpans", []):
            for scope in resource["scopeSpans"]:
                scope["spans"] = [span for span in scope["spans"] if span.get("parentSpanId")]
        yield json.dumps(message)


def list_sessions(path: Path) -> list[list[tuple[Any, ...]]]:
    """The calls and tools that count, each with its session, and the log records of each session."""
    return [
        read(path, f"SELECT session_id, {columns} FROM {view} ORDER BY 1, 2, 3")
        for view, columns in (
            ("complete_llm_interactions WHERE counted", "model, total_tokens"),
            ("complete_tool_interactions WHERE counted", "tool_name, status"),
            ("sessions", "llm_calls, logs"),
        )
    ]


@pytest.mark.parametrize("name", list(CODING_AGENTS))
def test_calls_and_tools_below_a_root_that_was_never_sent_keep_their_session(name: str, tmp_path: Path) -> None:
    lines = read_capture(f"live-{name}").lines
    import_batches(tmp_path / "whole.db", [lines])
    import_batches(tmp_path / "rootless.db", [list(without_roots(lines))])
    whole = list_sessions(tmp_path / "whole.db")
    assert list_sessions(tmp_path / "rootless.db") == whole
    calls, tools, sessions = whole
    assert len(tools) >= 2
    assert {session for session, *_ in calls} == {session for session, *_ in sessions}
    assert None not in {session for session, *_ in (*calls, *tools)}
