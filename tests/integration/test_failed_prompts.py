# SPDX-License-Identifier: Apache-2.0
"""What a failed call was asked, where only the span of its agent says it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run_here
from tests.conftest import read
from tests.new_files import put_new_file
from tests.otlp_captures.capture_files import import_batches, read_capture

ASKED = [{"role": "user", "parts": [{"type": "text", "content": "Lend me an umbrella"}]}]
RUNS: dict[str, dict[str, Any]] = {
    "conventions": {"gen_ai.input.messages": json.dumps(ASKED)},
    "pydantic": {"pydantic_ai.all_messages": json.dumps(ASKED)},
    "with usage": {"gen_ai.input.messages": json.dumps(ASKED), "gen_ai.usage.input_tokens": 4},
}
SHOWN = "prompt, system_instructions, prompt_span_id IS NOT NULL"


def record(tracer: Tracer, run: Mapping[str, Any], call: Mapping[str, Any], failed: bool = True) -> None:
    """An agent whose call fails; a span stands between them."""
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "guide",
        "session.id": "s",
        "gen_ai.system_instructions": '[{"type":"text","content":"Be kind."}]',
    }
    with tracer.start_as_current_span("invoke_agent guide", attributes={**agent, **run}) as above:
        with tracer.start_as_current_span("step"):
            span = tracer.start_span("chat small", attributes={"gen_ai.operation.name": "chat", **call})
            if failed:
                span.set_status(Status(StatusCode.ERROR, "too busy"))
            span.end()
        if failed:
            above.set_status(Status(StatusCode.ERROR, "too busy"))


def write(path: Path, run: Mapping[str, Any], call: Mapping[str, Any] | None = None, failed: bool = True) -> Path:
    provider = TracerProvider(shutdown_on_exit=False)
    put_new_file(path)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    record(provider.get_tracer("tests"), run, {"gen_ai.request.model": "small", **(call or {})}, failed)
    provider.shutdown()
    return path


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_failed_call_shows_the_prompt_of_its_agent(path: Path, run: dict[str, Any]) -> None:
    write(path, run)
    where = "FROM complete_llm_interactions WHERE NOT is_aggregate"
    ((prompt, instructions, is_from_agent),) = read(path, f"SELECT {SHOWN} {where}")
    assert (json.loads(prompt), json.loads(instructions)[0]["content"], is_from_agent) == (ASKED, "Be kind.", 1)
    before = read(path, f"SELECT * {where}")
    reindex(resolve_settings(path=path))
    assert read(path, f"SELECT * {where}") == before
    ((span_id, agent_id),) = read(path, f"SELECT span_id, prompt_span_id {where}")
    shown = ("show", span_id), ("session", "s", "--messages")
    for command in shown if "gen_ai.usage.input_tokens" not in run else shown[:1]:  # then the agent says it above
        told = run_here(*command, path).stdout.splitlines()
        label = f"  (from the agent guide that made the call, span {agent_id}; the call recorded no messages)"
        start = told.index(label)
        assert told[start + 1 : start + 5] == ["  system:", "    Be kind.", "  user:", "    Lend me an umbrella"]
        assert "  assistant:" not in told


def test_a_search_finds_the_prompt_of_a_failed_call_once(path: Path) -> None:
    write(path, RUNS["pydantic"])
    database = TelemetryDatabase(path)
    assert [hit.what for hit in database.search("umbrella")] == ["small"]
    assert run_here("index", path).exit_code == 0
    assert [hit.what for hit in database.search("umbrella")] == ["small"]


@pytest.mark.parametrize(
    ("call", "failed"),
    [
        ({}, False),
        ({"gen_ai.operation.name": "embeddings"}, True),
        ({"gen_ai.input.messages": json.dumps([{"role": "user", "parts": []}])}, True),
    ],
    ids=["answered", "embeddings", "own"],
)
def test_other_calls_show_their_own_prompts(path: Path, call: dict[str, Any], failed: bool) -> None:
    write(path, RUNS["conventions"], call, failed)
    own = call.get("gen_ai.input.messages")
    assert read(path, f"SELECT {SHOWN} FROM complete_llm_interactions WHERE counted") == [(own, None, 0)]


def test_an_answer_that_failed_shows_no_empty_message(path: Path) -> None:
    answer = {"gen_ai.output.messages": '[{"role":"assistant","parts":[]}]', **RUNS["conventions"]}
    write(path, {}, answer)
    told = run_here("session", "s", "--messages", path).stdout.splitlines()
    assert "  user:" in told
    assert "  assistant:" not in told


@pytest.mark.parametrize("name", ["pydai-v2", "pydai-v5"])
def test_every_failed_call_of_a_package_shows_what_it_was_asked(path: Path, name: str) -> None:
    import_batches(path, [read_capture(name).lines])
    failed = read(path, "SELECT prompt FROM complete_llm_interactions WHERE counted AND status = 'error'")
    assert failed
    assert all(prompt for (prompt,) in failed)
