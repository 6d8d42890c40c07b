# SPDX-License-Identifier: Apache-2.0
"""The lists of calls, tools and spans: which rows they have, and what they say of a failure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from tests.commands import run_here, run_on_terminal
from tests.conftest import exporting, read
from tests.integration.test_docs import find_blocks

USAGE: dict[str, str | int] = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}


def write_agent(path: Path) -> None:
    """An agent whose usage repeats that of its call; a call that was answered by another model; failures."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("lists")
    context: dict[str, str | int] = {"session.id": "chat-1", "user.id": "ada"}
    agent: dict[str, str | int] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
    with tracer.start_as_current_span("invoke_agent guide", attributes=context | agent | USAGE):
        chat: dict[str, str | int] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
        answered = {"gen_ai.response.model": "gpt-4o-2024-08-06"}
        tracer.start_span("chat gpt-4o", attributes=chat | answered | USAGE).end()
        failed = tracer.start_span("chat gpt-4o", attributes=chat | {"error.type": "RateLimitError"})
        failed.set_status(Status(StatusCode.ERROR, "too many requests"))
        failed.end()
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
        broken = tracer.start_span("execute_tool search", attributes=tool)
        broken.record_exception(ValueError("no such place"))
        broken.set_status(Status(StatusCode.ERROR))
        broken.end()
    with exporting(path) as exporter:
        exporter.export(memory.get_finished_spans())
        running: Any = tracer.start_span("chat gpt-4o", attributes=context | chat)
        exporter.export_open([running])


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("listed") / "otel.db"
    write_agent(path)
    return path


def ask(*arguments: object) -> Any:
    done = run_here(*arguments, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_llm_lists_the_calls_that_count_and_all_with_all(listed: Path) -> None:
    counted = ask("llm", listed)["llm_interactions"]
    assert sum(call["total_tokens"] or 0 for call in counted) == 15
    assert {call["counted"] for call in counted} == {1}
    everything = ask("llm", listed, "--all")["llm_interactions"]
    assert [call["name"] for call in everything if not call["counted"]] == ["invoke_agent guide"]
    assert "counted" not in run_here("llm", listed).stdout
    table = run_here("llm", listed, "--all").stdout
    assert re.search(r"  no  .*  invoke_agent  ", table)
    assert len(re.findall(r"  yes  ", table)) == len(counted)


def test_a_filter_says_whether_rows_count(listed: Path) -> None:
    database = TelemetryDatabase(listed)
    totals = [database.find_llm_interactions(counted=counted).total for counted in (True, False, None)]
    assert totals == [3, 1, 4]
    assert database.find_llm_interactions().total == 4
    assert database.find_tool_interactions(counted=True).total == 1
    assert database.find_tool_interactions(counted=False).total == 0
    with pytest.raises(FilterError, match=r"^counted: 1 is not True or False"):
        database.find_llm_interactions(counted=1)  # type: ignore[arg-type]


def test_a_model_is_the_one_that_was_asked_or_that_answered(listed: Path) -> None:
    assert ask("llm", listed, "--model", "gpt-4o")["total"] == 3
    assert ask("llm", listed, "--model", "gpt-4o-2024-08-06")["total"] == 1
    assert ask("llm", listed, "--model", "gpt-4o", "--model", "other", "--status", "ok")["total"] == 1
    assert ask("sessions", listed, "--model", "gpt-4o")["total"] == 1
    assert ask("traces", listed, "--model", "gpt-4o-2024-08-06")["total"] == 1


def test_a_list_shows_whose_calls_they_are(listed: Path) -> None:
    for command in ("llm", "tools"):
        heading, *rows = run_here(command, listed).stdout.splitlines()[1:]
        assert {"session_id", "user_id", "agent"} <= {*heading.split()}
        assert any(re.search(r"  chat-1 +ada +guide\b", row) for row in rows)
    assert "operation" in run_here("llm", listed).stdout.splitlines()[1]


@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_failures_say_what_went_wrong(listed: Path, columns: str) -> None:
    expected = {"llm": "too many requests", "tools": "no such place", "spans": "too many requests"}
    for command, message in expected.items():
        assert message in run_here(command, listed, "--status", "error").stdout
        shown = run_on_terminal(command, listed, "--status", "error", NO_COLOR="1", COLUMNS=columns)
        assert message in shown
    (failed,) = ask("llm", listed, "--status", "error")["llm_interactions"]
    assert (failed["error_type"], failed["error_message"]) == ("RateLimitError", "too many requests")
    (broken,) = ask("tools", listed, "--status", "error")["tool_interactions"]
    assert broken["error_message"] == "no such place"


def test_what_runs_is_a_list_of_spans(listed: Path) -> None:
    assert [span["name"] for span in ask("spans", listed, "--status", "running")["spans"]] == ["chat gpt-4o"]
    shown = run_here("spans", listed, "--user", "ada", "--kind", "INTERNAL").stdout
    heading = shown.splitlines()[1].split()
    assert {"name", "service", "status", "duration", "session_id", "user_id"} <= {*heading}


def test_a_long_text_does_not_widen_a_table_in_a_pipe(path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    memory = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find", "session.id": "s" * 300}
    long = attributes | {"gen_ai.tool.call.arguments": "word " * 2_000}
    spans: list[ReadableSpan] = []
    for given in (long, attributes):
        provider.get_tracer("lists").start_span("find", attributes=given).end()
    spans += memory.get_finished_spans()
    with exporting(path) as exporter:
        exporter.export(spans)
    shown = run_here("tools", path).stdout
    assert max(map(len, shown.splitlines())) < 1_000
    assert "s" * 300 in shown
    assert "word " * 10 in shown


def test_examples_add_up_counted_rows_only() -> None:
    queries = [
        block for block in find_blocks("sql", "sh", "python") if re.search(r"complete_\w+_interactions", block.text)
    ]
    adding = [block for block in queries if re.search(r"\b(sum|count|avg|total)\(", block.text)]
    assert len(adding) > 5
    assert [(block.document.name, block.line) for block in adding if "counted" not in block.text] == []
    finds = [block for block in find_blocks("python") if "find_llm_interactions" in block.text]
    assert [(block.document.name, block.line) for block in finds if "counted=True" not in block.text] == []


def test_the_numbers_of_rows_are_those_that_counting_gives(listed: Path) -> None:
    views = ("complete_llm_interactions", "complete_tool_interactions")
    counting = [f"(SELECT count(*) FROM {view} {where})" for where in ("", "WHERE counted") for view in views]
    (counted,) = read(listed, f"SELECT {', '.join(counting)}")
    columns = (*views, "counted_llm_interactions", "counted_tool_interactions")
    assert read(listed, f"SELECT {', '.join(columns)} FROM row_counts") == [counted]
    assert counted == (4, 1, 3, 1)
