# SPDX-License-Identifier: Apache-2.0
"""Questions about captures of three coding agents and three frameworks, asked as an agent asks them: each call takes
its arguments from the question, or from the answers before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from otel_sqlite_exporter.agent_tools.asked_file import AskedFile
from otel_sqlite_exporter.agent_tools.tool_answers import ToolText, answer
from tests.agent_files import write_capture_file

CAPTURES = (*("live-claude-code", "live-codex", "live-gemini-cli", "live-langgraph", "live-crewai", "live-google-adk"),)
MOST_CALLS = 4


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> AskedFile:
    return AskedFile.open(write_capture_file(tmp_path_factory.mktemp("questions") / "otel.db", *CAPTURES))


class Agent:
    """Calls tools, few times, and reads what they answer."""

    def __init__(self, asked: AskedFile) -> None:
        self._asked = asked
        self.calls = 0
        self.read_bytes = 0

    def ask(self, tool: str, **arguments: Any) -> Any:
        told = answer(self._asked, tool, arguments)
        assert isinstance(told, ToolText)
        assert not told.is_error, told.text
        self.calls += 1
        self.read_bytes += len(told.text.encode())
        return json.loads(told.text)

    def rows(self, tool: str, **arguments: Any) -> list[dict[str, Any]]:
        """The rows of an answer by column, as a model reads them."""
        told = self.ask(tool, **arguments)
        name = "rows" if "rows" in told else "steps"
        return [dict.fromkeys(told["columns"]) | dict(zip(told["columns"], row, strict=False)) for row in told[name]]


def what_is_in_the_file(agent: Agent) -> None:
    told = agent.ask("overview")
    assert told["services"] == ["claude-code", "codex_exec", "crewai", "gemini-cli", "scenarios"]
    assert told["counts"]["sessions"] == 17


def why_did_the_requests_of_langgraph_fail(agent: Agent) -> None:
    failures = [row for row in agent.rows("errors", session="thread-1") if row["requests"]]
    assert {row["message"] for row in failures} == {"Atlantis is not on the map", "Error code: 429 - overloaded fails"}
    first = next(row for row in failures if row["type"] == "LookupError")
    trace = agent.ask("get_trace", id=first["example_trace_id"])
    deepest = trace["failed_spans_deepest_first"]["rows"][0]
    assert deepest[1:] == ["get_weather", "Atlantis is not on the map"]


def what_was_the_failing_tool_given_and_who_asked_for_it(agent: Agent) -> None:
    [execution] = agent.rows("find", of="tools", filter="status:error session:thread-1")
    turns = agent.ask("get_messages", id=execution["trace_id"])["turns"]
    assert turns[0]["prompt"] == [{"role": "user", "parts": ["Visit Atlantis"]}]
    item = dict(agent.ask("get_item", id=execution["id"])["fields"])
    assert item["arguments.city"] == "Atlantis"


def where_in_the_code_was_it_raised(agent: Agent) -> None:
    failure = next(row for row in agent.rows("errors", session="thread-1") if row["type"] == "LookupError")
    span = f"{failure['example_trace_id']}/{failure['example_span_id']}"
    text = agent.ask("get_item", id=span, field="status_description")["text"]
    assert "scenario.py" in text
    assert "line 51, in get_weather" in text


def which_model_costs_most_and_what_has_no_price(agent: Agent) -> None:
    models = {row["model"]: row for row in agent.rows("usage", group_by="model")}
    dearest = max(models.values(), key=lambda row: row["cost_usd"] or 0)
    assert (dearest["model"], dearest["calls"], dearest["cost_usd"]) == ("claude-sonnet-4-5-2026-01-31", 7, 0.05329995)
    assert sum(row["unpriced_calls"] for row in models.values()) == 11
    parts = [row for row in agent.rows("usage", group_by=["model", "agent"]) if row["model"] == dearest["model"]]
    assert sum(row["calls"] for row in parts) == dearest["calls"]


def how_much_of_the_input_of_codex_came_from_the_cache(agent: Agent) -> None:
    codex = next(row for row in agent.rows("usage", group_by="service") if row["service"] == "codex_exec")
    assert codex["cached_input_tokens"] == 21_871
    assert codex["cached_input_tokens"] / codex["input_tokens"] > 0.99


def which_command_did_claude_code_run_and_what_came_out(agent: Agent) -> None:
    executions = agent.rows("find", of="tools", filter="service:claude-code tool:Bash")
    asked = [dict(field[:2] for field in agent.ask("get_item", id=one["id"])["fields"]) for one in executions]
    assert ("echo hi", "hi") in [(item["arguments.command"], item["result"]) for item in asked]


def which_tool_fails_most_often(agent: Agent) -> None:
    tools = agent.rows("usage", group_by="tool")
    often = max(tools, key=lambda row: row["errors"])
    assert (often["tool"], often["executions"], often["errors"]) == ("get_weather", 11, 3)
    failed = agent.rows("find", of="tools", filter="tool:get_weather status:error")
    assert {row["error_message"] for row in failed} == {"Atlantis is not on the map"}


def where_did_the_time_of_the_slowest_trace_go(agent: Agent) -> None:
    slowest = agent.rows("find", of="traces", sort="duration", limit=1)[0]
    path = agent.ask("get_trace", id=slowest["trace_id"])["critical_path_longest_first"]
    name, share = path["rows"][0][1], path["rows"][0][3]
    assert name == "call llm"
    assert share > 0.9


def how_does_a_failed_run_differ_from_one_that_succeeded(agent: Agent) -> None:
    failed = agent.rows("find", of="traces", filter="session:adk-1 failed_tools>0")
    good = agent.rows("find", of="traces", filter="session:adk-1 status:ok", limit=1)
    told = agent.ask("compare", a=good[0]["trace_id"], b=failed[0]["trace_id"])
    assert told["first_difference"]["what"] == "prompt"
    assert "Atlantis" in told["first_difference"]["text_b"]
    assert told["tools_a_b"] == {}
    assert told["different_a_b"]["failed_tools"] == [0, 1]
    assert told["first_divergence"]["b"] is None


def what_did_gemini_cli_do_in_the_session_with_a_failed_tool(agent: Agent) -> None:
    [session] = agent.rows("find", of="sessions", filter="service:gemini-cli failed_tools>0")
    steps = agent.rows("get_session", id=session["session_id"])
    [failed] = [step for step in steps if step["status"] == "error" and step["id"].startswith("tool:")]
    assert failed["what"] == "tool read_file"
    assert failed["error"] == "File not found: /home/ada/notes/missing.txt"


def how_many_spans_has_each_service(agent: Agent) -> None:
    views = agent.ask("describe_schema")["views"]
    assert any(view.startswith("CREATE VIEW spans (") and "service_name" in view for view in views)
    sql = "SELECT service_name, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 2 DESC"
    assert agent.rows("query_sql", sql=sql)[0] == {"service_name": "codex_exec", "spans": 2641}


QUESTIONS: list[Callable[[Agent], None]] = [
    what_is_in_the_file,
    why_did_the_requests_of_langgraph_fail,
    what_was_the_failing_tool_given_and_who_asked_for_it,
    where_in_the_code_was_it_raised,
    which_model_costs_most_and_what_has_no_price,
    how_much_of_the_input_of_codex_came_from_the_cache,
    which_command_did_claude_code_run_and_what_came_out,
    which_tool_fails_most_often,
    where_did_the_time_of_the_slowest_trace_go,
    how_does_a_failed_run_differ_from_one_that_succeeded,
    what_did_gemini_cli_do_in_the_session_with_a_failed_tool,
    how_many_spans_has_each_service,
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
def test_a_question_is_answered_within_a_few_calls(asked: AskedFile, question: Callable[[Agent], None]) -> None:
    agent = Agent(asked)
    question(agent)
    assert agent.calls <= MOST_CALLS
    assert agent.read_bytes <= 24_000
