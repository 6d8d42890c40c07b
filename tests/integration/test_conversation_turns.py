# SPDX-License-Identifier: Apache-2.0
"""Conversations: what `get_conversation`, `show` and `session --messages` tell of calls and tools."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from otel_sqlite_exporter import SQLiteSpanExporter, TelemetryDatabase
from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.conversations.conversation import CallTurn, ToolTurn
from tests.commands import run_here, run_on_terminal
from tests.new_files import put_new_file

Messages = Sequence[dict[str, Any]]


def say(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


RULES = say("system", "Be brief.")
ASK = say("user", "Weather in Paris?")
REQUEST: dict[str, Any] = {
    "role": "assistant",
    "parts": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "Paris"}}],
}
RESULT: dict[str, Any] = {
    "role": "tool",
    "parts": [{"type": "tool_call_response", "id": "c1", "response": "57F, rainy"}],
}
ANSWER = say("assistant", "57F and rain.")
YES, FINE = say("user", "yes"), say("assistant", "Fine.")


class Chat:
    """A program that records calls and tools of a session."""

    def __init__(self, path: Path) -> None:
        self._provider = TracerProvider(shutdown_on_exit=False)
        put_new_file(path)
        self._provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
        self.tracer = self._provider.get_tracer("chat")

    def turn(self, session: str = "chat-1") -> Any:
        attributes = {"session.id": session, "user.id": "ada", "gen_ai.operation.name": "invoke_agent"}
        return self.tracer.start_as_current_span("invoke_agent guide", attributes=attributes)

    def call(self, prompt: Messages, completion: Messages = (), failure: str | None = None) -> None:
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.input.messages": json.dumps(prompt),
        }
        if completion:
            answers = [{**message, "finish_reason": "stop"} for message in completion]
            attributes["gen_ai.output.messages"] = json.dumps(answers)
        span = self.tracer.start_span("chat gpt-4o", attributes=attributes)
        if failure:
            span.set_attribute("error.type", "RateLimitError")
            span.set_status(Status(StatusCode.ERROR, failure))
        span.end()

    def tool(self, call_id: str, result: str, *, has_arguments: bool = True) -> None:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.result": json.dumps(result),
        }
        if has_arguments:
            attributes["gen_ai.tool.call.arguments"] = '{"q":"Paris"}'
        self.tracer.start_span("execute_tool search", attributes=attributes).end()

    def end(self) -> None:
        self._provider.shutdown()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("told") / "otel.db"
    chat = Chat(path)
    with chat.turn():
        chat.call([RULES, ASK], failure="too many requests")
        chat.call([RULES, ASK], [REQUEST])
        chat.tool("c1", "57F, rainy")
        chat.call([RULES, ASK, REQUEST, RESULT], [ANSWER])
    with chat.turn():
        chat.call([RULES, ASK, REQUEST, RESULT, ANSWER, YES], [FINE])
        chat.call([RULES, ASK, REQUEST, RESULT, ANSWER, YES, FINE, YES], [FINE])
        chat.call([RULES, ASK], [REQUEST])
    chat.end()
    return path


def test_each_message_is_there_once_where_it_was_said(told: Path) -> None:
    conversation = TelemetryDatabase(told).get_conversation("chat-1")
    assert (conversation.kind, conversation.id, conversation.total, len(conversation)) == ("session", "chat-1", 7, 7)
    said = [
        ([message["parts"] for message in turn.prompt], turn.folded) if isinstance(turn, CallTurn) else turn.is_asked
        for turn in conversation.turns
    ]
    assert said == [
        ([RULES["parts"], ASK["parts"]], 0),
        ([], 2),  # the same prompt again, as the call before failed
        True,
        ([], 4),  # the result is that of the tool
        ([YES["parts"]], 5),
        ([YES["parts"]], 7),  # said again
        ([ASK["parts"]], 1),  # asked again
    ]
    (tool,) = (turn for turn in conversation.turns if isinstance(turn, ToolTurn))
    assert (tool.tool.tool_name, tool.tool.result) == ("search", "57F, rainy")


def test_the_conversation_reads_well(told: Path) -> None:
    shown = run_here("session", "chat-1", "--messages", told).stdout
    assert shown == run_here("show", "session:chat-1", told).stdout
    of_user = run_here("show", "user:ada", told).stdout
    assert of_user.startswith("user ada (calls and tools: 7 of 7)\n  session: chat-1\n")
    assert of_user.split("\n\n")[1:] == shown.split("\n\n")[1:]
    assert run_here("show", "user:nobody", told).exit_code == 2
    assert shown.startswith("session chat-1 (calls and tools: 7 of 7)\n  user: ada\n")
    first, second, third, *_ = re.split(r"\n\n(?=\d{4}-)", shown)[1:]
    assert re.match(
        r"\S+  call gpt-4o  RateLimitError  [\d.]+ \w+  10 in tokens  \$0.000025  span [0-9a-f]{16}\n", first
    )
    assert first.endswith(
        "  system:\n    Be brief.\n  user:\n    Weather in Paris?\n  error: RateLimitError: too many requests"
    )
    assert second.endswith(
        '  (2 messages of the prompt shown above)\n  assistant:\n    calls search [c1]: {"q": "Paris"}'
    )
    assert re.match(
        r"""\S+  tool search  ok  [\d.]+ \w+  span [0-9a-f]{16}\n  arguments:\n    \{"q":"Paris"\}\n""",
        third,
    )
    assert third.endswith("  result:\n    57F, rainy")


def test_a_call_is_shown_as_it_was_recorded(told: Path) -> None:
    database = TelemetryDatabase(told)
    calls = database.find_llm_interactions(newest_first=False)
    last = calls[4]
    assert last.span_id is not None
    for id in (last.span_id, last.span_id[:12].upper(), f"span:{last.trace_id}/{last.span_id}", f"llm:{last.id}"):
        (turn,) = database.get_conversation(id).turns
        assert isinstance(turn, CallTurn)
        assert [*turn.prompt] == [RULES, ASK, REQUEST, RESULT, ANSWER, YES, FINE, YES]
        assert (turn.call, turn.folded) == (last, 0)
    shown = json.loads(run_here("show", last.span_id, told, "--json").stdout)
    assert (shown["kind"], shown["id"], shown["total"]) == ("llm", last.span_id, 1)
    assert shown["turns"][0]["prompt"] == [RULES, ASK, REQUEST, RESULT, ANSWER, YES, FINE, YES]
    assert shown["turns"][0]["completion"] == [{**FINE, "finish_reason": "stop"}]
    (tool,) = database.find_tool_interactions(counted=True)
    (shown_tool,) = json.loads(run_here("show", f"tool:{tool.id}", told, "--json").stdout)["turns"]
    assert (shown_tool["arguments"], shown_tool["result"]) == ({"q": "Paris"}, "57F, rainy")


def test_a_span_that_is_no_call_shows_what_is_below_it(told: Path) -> None:
    database = TelemetryDatabase(told)
    for trace in database.find_traces(newest_first=False):
        below = database.get_conversation(f"span:{trace.trace_id}/{trace.root_span_id}")
        whole = database.get_conversation(trace.trace_id)
        assert (below.kind, whole.kind) == ("span", "trace")
        assert below.turns == whole.turns
        assert below.total == whole.total


def test_an_id_of_several_things_is_answered_with_their_names(told: Path) -> None:
    database = TelemetryDatabase(told)
    ids = {call.id for call in database.find_llm_interactions()}
    (id, *_) = ids & {tool.id for tool in database.find_tool_interactions()}
    with pytest.raises(NotFoundError, match=rf"several things have the id '{id}': llm:{id}, tool:{id}; give KIND:ID"):
        database.get_conversation(str(id))
    with pytest.raises(NotFoundError, match=r"nothing has the id 'nowhere'"):
        database.get_conversation("nowhere")
    with pytest.raises(FilterError, match=r"^id: '' is not an id"):
        database.get_conversation("")
    assert run_here("show", "llm:99", told).exit_code == 2


def test_the_first_turns_are_shown_up_to_a_limit(told: Path) -> None:
    done = run_here("show", "chat-1", "--limit", 2, told)
    assert done.stdout.startswith("session chat-1 (calls and tools: 2 of 7)")
    assert done.stderr == "more: give a higher --limit\n"


def test_long_texts_are_cut_but_those_of_one_call_in_a_pipe(path: Path) -> None:
    chat = Chat(path)
    long = "word " * 1_000
    with chat.turn():
        chat.call([say("user", long + "end")], [say("assistant", "short")])
    chat.end()
    (call,) = TelemetryDatabase(path).find_llm_interactions()
    id = call.id
    assert "… 3003 more characters (--full shows all)" in run_here("show", "chat-1", path).stdout
    assert "word end\n" in run_here("show", "chat-1", "--full", path).stdout
    assert "word end\n" in run_here("show", f"llm:{id}", path).stdout
    for columns in ("80", "120", "200"):
        shown = run_on_terminal("show", f"llm:{id}", path, NO_COLOR="1", COLUMNS=columns)
        assert "3003 more characters" in shown
        assert max(map(len, shown.splitlines())) <= int(columns)


def test_answers_that_come_back_in_another_form_are_not_repeated(path: Path) -> None:
    chat = Chat(path)
    (request,) = REQUEST["parts"]
    words = say("assistant", "Let me look.")
    split = [words, {"role": "assistant", "parts": [request | {"id": "other"}]}]
    whole = {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, *words["parts"], request]}
    with chat.turn():
        chat.call([ASK], [whole])
        chat.call([ASK, *split, RESULT], [ANSWER])
        chat.call([REQUEST, RESULT, ANSWER, YES], [FINE])  # what is before was cut off
    chat.end()
    turns = TelemetryDatabase(path).get_conversation("chat-1").turns
    said = [[*turn.prompt] for turn in turns if isinstance(turn, CallTurn)]
    assert said == [[ASK], [], [YES]]
    assert [turn.tool.result for turn in turns if isinstance(turn, ToolTurn)] == ["57F, rainy"]


def test_a_tool_without_arguments_shows_those_of_its_request(path: Path) -> None:
    chat = Chat(path)
    with chat.turn():
        chat.call([ASK], [REQUEST])
    with chat.turn():  # it was approved later, in a trace of its own
        chat.tool("c1", "57F, rainy", has_arguments=False)
    chat.end()
    *_, turn = TelemetryDatabase(path).get_conversation("chat-1").turns
    assert isinstance(turn, ToolTurn)
    assert (turn.is_asked, turn.to_dict()["arguments"]) == (True, {"q": "Paris"})
    assert 'arguments:\n    {"q":"Paris"}\n  result:' in run_here("show", "chat-1", path).stdout
