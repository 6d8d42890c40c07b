# SPDX-License-Identifier: Apache-2.0
"""Questions about a service: an agent and its calls recorded twice, failures with long messages, two conversations of a
user side by side."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from tests.commands import run_here, run_on_terminal
from tests.conftest import ROOT
from tests.new_files import put_new_file

MS = 10**6
BEGAN = 1_769_860_800_000 * MS
REASON = "The context of this model is 8 tokens long"
FAILURE = f"""TooLongError("Error code: 400 - {{'error': {{'message': '{REASON}', 'code': 'too_long'}}}}")\
Traceback (most recent call last):

  File "/srv/desk/models/base.py", line 2299, in generate
    raise TooLongError(answer)

desk.errors.TooLongError: Error code: 400"""
WORDS = "Please tell me all that there is to know about the way to keep one's umbrella dry in the rain"


QUESTIONS = {
    "show user:ada": "user ada (calls and tools: 7 of 7)",
    "llm --sort duration": "30.5 s",
    "report cost --group-by user --group-by day": "ada ",
    "report tools": "search ",
    "show ID": "(no messages were recorded)",
    "diff chat-17 chat-17": "failed_requests ",
    "report tokens --group-by request_model --since week": "tokens (",
    "spans --status running": "spans (0 of 0)",
    "search umbrella": "hits (1 of 1)",
    "export otel.db --session chat-17 --metadata-only --redact-keys '*user*' --output shared.jsonl": "exported 6 spans",
}
"""What a developer asks, in the order of the ten questions: a command of the README, and words of its answer."""


def _say(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


class _Service:
    """Records requests of a user, each an agent with a call and a tool."""

    def __init__(self, path: Path) -> None:
        self._provider = TracerProvider(shutdown_on_exit=False)
        put_new_file(path)
        self._provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
        self._tracer: Tracer = self._provider.get_tracer("desk")

    def _start(self, name: str, at: int, above: Span | None, attributes: dict[str, Any]) -> Span:
        context = None if above is None else set_span_in_context(above)
        return self._tracer.start_span(name, context, start_time=BEGAN + at * MS, attributes=attributes)

    def request(self, session: str, at: int, took: int, words: str, *, fails: bool = False) -> None:
        who = {"session.id": session, "user.id": "ada"}
        content = {"gen_ai.input.messages": _say("user", words), "gen_ai.output.messages": _say("assistant", "Sunny.")}
        usage = {"gen_ai.usage.input_tokens": took, "gen_ai.usage.output_tokens": 5}
        names = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "guide",
            "gen_ai.request.model": "gpt-4o",
        }
        agent = self._start("invoke_agent guide", at, None, who | names | ({} if fails else usage | content))
        chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
        call = self._start("chat gpt-4o", at + 1, agent, chat | ({} if fails else usage | content))
        if fails:
            call.set_attribute("error.type", "desk.errors.TooLongError")
            call.add_event(
                "exception", {"exception.type": "TooLongError", "exception.message": FAILURE}, BEGAN + at * MS
            )
            call.set_status(Status(StatusCode.ERROR, FAILURE))
        call.end(BEGAN + (at + 1 + took) * MS)
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
        if not fails:
            self._start("execute_tool search", at + 2, agent, tool).end(BEGAN + (at + 3) * MS)
        agent.end(BEGAN + (at + took + 5) * MS)

    def end(self) -> None:
        self._provider.shutdown()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("service") / "otel.db"
    recorded = _Service(path)
    recorded.request("one", 0, 20, WORDS)
    recorded.request("two", 10, 30_500, "Will it snow?")
    recorded.request("one", 50, 40, "And tomorrow?")
    recorded.request("two", 60, 10, "A long one", fails=True)
    recorded.end()
    return path


def _ask(*arguments: object) -> Any:
    done = run_here(*arguments, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_the_steps_of_a_session_are_what_counts(service: Path) -> None:
    shown = _ask("session", "one", service)
    kinds = [(step["kind"], step["what"], step["counted"]) for step in shown["steps"]]
    request = [("trace", "invoke_agent guide", None), ("llm", "gpt-4o", 1), ("tool", "search", 1)]
    assert (kinds, shown["total"]) == (request * 2, 6)
    assert sum(kind == "llm" for kind, *_ in kinds) == shown["session"]["llm_calls"]
    assert "counted" not in run_here("session", "one", service).stdout
    everything = _ask("session", "one", service, "--all")
    agents = [step for step in everything["steps"] if step["kind"] == "agent"]
    assert [(step["what"], step["counted"]) for step in agents] == [("guide", 0)] * 2
    assert re.search(r"  agent  guide +\S+ ms +ok .* no  ", run_here("session", "one", "--all", service).stdout)
    assert _ask("diff", "one", "two", service)["measures"]["steps"] == {"a": 4, "b": 3}


def test_a_search_finds_a_call_once_and_says_whose_it_is(service: Path) -> None:
    shown = _ask("search", "umbrella", service)
    assert [(hit["kind"], hit["session_id"], hit["user_id"]) for hit in shown["hits"]] == [("llm", "one", "ada")]
    assert len(_ask("search", "umbrella", "--all", service)["hits"]) == 2
    assert _ask("search", "umbrella", "--user", "bob", service)["hits"] == []
    assert _ask("search", "umbrella", "--user", "ada", service)["total"] == 1
    for columns in ("80", "120"):
        printed = run_on_terminal("search", "umbrella", service, NO_COLOR="1", COLUMNS=columns)
        assert "umbrella" in printed
        assert re.search(r"  one +ada\b", printed)


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_the_reason_of_a_failure_is_readable(service: Path, columns: str) -> None:
    for arguments in (["llm", "--status", "error"], ["llm"], ["spans"], ["report", "errors"], ["session", "two"]):
        printed = run_on_terminal(*arguments, service, NO_COLOR="1", COLUMNS=columns)
        lines = [line.strip() for line in printed.splitlines()]
        assert REASON in lines
        assert "TooLongError" in printed or arguments == ["spans"]
        assert "desk.errors" not in printed
        assert "Traceback" not in printed
    (call,) = TelemetryDatabase(service).find_llm_interactions(status="error", counted=True)
    for asked in (["tail", "--calls"], ["show", "two"], ["tail", "-n", "100"]):
        shown = run_here(*asked, service).stdout
        assert REASON in shown
        assert "Traceback" not in shown
    assert _ask("llm", "--status", "error", service)["llm_interactions"][0]["error_message"] == FAILURE
    assert "line 2299" in run_here("show", "two", "--full", service).stdout
    printed = run_on_terminal("report", "errors", service, NO_COLOR="1", COLUMNS="80")
    assert f"  {str(call.span_id)[:8]}" in printed


def test_the_session_and_the_user_of_a_failure_are_shown_first(service: Path) -> None:
    printed = run_on_terminal("llm", "--status", "error", service, NO_COLOR="1", COLUMNS="80")
    assert re.search(r"  TooLongError +gpt-4o +two +ada\b", printed)


@pytest.mark.parametrize(("command", "key"), [("llm", "llm_interactions"), ("tools", "tool_interactions")])
def test_the_slowest_come_first_if_asked(service: Path, command: str, key: str) -> None:
    shown = _ask(command, "--sort", "duration", "-n", 2, service)
    durations = [row["duration_ms"] for row in shown[key]]
    assert durations == sorted(durations, reverse=True)
    assert (len(durations), shown["cursor"]) == (2, None)
    assert shown["total"] == len(_ask(command, service)[key])
    backwards = _ask(command, "--sort", "duration", "--oldest-first", service)[key]
    assert [row["duration_ms"] for row in backwards][-2:] == durations[::-1]


def test_a_list_is_sorted_by_what_it_has_and_shows_it(service: Path) -> None:
    database = TelemetryDatabase(service)
    slowest, *_ = database.find_llm_interactions(sort="duration", counted=True)
    assert (slowest.session_id, slowest.user_id, slowest.duration_ms) == ("two", "ada", 30_500)
    assert [call.total_tokens for call in database.find_llm_interactions(sort="tokens", counted=True)] == [
        *(30_505, 45, 25, None)
    ]
    assert database.find_traces(sort="tokens", limit=1)[0].trace_id == slowest.trace_id
    assert database.find_spans(sort="duration", limit=1)[0].name == "invoke_agent guide"
    with pytest.raises(FilterError, match=r"^sort: spans cannot be sorted by 'cost': give start, duration"):
        database.find_spans(sort="cost")
    with pytest.raises(FilterError, match=r"^cursor: a list by cost has one page"):
        database.find_traces(sort="cost", cursor="x")
    printed = run_on_terminal("llm", "--sort", "cost", service, NO_COLOR="1", COLUMNS="80")
    assert re.search(r"  cost usd  session id  user id", printed)
    row = database.run_report("slowest", limit=1).to_dicts()[0]
    assert [row[name] for name in ("model", "agent_name", "session_id", "user_id", "span_id")] == [
        *("gpt-4o", "guide", "two", "ada", slowest.span_id)
    ]


def test_tail_names_the_span_its_status_and_what_exceptions_say(service: Path) -> None:
    (call,) = TelemetryDatabase(service).find_llm_interactions(status="error", counted=True)
    named = rf"error={REASON}  session=two  user=ada  agent=guide  span={call.span_id}$"
    assert re.search(named, run_here("tail", "--calls", service).stdout, re.MULTILINE)
    lines = run_here("tail", "-n", 100, service).stdout
    assert re.search(rf"  finish  chat gpt-4o  10 ms  desk.errors.TooLongError  error={REASON}  session=two  ", lines)
    assert re.search(rf"  event  exception  error=TooLongError: {REASON}  session=two  .*span={call.span_id}", lines)
    assert re.search(r"  finish  invoke_agent guide  25 ms  ok  session=one  ", lines)


def test_the_conversations_of_a_user_stand_one_after_the_other(service: Path) -> None:
    conversation = TelemetryDatabase(service).get_conversation("user:ada")
    rows = [turn.to_dict()["session_id"] for turn in conversation.turns]
    assert rows == sorted(rows)
    shown = run_here("show", "user:ada", service).stdout
    assert [line for line in shown.splitlines() if line.startswith("session ")] == ["session one", "session two"]
    assert "session one" not in run_here("show", "one", service).stdout.partition("\n")[2].replace("session: ", "")
    done = run_here("show", "user:nobody", service)
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: no session has the user 'nobody' (user:ID takes the whole id): `sessions` lists them\n",
    )


@pytest.mark.slow
def test_an_id_is_whole_or_a_prefix_with_a_mark(service: Path) -> None:
    calls: list[LLMInteractionSummary] = [*TelemetryDatabase(service).find_llm_interactions(counted=True)]
    for columns in range(60, 200, 20):
        printed = run_on_terminal("llm", service, NO_COLOR="1", COLUMNS=str(columns))
        for call in calls:
            id = str(call.span_id)
            assert re.search(rf"  ({id}|{id[:8]}[0-9a-f]*…)  ", printed)


@pytest.mark.parametrize("command", QUESTIONS)
def test_the_readme_has_a_command_for_each_question(service: Path, command: str, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f" {command} otel.db" in readme or f"`{command}`" in readme
    (failed,) = TelemetryDatabase(service).find_llm_interactions(status="error", counted=True)
    names = {"ID": str(failed.span_id), "shared.jsonl": str(tmp_path / "shared.jsonl"), "otel.db": str(service)}
    words = [names.get(word, word) for word in shlex.split(command.replace("chat-17", "one"))]
    done = run_here(*words, *([] if str(service) in words else [service]))
    assert (done.exit_code, QUESTIONS[command] in done.stdout + done.stderr) == (0, True), done.output
