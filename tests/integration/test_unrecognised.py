# SPDX-License-Identifier: Apache-2.0
"""What looks like a model call or a tool, and speaks no dialect, is named; the proposed dialect reads it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.new_files import put_new_file

# Each with the columns of the call that its proposed dialect fills.
_CALLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"acme.model": "acme-1", "acme.usage": '{"in": 12, "out": 34}', "acme.prompt": "Weather?"},
        {"model": "acme-1", "input_tokens": 12, "output_tokens": 34, "prompt": "Weather?"},
    ),
    (
        {"llmModelName": "m", "llmPromptTokens": 3, "llmCompletionTokens": 4, "llmAnswer": "Sunny"},
        {"model": "m", "input_tokens": 3, "output_tokens": 4, "completion": "Sunny"},
    ),
    ({"ml.tokens.prompt": 3, "ml.tokens.completion": 4}, {"model": None, "input_tokens": 3, "output_tokens": 4}),
    ({"model": "m", "tokens": 9}, {"model": "m", "total_tokens": 9}),
    ({"app.deployment": "gpt-4o-mini", "app.tokenCount": 9}, {"model": "gpt-4o-mini", "total_tokens": 9}),
    (
        {"llm": '{"model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}'},
        {"model": "m", "input_tokens": 3, "output_tokens": 4},
    ),
    (
        {"MODEL": "m", "PROMPT_TOKENS": 3, "COMPLETION_TOKENS": 4},
        {"model": "m", "input_tokens": 3, "output_tokens": 4},
    ),
    (
        {"engine": "gpt-4o", "input": "Hi", "output": "Yo"},
        {"model": "gpt-4o", "prompt": "Hi", "completion": "Yo"},
    ),
    ({"modelo": "gpt-4o", "tokens_entrada": 3, "tokens_salida": 4}, {"model": "gpt-4o"}),
    ({"app.chat.prompt": "Hi", "app.chat.completion": "Yo"}, {"prompt": "Hi", "completion": "Yo"}),
]
_TOOLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"acme.tool.name": "weather", "acme.tool.args": '{"city": "Rome"}', "acme.tool.output": "Sunny"},
        {"tool_name": "weather", "arguments": '{"city": "Rome"}', "result": "Sunny"},
    ),
    (
        {"function_call.name": "weather", "function_call.arguments": "{}"},
        {"tool_name": "weather", "arguments": "{}"},
    ),
    ({"functionName": "weather", "functionCallId": "c1"}, {"tool_name": "weather", "tool_call_id": "c1"}),
]
_NEITHER: list[dict[str, Any]] = [
    {"device.model": "Pixel", "auth.token": "t"},
    {"http.request.method": "POST", "http.response.body.size": 12, "model": "sedan"},
    {"model": "m", "max_tokens": 12, "llm.token_limit": 100},
    {"db.query.parameter.model": "gpt-4o", "db.query.parameter.prompt": "Hi", "db.query.parameter.tokens": 3},
    {"rpc.grpc.request.metadata.model": "gpt-4o", "rpc.grpc.response.metadata.tokens": 3},
    {"model.name": "sentiment", "model.input.shape": "[1, 2]", "model.output.shape": "[2]"},
    {"csrf_token_input": 5, "csrf_token_output": 6},
    {"settings.model_type": "gemini-api-key", "settings.prompt_enabled": True, "settings.log_prompts": True},
    {"tool_name": "shell", "wait_ms": 12},
    {"code.function.name": "f", "code.function.arguments": "1"},
    {"messaging.system": "kafka", "messaging.batch.message_count": 3, "db.query.text": "SELECT model FROM cars"},
    {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3},
    {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide", "gen_ai.request.model": "m"},
]


def _write(path: Path, *attributes: dict[str, Any], service: str = "desk") -> None:
    provider = TracerProvider(resource=Resource({"service.name": service}))
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    for one in attributes:
        provider.get_tracer("own").start_span("step", attributes=one).end()
    provider.shutdown()


@pytest.mark.parametrize(
    ("view", "attributes", "expected"),
    [
        *(("complete_llm_interactions", *one) for one in _CALLS),
        *(("complete_tool_interactions", *one) for one in _TOOLS),
    ],
)
def test_the_proposed_dialect_reads_what_was_not_read(
    tmp_path: Path, view: str, attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    path = tmp_path / "otel.db"
    _write(path, attributes, attributes)
    (row,) = TelemetryDatabase(path).run_report("unrecognised").to_dicts()
    assert (row["records"], row["service_name"], row["scope_name"], row["name"]) == (2, "desk", "own", "step")
    proposed = tmp_path / "own.json"
    proposed.write_text(row["dialect"])
    reindex(resolve_settings(path, dialects=[str(proposed)]))
    with closing(sqlite3.connect(path)) as connection:
        names = ", ".join(expected)
        found = connection.execute(f"SELECT {names} FROM {view} WHERE counted").fetchall()
    assert len(found) == 2
    for name, value in zip(expected, found[0], strict=True):
        if name in ("prompt", "completion"):
            value = json.loads(value)[0]["parts"][0]["content"]
        assert value == expected[name]


def test_nothing_else_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "otel.db", *_NEITHER)
    assert TelemetryDatabase(tmp_path / "otel.db").run_report("unrecognised").to_dicts() == []
    assert [one for one in diagnose(resolve_settings(tmp_path / "otel.db")) if one.check == "dialects"] == []


def test_an_event_of_a_span_is_named_and_read(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    provider = TracerProvider(resource=Resource({"service.name": "desk"}))
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    with provider.get_tracer("own").start_as_current_span("step") as span:
        span.add_event("answered", {"acme.model": "m", "acme.prompt_tokens": 3, "acme.completion_tokens": 4})
        span.add_event("noted", {"acme.model": "m"})
    provider.shutdown()
    (row,) = TelemetryDatabase(path).run_report("unrecognised").to_dicts()
    assert (row["source"], row["name"], row["records"]) == ("event", "answered", 1)
    (tmp_path / "own.json").write_text(row["dialect"])
    reindex(resolve_settings(path, dialects=[str(tmp_path / "own.json")]))
    (call,) = TelemetryDatabase(path).find_llm_interactions()
    assert (call.model, call.input_tokens, call.output_tokens) == ("m", 3, 4)


def test_one_dialect_serves_all_that_a_service_records(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    _write(path, *(attributes for attributes, _ in (*_CALLS[:2], *_TOOLS[:1])))
    _write(path, _CALLS[3][0], service="other")
    rows = TelemetryDatabase(path).run_report("unrecognised").to_dicts()
    assert sum(row["records"] for row in rows) == 4
    (mine,) = {row["dialect"] for row in rows if row["service_name"] == "desk"}
    (tmp_path / "own.json").write_text(mine)
    reindex(resolve_settings(path, dialects=[str(tmp_path / "own.json")]))
    database = TelemetryDatabase(path)
    assert (len(database.find_llm_interactions()), len(database.find_tool_interactions())) == (2, 1)
    (finding,) = (one for one in diagnose(resolve_settings(path)) if one.check == "dialects")
    assert finding.what.startswith("1 record looks like")
    assert "report unrecognised" in finding.remedy


def test_the_command_prints_the_proposed_dialect(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    _write(path, _CALLS[0][0])
    done = CliRunner().invoke(cli, ["report", "unrecognised", str(path)])
    assert (done.exit_code, done.output.count("OTEL_EXPORTER_SQLITE_DIALECTS")) == (0, 1)
    above, _, printed = done.output.partition("OTEL_EXPORTER_SQLITE_DIALECTS:\n")
    assert above.endswith("\n\nA dialect to start from; save it, and name its path in ")
    proposed = TelemetryDatabase(path).run_report("unrecognised").rows[0][-1]
    assert json.loads(printed) == json.loads(proposed)
    assert json.loads(printed)["name"] == "desk"
    refused = CliRunner().invoke(cli, ["report", "unrecognised", "--model", "m", str(path)])
    assert (refused.exit_code, "takes no filters" in refused.output) == (2, True)
