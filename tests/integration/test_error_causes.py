# SPDX-License-Identifier: Apache-2.0
"""The view and the report of errors: each failure once, by its cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from otel_sqlite_exporter import TelemetryDatabase
from tests.conftest import read
from tests.integration.test_failed_requests import CALL, TOOL, fail, recording
from tests.integration.test_log_exporter import logging_to, make_log
from tests.otlp_captures.capture_files import import_batches, read_capture

HIT = "error_type, message, name, source, spans, requests, calls, tools"
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}


@contextmanager
def failing(tracer: Tracer, name: str, **attributes: Any) -> Iterator[None]:
    """A span whose error is set without an exception."""
    with tracer.start_as_current_span(name, attributes=attributes) as span:
        yield
        span.set_status(Status(StatusCode.ERROR))


def ask(tracer: Tracer, raised: Exception | None = None) -> None:
    """An agent whose call fails, and which raises another error because of that, or the same."""
    with tracer.start_as_current_span("answer"), tracer.start_as_current_span("invoke_agent", attributes=AGENT):
        try:
            fail(tracer, "chat small", CALL)
        except TimeoutError as error:
            if raised is None:
                raise
            raise raised from error


def try_three_times(tracer: Tracer) -> None:
    """A call whose client tries again, and gives up."""
    with tracer.start_as_current_span("chat small", attributes=CALL):
        for _ in range(3):
            with failing(tracer, "POST", **{"error.type": "429"}):
                pass
        raise TimeoutError("too many requests")


def fall_back(tracer: Tracer) -> None:
    """A request that handles the error of a call, and fails later for another reason."""
    with tracer.start_as_current_span("answer"):
        with pytest.raises(TimeoutError):
            fail(tracer, "chat small", CALL)
        with tracer.start_as_current_span("fall back"):
            pass
        raise LookupError("no other model")


def test_an_exception_that_passes_through_spans_is_one_failure(path: Path) -> None:
    with recording(path) as tracer, pytest.raises(TimeoutError):
        ask(tracer)
    assert read(path, f"SELECT {HIT} FROM errors") == [("TimeoutError", "no answer", "chat small", "span", 3, 1, 1, 0)]
    ((group, *numbers),) = TelemetryDatabase(path).run_report("errors").rows
    assert (group, numbers[:6]) == ("TimeoutError", [1, 1, 1, 0, "chat small", "no answer"])
    ((model, *_),) = TelemetryDatabase(path).run_report("errors", group_by="request_model").rows
    assert model == "small"


def test_an_exception_with_a_cause_is_that_of_its_cause(path: Path) -> None:
    with recording(path) as tracer, pytest.raises(RuntimeError, match="failed"):
        ask(tracer, RuntimeError("the model failed"))
    assert read(path, f"SELECT {HIT} FROM errors") == [("TimeoutError", "no answer", "chat small", "span", 3, 1, 1, 0)]


def test_a_parent_without_a_message_failed_with_its_child(path: Path) -> None:
    with (
        recording(path) as tracer,
        failing(tracer, "POST /answer", **{"error.type": "500"}),
        pytest.raises(TimeoutError),
    ):
        fail(tracer, "search", TOOL)
    assert read(path, f"SELECT {HIT} FROM errors") == [("TimeoutError", "no answer", "search", "span", 2, 1, 0, 1)]
    assert read(path, "SELECT tool_name, model FROM errors") == [("search", None)]


def test_a_response_without_a_message_is_told_by_the_call_that_failed_with_it(path: Path) -> None:
    with recording(path) as tracer, tracer.start_as_current_span("answer"), pytest.raises(TimeoutError):
        try_three_times(tracer)
    assert read(path, f"SELECT {HIT} FROM errors") == [
        ("TimeoutError", "too many requests", "POST", "span", 2, 0, 1, 0)
    ]


@contextmanager
def answering(tracer: Tracer) -> Iterator[None]:
    """A request of a server that answers with an error and says no more, as ASGI's instrumentation does."""
    with tracer.start_as_current_span("POST /chat", kind=SpanKind.SERVER) as request:
        yield
        with failing(tracer, "POST /chat http send", **{"http.status_code": 500}):
            pass
        with tracer.start_as_current_span("POST /chat http send"):
            pass
        request.set_status(Status(StatusCode.ERROR))


def test_the_response_of_a_failed_request_is_no_failure_of_its_own(path: Path) -> None:
    with recording(path) as tracer, answering(tracer), pytest.raises(TimeoutError):
        fail(tracer, "chat small", CALL)
    assert read(path, f"SELECT {HIT} FROM errors") == [("TimeoutError", "no answer", "chat small", "span", 2, 1, 1, 0)]


