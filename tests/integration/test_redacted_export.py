# SPDX-License-Identifier: Apache-2.0
"""`export` with redaction: a session that can be handed on without personal data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter, TelemetryDatabase
from tests.commands import run, run_here, run_process
from tests.new_files import put_new_file

MAIL, SECRET = "ada@example.org", "the secret prompt"
MASK = r"\w+@\w+\.org"


def write_private(path: Path) -> None:
    resource = Resource({"service.name": "desk", "host.owner": MAIL})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("desk", attributes={"owner": MAIL})
    link = Link(SpanContext(7, 7, False, TraceFlags(1)), {"of": MAIL})
    attributes: dict[str, Any] = {"session.id": "chat-1", "user.id": "ada", "app.mails": [MAIL], "app.size": 7}
    with tracer.start_as_current_span(f"mail {MAIL}", attributes=attributes, links=[link]) as root:
        root.add_event("sent", {"to": MAIL})
        messages = [{"role": "user", "parts": [{"type": "text", "content": f"{SECRET} {MAIL}"}]}]
        call: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.input.messages": json.dumps(messages),
        }
        with tracer.start_as_current_span("chat gpt-4o", attributes=call) as span:
            span.set_status(Status(StatusCode.ERROR, f"no such user {MAIL}"))
    provider.shutdown()
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    put_new_file(path)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    logs.get_logger("desk").emit(LogRecord(body={"text": f"from {MAIL}"}, attributes={"session.id": "chat-1"}))
    logs.shutdown()


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("private") / "otel.db"
    write_private(path)
    return path


def test_options_redact_what_is_exported(private: Path, tmp_path: Path) -> None:
    options = ("--redact-values", MASK, "--redact-keys", "user.*", "--redact-keys", "host.*", "--no-content")
    shared = tmp_path / "shared.jsonl"
    done = run_here("export", "--session", "chat-1", *options, "--output", shared, private)
    assert (done.exit_code, done.stderr) == (0, "exported 2 spans, 1 log record\n")
    text = shared.read_text()
    assert (MAIL in text, SECRET in text, '"ada"' in text) == (False, False, False)
    copy = tmp_path / "copy.db"
    assert run_here("import", shared, "--into", copy).exit_code == 0
    database = TelemetryDatabase(copy)
    (call,) = database.find_llm_interactions()
    assert (call.session_id, call.model, call.input_tokens, call.status, call.prompt) == (
        "chat-1",
        "gpt-4o",
        12,
        "error",
        None,
    )
    (root,) = database.find_spans(name="mail [redacted]")
    assert (root.attribute("user.id"), root.attribute("app.mails"), root.attribute("app.size")) == (
        "[redacted]",
        ["[redacted]"],
        7,
    )
    (before,) = TelemetryDatabase(private).find_spans(name=f"mail {MAIL}")
    assert (root.span_id, root.start_time_unix_nano) == (before.span_id, before.start_time_unix_nano)
    assert root.duration_ms == before.duration_ms
    (log,) = database.find_logs()
    assert log.to_dict()["body"] == {"text": "from [redacted]"}


def test_settings_of_the_environment_redact_too(private: Path) -> None:
    masked = run("export", private, OTEL_EXPORTER_SQLITE_REDACT_VALUES=MASK)[1]
    assert (MAIL in masked, SECRET in masked) == (False, True)
    both = run("export", "--redact-values", SECRET, private, OTEL_EXPORTER_SQLITE_REDACT_VALUES=MASK)[1]
    assert (MAIL in both, SECRET in both) == (False, False)
    refused = run_here("export", "--redact-values", "(", private)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "redact_values" in refused.stderr


def test_without_settings_nothing_is_changed(private: Path) -> None:
    plain = run_here("export", private).stdout
    nothing = run_here("export", "--redact-keys", "no.such.key", private).stdout
    assert [json.loads(line) for line in nothing.splitlines()] == [json.loads(line) for line in plain.splitlines()]
    assert MAIL in plain


PERSONAL = ("ada", MAIL, "umbrella", "Atlantis", "10.1.2.3", "Mozilla", "/chat?who", "Traceback")


def write_service(path: Path) -> None:
    """A request of a web service: a user's question is in a prompt, a tool, an error, an address and a log line."""
    provider = TracerProvider(resource=Resource({"service.name": "desk"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("desk")
    request: dict[str, Any] = {
        **{
            "session.id": "chat-1",
            "user.id": "ada",
            "enduser.id": MAIL,
            "http.method": "POST",
            "http.status_code": 500,
        },
        **{"net.peer.ip": "10.1.2.3", "client.address": "10.1.2.3", "http.user_agent": "Mozilla/5.0 ada"},
        **{"url.full": "http://desk/chat?who=ada", "http.target": "/chat?who=ada", "url.query": "who=ada"},
    }
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.arguments": '{"city":"Atlantis"}',
    }
    call: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    call["gen_ai.usage.input_tokens"] = 12
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Is ada's umbrella red?"}]}]
    error = ValueError("no such city: Atlantis, asked by ada")
    with tracer.start_as_current_span("POST /chat", attributes=request) as root:
        tracer.start_span("chat gpt-4o", attributes={**call, "gen_ai.input.messages": json.dumps(asked)}).end()
        with tracer.start_as_current_span("execute_tool weather", attributes=tool) as span:
            for failed in (span, root):
                failed.record_exception(error, {"exception.stacktrace": f"Traceback: {error}"})
                failed.set_status(Status(StatusCode.ERROR, f"ValueError: {error}"))
    provider.shutdown()
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    attributes = {"session.id": "chat-1", "exception.message": "no such city: Atlantis", "exception.type": "ValueError"}
    logs.get_logger("desk").emit(LogRecord(body="asked by ada", attributes=attributes, severity_text="WARN"))
    logs.shutdown()


def test_metadata_alone_has_nothing_of_a_person_but_the_ids_that_stay(path: Path, tmp_path: Path) -> None:
    write_service(path)
    whole = run_here("export", path).stdout
    assert all(text in whole for text in PERSONAL)
    shared, copy = tmp_path / "shared.jsonl", tmp_path / "copy.db"
    options = ("--session", "chat-1", "--metadata-only", "--redact-keys", "*user*")
    assert run_here("export", *options, "--output", shared, path).exit_code == 0
    text = shared.read_text()
    assert [one for one in PERSONAL if one in text] == []
    assert run_here("import", shared, "--into", copy).exit_code == 0
    database = TelemetryDatabase(copy)
    (session,) = database.find_sessions()
    assert (session.session_id, session.llm_calls, session.failed_tools, session.input_tokens) == ("chat-1", 1, 1, 12)
    (tool,) = database.find_tool_interactions()
    assert (tool.tool_name, tool.status, tool.error_type) == ("weather", "error", "ValueError")
    (log,) = database.find_logs()
    assert (log.body, log.severity_text) == (None, "WARN")


def test_a_missing_package_of_patterns_is_named_with_the_option(private: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['re2'] = None\n")
    code, _, error = run_process("export", "--redact-values", "x", private, PYTHONPATH=str(tmp_path))
    assert code == 2
    assert "--redact-values needs google-re2" in error
    assert "pip install 'otel-sqlite-exporter[redact]'" in error
