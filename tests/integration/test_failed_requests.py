# SPDX-License-Identifier: Apache-2.0
"""What failed: the status of a trace and a session, and their failed requests, calls and tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags, Tracer

from otel_sqlite_exporter import TelemetryDatabase
from tests.commands import run
from tests.conftest import exporting, read
from tests.integration.test_log_exporter import logging_to, make_log

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
SHOWN = "status, failed_requests, failed_calls, failed_tools, errors"
_SECOND = 10**9


@contextmanager
def recording(path: Path) -> Iterator[Tracer]:
    """A tracer whose spans are written in one batch at the end."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    yield provider.get_tracer("tests")
    with exporting(path) as exporter:
        exporter.export(memory.get_finished_spans())


def fail(tracer: Tracer, name: str, attributes: Mapping[str, Any]) -> None:
    with tracer.start_as_current_span(name, attributes=attributes):
        raise TimeoutError("no answer")


def test_an_error_that_was_handled_does_not_make_the_trace_one(path: Path) -> None:
    with recording(path) as tracer, tracer.start_as_current_span("answer", attributes={"session.id": "s"}):
        for name, attributes in (("chat", CALL), ("search", TOOL), ("work", {})):
            with pytest.raises(TimeoutError):
                fail(tracer, name, attributes)
    assert read(path, f"SELECT {SHOWN} FROM traces") == [("ok", 0, 1, 1, 3)]
    assert read(path, f"SELECT {SHOWN} FROM sessions") == [("ok", 0, 1, 1, 3)]
    assert read(path, "SELECT llm_calls, failed_calls, tool_executions, failed_tools FROM days") == [(1, 1, 1, 1)]
    assert read(path, "SELECT llm_calls, failed_calls FROM agents") == [(1, 1)]
    database = TelemetryDatabase(path)
    for status, expected in (("error", 0), ("ok", 1)):
        assert len(database.find_traces(status=status)) == len(database.find_sessions(status=status)) == expected


def test_an_error_of_the_root_is_that_of_the_trace(path: Path) -> None:
    with recording(path) as tracer:
        for session in ("s", "s", "other"):
            with (
                pytest.raises(TimeoutError),
                tracer.start_as_current_span("answer", attributes={"session.id": session}),
            ):
                fail(tracer, "chat", CALL)
    assert read(path, f"SELECT {SHOWN} FROM traces") == [("error", 1, 1, 0, 2)] * 3
    shown = f"SELECT session_id, {SHOWN} FROM sessions ORDER BY 1"
    assert read(path, shown) == [("other", "error", 1, 1, 0, 2), ("s", "error", 2, 2, 0, 4)]
    for command, columns in (("sessions", "requests calls tools"), ("traces", "calls tools")):
        _, shown, _ = run(command, path)
        assert [column for column in columns.split() if f"failed_{column}" not in shown] == []
    _, shown, _ = run("traces", path, "--status", "error", "--json")
    assert len(json.loads(shown)["traces"]) == 3


def _span(number: int, parent: int | None, *, failed: bool = False, remote: bool = False) -> ReadableSpan:
    above = None if parent is None else SpanContext(9, parent, remote, TraceFlags(1))
    status = Status(StatusCode.ERROR if failed else StatusCode.UNSET)
    context, start = SpanContext(9, number, False, TraceFlags(1)), number * _SECOND
    return ReadableSpan(str(number), context, above, status=status, start_time=start, end_time=start + 1)


@pytest.mark.parametrize(
    ("spans", "shown"),
    [
        ([_span(1, None), _span(2, 1, failed=True), _span(3, 2, failed=True, remote=True)], ("ok", 1, 2)),
        ([_span(1, 8, failed=True, remote=True), _span(2, 1)], ("error", 1, 1)),
        ([_span(1, 8, failed=True), _span(2, 8)], ("error", 1, 1)),
        ([_span(1, 8), _span(2, 8, failed=True)], ("ok", 0, 1)),
    ],
    ids=["a service that failed, which its client handled", "remote parent", "the earliest", "not the earliest"],
)
def test_a_request_fails_with_its_root_or_an_entry_span(
    path: Path, spans: Sequence[ReadableSpan], shown: tuple[str, int, int]
) -> None:
    for batches in ([spans], [[span] for span in reversed(spans)]):
        with exporting(path) as exporter:
            for batch in batches:
                exporter.export(batch)
        assert read(path, "SELECT status, failed_requests, errors FROM traces") == [shown]
        path.unlink()


def test_a_request_of_log_records_fails_with_its_last_call(path: Path) -> None:
    """A coding agent tries again, and gives up: it writes no span, and its records name no trace."""
    names = (
        *("user_prompt", "api_error", "api_request"),
        *("user_prompt", "api_request", "api_error"),
        *("user_prompt", "tool_result", "api_error", "api_error"),
    )
    said = {"api_error": {"status_code": "529"}, "tool_result": {"tool_name": "Bash", "success": "false"}}
    logs = [
        make_log(
            timestamp=(number + 1) * _SECOND,
            body=f"claude_code.{name}",
            attributes={"session.id": "s", "event.name": name, "model": "claude-opus-4-7", **said.get(name, {})},
        )
        for number, name in enumerate(names)
    ]
    for batches in ([logs], [[log] for log in reversed(logs)]):
        with logging_to(path) as exporter:
            for batch in batches:
                exporter.export(batch)
        assert read(path, f"SELECT {SHOWN}, llm_calls FROM sessions") == [("error", 2, 4, 1, 0, 6)]
        path.unlink()


def test_a_tool_whose_failure_only_a_later_prompt_tells_has_failed(path: Path) -> None:
    asked = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c-1", "name": "search", "arguments": {}}]}]
    told = [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c-1", "response": "x", "is_error": True}]}]
    with recording(path) as tracer, tracer.start_as_current_span("answer"):
        tracer.start_span("chat", attributes={**CALL, "gen_ai.output.messages": json.dumps(asked)}).end()
        tracer.start_span("chat", attributes={**CALL, "gen_ai.input.messages": json.dumps([*asked, *told])}).end()
    assert read(path, f"SELECT {SHOWN} FROM traces") == [("ok", 0, 0, 1, 0)]


def test_an_agent_tree_counts_what_failed_below_each_agent(path: Path) -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
    with recording(path) as tracer, tracer.start_as_current_span("invoke_agent guide", attributes=agent):
        for name, attributes in (("chat", CALL), ("search", TOOL), ("search", TOOL)):
            with pytest.raises(TimeoutError):
                fail(tracer, name, attributes)
    assert read(path, "SELECT status, failed_calls, failed_tools, errors FROM agent_tree") == [("ok", 1, 2, 3)]