def test_a_request_that_fails_without_a_cause_is_told_by_its_response(path: Path) -> None:
    with recording(path) as tracer:
        with answering(tracer):
            pass
        with answering(tracer), tracer.start_as_current_span("GET", kind=SpanKind.CLIENT) as asked:
            asked.set_status(Status(StatusCode.ERROR))
    causes = read(path, "SELECT name, spans, requests FROM errors ORDER BY start_time_unix_nano")
    assert causes == [("POST /chat http send", 2, 1), ("GET", 2, 1)]


def ask_quietly(tracer: Tracer) -> None:
    """A request that fails through a span that says nothing."""
    with (
        tracer.start_as_current_span("answer"),
        tracer.start_as_current_span("cycle", record_exception=False, set_status_on_exception=False),
    ):
        fail(tracer, "chat small", CALL)


def test_a_span_between_that_did_not_fail_does_not_part_a_failure(path: Path) -> None:
    with recording(path) as tracer, pytest.raises(TimeoutError):
        ask_quietly(tracer)
    assert read(path, f"SELECT {HIT} FROM errors") == [("TimeoutError", "no answer", "chat small", "span", 2, 1, 1, 0)]


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        ("response failed: {'error': 'too many requests'}", "agent failed: {'error': 'too many requests'}"),
        ("too many requests", "RateLimitError: too many requests, tried 3 times"),
        ("RateLimitError: too many requests", "too many requests"),
    ],
)
def test_the_same_message_may_be_told_in_other_words(path: Path, child: str, parent: str) -> None:
    with recording(path) as tracer, tracer.start_as_current_span("answer") as above:
        with tracer.start_as_current_span("chat small", attributes=CALL) as span:
            span.set_status(Status(StatusCode.ERROR, child))
        above.set_status(Status(StatusCode.ERROR, parent))
    assert read(path, "SELECT message, name, spans, requests, calls FROM errors") == [(child, "chat small", 2, 1, 1)]


def test_each_call_that_failed_is_a_failure(path: Path) -> None:
    with recording(path) as tracer, tracer.start_as_current_span("answer"):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                fail(tracer, "chat small", CALL)
    assert read(path, "SELECT count(*), sum(calls), sum(requests) FROM errors") == [(3, 3, 0)]
    assert read(path, "SELECT failed_calls, failed_requests FROM traces") == [(3, 0)]


def test_another_error_of_the_parent_is_another_failure(path: Path) -> None:
    with recording(path) as tracer, pytest.raises(LookupError):
        fall_back(tracer)
    causes = read(path, f"SELECT {HIT} FROM errors ORDER BY start_time_unix_nano")
    assert causes == [
        ("LookupError", "no other model", "answer", "span", 1, 1, 0, 0),
        ("TimeoutError", "no answer", "chat small", "span", 1, 0, 1, 0),
    ]


def test_a_response_without_any_cause_has_its_status_as_type(path: Path) -> None:
    """Two attempts, of which the first was told to come again."""
    with recording(path) as tracer, tracer.start_as_current_span("chat small", attributes=CALL):
        with failing(tracer, "POST", **{"http.status_code": 429}):
            pass
        with tracer.start_as_current_span("POST", attributes={"http.status_code": 200}):
            pass
    assert read(path, f"SELECT {HIT} FROM errors") == [("429", None, "POST", "span", 1, 0, 0, 0)]


def test_a_failed_call_and_tool_of_log_records_are_failures(path: Path) -> None:
    said = {
        "api_error": {"status_code": "529"},
        "tool_result": {"tool_name": "Bash", "success": "false"},
        "api_request": {"output_tokens": "7"},
    }
    named = {"session.id": "s", "model": "claude-opus-4-7"}
    with logging_to(path) as exporter:
        exporter.export(
            [
                make_log(
                    timestamp=number, body=f"claude_code.{name}", attributes={**named, "event.name": name, **facts}
                )
                for number, (name, facts) in enumerate(said.items(), start=10**18)
            ]
        )
    found = read(path, "SELECT source, error_type, session_id, model, tool_name, calls, tools FROM errors ORDER BY 1")
    assert [row[0] for row in found] == ["call", "tool"]
    assert found[0][1:] == ("529", "s", "claude-opus-4-7", None, 1, 0)
    assert found[1][2:] == ("s", None, "Bash", 0, 1)


SERVER = SpanKind.SERVER


def give_up(error: Exception) -> None:
    raise error


@contextmanager
def serving(tracer: Tracer, raised: bool = False, status: str | None = None) -> Iterator[None]:
    """A request as the instrumentation of ASGI records it: the spans that send its response fail with it."""
    attributes = {} if status is None else {"error.type": status}
    with tracer.start_as_current_span("POST /chat", kind=SERVER, attributes=attributes) as span:
        with tracer.start_as_current_span("POST /chat http receive"):
            pass
        try:
            yield
        except Exception as error:
            with failing(tracer, "POST /chat http send", **attributes):
                pass
            with tracer.start_as_current_span("POST /chat http send"):
                pass
            span.set_status(Status(StatusCode.ERROR))
            if raised:
                raise RuntimeError("not handled") from error


