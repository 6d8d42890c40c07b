# SPDX-License-Identifier: Apache-2.0
"""What a removal works does not depend on what else the file holds: not even where all sessions are close in time, and
all give their tool calls the same id."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.removal.record_removal import remove_records
from otel_sqlite_exporter.write.removal.removed_records import RecordsToRemove
from tests.conftest import exporting, read

_TIME = 1_795_000_000_000_000_000
_REMOVED = 5


def _write_session(number: int) -> list[ReadableSpan]:
    """A session of one trace: a model call that asks for a tool, its execution, and a call with its result."""
    asked = [{"type": "tool_call", "id": "c1", "name": "find", "arguments": {"n": number}}]
    told = [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": f"r{number}"}]}]
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find", "gen_ai.tool.call.id": "c1"}
    kinds: list[dict[str, Any]] = [
        {**chat, "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": asked}])},
        {**tool, "gen_ai.tool.call.arguments": json.dumps({"n": number})},
        {**chat, "gen_ai.input.messages": json.dumps(told)},
    ]
    start = _TIME + number * 10**9
    trace = 1_000 + number
    return [
        ReadableSpan(
            name=f"step {step}",
            context=SpanContext(trace, step, False, TraceFlags(1)),
            resource=Resource({"service.name": "one"}),
            attributes={**attributes, "session.id": f"s{number}"},
            start_time=start + step * 10**6,
            end_time=start + step * 10**6 + 500_000,
        )
        for step, attributes in enumerate(kinds, 1)
    ]


def _remove_first(path: Path, sessions: int) -> tuple[int, int]:
    """Write so many sessions and remove the first few. Return how many functions and steps of SQLite that took."""
    with exporting(path) as exporter:
        exporter.export([span for number in range(sessions) for span in _write_session(number)])
    spans = [id for (id,) in read(path, "SELECT id FROM _spans ORDER BY start_time_unix_nano LIMIT ?", _REMOVED * 3)]
    calls = steps = 0

    def count_call(*_: object) -> None:
        nonlocal calls
        calls += 1

    def count_step() -> int:
        nonlocal steps
        steps += 1
        return 0

    settings = resolve_settings(path)
    with closing(open_file(settings)) as connection, transaction(connection):
        connection.set_progress_handler(count_step, 100)
        sys.setprofile(count_call)
        try:
            removed = remove_records(connection, settings, RecordsToRemove(spans))
        finally:
            sys.setprofile(None)
            connection.set_progress_handler(None, 0)
    assert (removed.sessions, removed.spans, removed.tools) == (_REMOVED, _REMOVED * 3, _REMOVED * 2)
    return calls, steps


def test_removal_reads_only_what_may_be_of_the_same_call(tmp_path: Path) -> None:
    _, few, many = (_remove_first(tmp_path / f"{one}.db", sessions) for one, sessions in enumerate((10, 10, 200)))
    # The first removal of a process reads the queries, too.
    assert many[0] < few[0] * 2
    assert many[1] < few[1] * 2