@pytest.mark.parametrize("status", [None, "500"])
@pytest.mark.parametrize("raised", [False, True])
@pytest.mark.parametrize("between", [(), ("middleware",)])
def test_the_spans_of_a_response_fail_with_the_request(
    path: Path, status: str | None, raised: bool, between: tuple[str, ...]
) -> None:
    """The failure of a request is one, and its cause is what failed before the response."""
    with recording(path) as tracer, ExitStack() as stack:
        if raised:
            stack.enter_context(pytest.raises(RuntimeError))
        stack.enter_context(serving(tracer, raised, status))
        for name in between:
            stack.enter_context(
                tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)
            )
        fail(tracer, "search", TOOL)
    assert read(path, "SELECT name, message, requests, tools FROM errors") == [("search", "no answer", 1, 1)]


@pytest.mark.parametrize("status", [None, "500"])
def test_an_exception_of_the_server_itself_is_one_failure(path: Path, status: str | None) -> None:
    with recording(path) as tracer, pytest.raises(RuntimeError), serving(tracer, True, status):
        give_up(LookupError("no such chat"))
    assert read(path, "SELECT name, message, spans, requests FROM errors") == [("POST /chat", "not handled", 1, 1)]


def test_a_response_of_another_service_is_a_cause(path: Path) -> None:
    """The span of a client names no cause but the status; the server's response comes of it."""
    with recording(path) as tracer, serving(tracer, status="500"):
        with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes={"error.type": "503"}) as span:
            span.set_status(Status(StatusCode.ERROR))
        give_up(LookupError("no answer"))
    assert read(path, "SELECT name, error_type, requests FROM errors") == [("GET", "503", 1)]


def test_a_response_without_a_cause_is_one_failure(path: Path) -> None:
    with recording(path) as tracer, serving(tracer):
        give_up(LookupError("handled, and not recorded"))
    assert read(path, "SELECT name, message, requests FROM errors") == [("POST /chat http send", None, 1)]


def test_what_fails_after_the_response_is_another_failure(path: Path) -> None:
    with recording(path) as tracer, tracer.start_as_current_span("POST /chat", kind=SERVER) as span:
        with failing(tracer, "POST /chat http send"):
            pass
        with pytest.raises(TimeoutError):
            fail(tracer, "search", TOOL)
        span.set_status(Status(StatusCode.ERROR))
    assert sorted(read(path, "SELECT name FROM errors")) == [("POST /chat http send",), ("search",)]


def test_the_request_failed_with_its_last_failure(path: Path) -> None:
    """A failure that was handled before is one, but not that of the request."""
    with recording(path) as tracer, serving(tracer):
        with pytest.raises(TimeoutError):
            fail(tracer, "search", TOOL)
        fail(tracer, "chat small", CALL)
    assert read(path, "SELECT name, requests, calls, tools FROM errors ORDER BY name") == [
        ("chat small", 1, 1, 0),
        ("search", 0, 0, 1),
    ]
    report = TelemetryDatabase(path).run_report("errors", group_by="name")
    assert sum(int(row[3]) for row in report.rows) == 1


def test_a_failure_without_a_failed_span_has_the_message_of_its_record(path: Path) -> None:
    import_batches(path, [read_capture("live-gemini-cli").lines])
    ((message,),) = read(path, "SELECT message FROM errors WHERE source = 'tool'")
    assert "File not found" in message
    assert read(path, "SELECT error_message FROM complete_tool_interactions WHERE status = 'error'") == [(message,)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"error.message": "no such file"}, "no such file"),
        ({"error": "denied"}, "denied"),
        ({"tool_result": '{"error": "not found"}'}, "not found"),
        ({}, None),
    ],
)
def test_a_failed_tool_of_log_records_says_why(path: Path, facts: dict[str, str], expected: str | None) -> None:
    attributes = {"session.id": "s", "event.name": "tool_result", "tool_name": "Bash", "success": "false", **facts}
    with logging_to(path) as exporter:
        exporter.export([make_log(timestamp=10**18, body="claude_code.tool_result", attributes=attributes)])
    assert read(path, "SELECT message FROM errors") == [(expected,)]


@pytest.mark.parametrize("number", [1.7976931348623157e308, -1.7976931348623157e308, 1e400, 5, 0.5, True])
def test_types_and_messages_of_errors_may_be_numbers(path: Path, number: float) -> None:
    with recording(path) as tracer:
        with failing(tracer, "typed", **{"error.type": number}):
            pass
        with tracer.start_as_current_span("told") as span:
            span.add_event("exception", {"exception.type": number, "exception.message": number})
            span.set_status(Status(StatusCode.ERROR))
    assert read(path, "SELECT count(*), count(error_type) FROM errors") == [(2, 2)]
