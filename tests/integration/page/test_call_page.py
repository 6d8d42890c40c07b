# SPDX-License-Identifier: Apache-2.0
"""The page of one model call: its chat, what is new in it, its facts, and all that was recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.query.calls.prompt_difference import compare_prompts
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary
from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.page.call import call_facts
from otel_sqlite_exporter.server.page.call.call_pages import _show_last
from tests.conftest import read
from tests.integration.page.test_message_html import PNG
from tests.integration.test_hostile_text import HOSTILE, write_hostile
from tests.integration.test_log_exporter import logging_to, make_log
from tests.integration.test_processor import tracing
from tests.page_server import PageClient, browsing

ANSWER = """\
Paris is **18°C** and *cloudy* ([source](https://weather.example/paris)).

| city | °C | sky |
|---|--:|---|
| Paris | 18 | cloudy |
| Rome | 24 | clear |

1. Take a jacket.
2. Run this:

```python
def pack(city: str) -> list[str]:
    # a jacket below 20 degrees
    return ["jacket"] if degrees[city] < 20 else []
```

> Forecasts may be wrong.
"""
TOOLS = [
    {"type": "function", "name": name, "description": f"Look up the {what}.", "parameters": {"type": "object"}}
    for name, what in (("get_weather", "weather of a city"), ("get_time", "time of a city"))
]


def say(role: str, *parts: dict[str, Any] | str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": one} if isinstance(one, str) else one for one in parts]}


def ask_tool(id: str, city: str) -> dict[str, Any]:
    return {"type": "tool_call", "id": id, "name": "get_weather", "arguments": {"city": city, "units": ["C", "F"]}}


def tell(id: str, result: Any, **more: Any) -> dict[str, Any]:
    return say("tool", {"type": "tool_call_response", "id": id, "response": result, **more})


SYSTEM = say("system", "You are a guide. " + "Answer in few words. " * 60)
FIRST = [SYSTEM, say("user", "Weather in Paris and Rome?", {"type": "blob", "mime_type": "image/png", "content": PNG})]
ASKS = say(
    "assistant",
    {"type": "reasoning", "content": "I need *two* look-ups."},
    ask_tool("c1", "Paris"),
    ask_tool("c2", "Rome"),
)
SECOND = [*FIRST, ASKS, tell("c1", {"celsius": 18, "sky": "cloudy"}), tell("c2", "timeout", is_error=True)]
COMPACTED = [SYSTEM, say("user", "Earlier: the weather of two cities."), say("user", "And tomorrow?")]


def record_call(tracer: Tracer, prompt: list[Any], answer: list[Any] | None, **more: Any) -> None:
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2026-01-31",
        "gen_ai.usage.input_tokens": 1_234,
        "gen_ai.usage.output_tokens": 56,
        "gen_ai.usage.cache_read.input_tokens": 1_000,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.tool.definitions": json.dumps(TOOLS),
        "gen_ai.input.messages": json.dumps(prompt),
        **more,
    }
    if answer is not None:
        attributes["gen_ai.output.messages"] = json.dumps(answer)
    with tracer.start_as_current_span("chat gpt-4o-mini", attributes=attributes) as span:
        if answer is None:
            span.set_attribute("error.type", "RateLimitError")
            span.set_status(Status(StatusCode.ERROR, "429: try <b>again</b> later"))


def write_calls(path: Path) -> None:
    """A session of an agent with three calls: the first asks for tools, the last follows a compaction and fails."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
    tracer = provider.get_tracer("tests")
    agent: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "guide",
        "gen_ai.usage.input_tokens": 2_468,
    }
    agent |= {"session.id": "chat/17", "user.id": "ada", "gen_ai.usage.output_tokens": 112}
    with tracer.start_as_current_span("invoke_agent guide", attributes=agent):
        record_call(tracer, FIRST, [{**ASKS, "finish_reason": "tool_call"}])
        for id, city in (("c1", "Paris"), ("c2", "Rome")):
            attributes: dict[str, Any] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"}
            attributes |= {"gen_ai.tool.call.id": id, "gen_ai.tool.call.arguments": json.dumps({"city": city})}
            attributes |= {"error.type": "TimeoutError"} if id == "c2" else {}
            tracer.start_span("execute_tool get_weather", attributes=attributes).end()
        record_call(tracer, SECOND, [say("assistant", ANSWER)])
        record_call(tracer, COMPACTED, None)
    provider.shutdown()


def write_log_call(path: Path) -> None:
    """A call that only a log record tells."""
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small", "session.id": "logs"}
    attributes |= {"gen_ai.input.messages": json.dumps([say("user", "hello log")])}
    name = "llm.call.finish"
    provider.get_logger("tests").emit(LogRecord(event_name=name, attributes=attributes, timestamp=10**18))
    provider.shutdown()


class Calls(NamedTuple):
    page: PageClient
    agent: int
    ids: list[int]
    log: int

    def open(self, id: int, **arguments: Any) -> str:
        return self.page.open(f"/calls/{id}", **arguments)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    path: Path = tmp_path_factory.mktemp("calls") / "otel.db"
    write_calls(path)
    write_log_call(path)
    rows = read(path, "SELECT id, is_aggregate, source FROM complete_llm_interactions ORDER BY start_time_unix_nano")
    agent = next(id for id, is_agent, _ in rows if is_agent)
    log = next(id for id, _, source in rows if source == "event")
    with browsing(path) as page:
        yield Calls(page, agent, [id for id, is_agent, source in rows if source == "span" and not is_agent], log)


def strip_tags(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_a_call_shows_its_facts(calls: Calls) -> None:
    text = strip_tags(calls.open(calls.ids[1]))
    for said in ("gpt-4o-mini-2026-01-31", "input 1,234", "of these cached 1,000", "output 56", "tokens a second"):
        assert said in text, said
    for said in ("user ada", "agent guide", "finished stop", "temperature double 0.5", "get_weather, get_time"):
        assert said in text, said
    assert "It counts in sums Counts: its tokens and its cost are in all sums." in text


def test_a_call_shows_its_chat(calls: Calls) -> None:
    html = calls.open(calls.ids[1])
    text = strip_tags(html)
    for said in (
        "result of get_weather c1",
        "failed result of get_weather c2",
        "Take a jacket.",
        "source (weather.example)",
    ):
        assert said in text, said
    assert '<span class="k">def</span>' in html
    assert f'src="data:image/png;base64,{PNG}"' in html
    exact = calls.open(calls.ids[1], raw=True)
    assert "| Paris | 18 | cloudy |\n" in exact
    assert '?raw=true" data-raw>' in html
    assert f'href="/calls/{calls.ids[1]}" data-raw>' in exact


def test_what_is_new_is_told_from_what_was_there(calls: Calls) -> None:
    first, second, third = (strip_tags(calls.open(id)) for id in calls.ids)
    assert "Prompt 2 messages </h2>" not in first
    assert "as before" not in first
    assert "5 messages, 3 new since the call before" in second
    assert "2 messages as before" in second
    assert "1 message as before" in third
    assert "4 messages no longer there" in third
    assert "3 messages, 2 new since the call before" in third


def test_calls_lead_to_each_other(calls: Calls) -> None:
    first, second, third = calls.ids
    html = calls.open(second)
    assert f'rel="prev" href="/calls/{first}"' in html
    assert f'rel="next" href="/calls/{third}"' in html
    assert 'rel="prev"' not in calls.open(first)
    assert 'rel="next"' not in calls.open(third)
    assert 'href="/sessions/chat%2F17"' in html
    assert re.search(r'href="/traces/\w{32}\?span=\w{16}"', html)


def test_tools_lead_to_their_executions(calls: Calls) -> None:
    text = strip_tags(calls.open(calls.ids[0]))
    assert "Tools that it asked for" in text
    assert "TimeoutError" in text
    assert "Tools that it asked for" not in strip_tags(calls.open(calls.ids[1]))


def test_a_failed_call_says_why(calls: Calls) -> None:
    html = calls.open(calls.ids[2])
    assert "RateLimitError" in html
    assert "429: try &lt;b&gt;again&lt;/b&gt; later" in html
    assert "No answer was recorded." in html


def test_a_call_that_does_not_count_says_which_do(calls: Calls) -> None:
    html = calls.open(calls.agent)
    assert "Does not count: it repeats the usage of the calls inside it, which count." in html
    for id in calls.ids:
        assert f'href="/calls/{id}">call {id}</a>' in html


def test_a_call_of_a_log_record_has_a_page(calls: Calls) -> None:
    text = strip_tags(calls.open(calls.log))
    assert "hello log" in text
    assert "by an event or log record" in text
    assert "Counts as a call, and adds no tokens, as none were reported." in text


def test_a_running_call_is_brought_up_to_date(path: Path) -> None:
    with (
        tracing(path, open_delay_ms=0) as (tracer, processor),
        tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}),
        browsing(path) as page,
    ):
        processor.force_flush()
        (id,) = read(path, "SELECT id FROM complete_llm_interactions")[0]
        assert f'data-part-url="/calls/{id}?raw=false&amp;part=call"' in page.open(f"/calls/{id}")
        assert "It is not there yet: the call runs." in page.open(f"/calls/{id}", part="call")


def test_there_is_no_other_call(calls: Calls) -> None:
    assert calls.page.ask("/calls/999999").status_code == 404
    assert calls.page.ask("/calls/x").status_code == 400


@pytest.mark.parametrize(("kind", "name"), [("calls", "llm.call"), ("tools", "tool.call")])
def test_what_log_records_told_that_it_runs_leads_to_its_end(path: Path, kind: str, name: str) -> None:
    view = LISTED[kind].name
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
    if kind == "tools":
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "small"}
    with logging_to(path) as exporter, browsing(path) as page:
        start, finish = [
            make_log(trace=1, span=1, attributes=attributes, event_name=f"{name}.{phase}", timestamp=time)
            for phase, time in (("start", 10**18), ("finish", 10**18 + 10**9))
        ]
        exporter.export([start])
        ((id, status),) = read(path, f"SELECT id, status FROM {view}")
        assert status == "running"
        assert f"/{kind}/{id}?" in page.open(f"/{kind}/{id}")
        exporter.export([finish])
        ((ended, status),) = read(path, f"SELECT id, status FROM {view}")
        assert (ended != id, status) == (True, "ok")
        assert "status-ok" in page.open(f"/{kind}/{id}")
        assert page.http.get(f"/api/v1/{kind}/{id}").json()["data"]["id"] == ended
        missing = page.ask(f"/{kind}/999999")
        assert missing.status_code == 404
        assert "in this file, or no longer: look for it in the list of all" in missing.text


def test_a_hostile_call_does_nothing(path: Path) -> None:
    write_hostile(path)
    with browsing(path) as page:
        for (id,) in read(path, "SELECT id FROM complete_llm_interactions"):
            html = page.open(f"/calls/{id}")
            assert not set(HOSTILE) & set("\x1b\x07\u202e\x9b\u2066\x08\x7f") & set(html)
            assert "\\u202eevil" in html.replace(
                '<span class="hidden-character" title="U+202E RIGHT-TO-LEFT OVERRIDE">', ""
            ).replace("</span>", "")
            page.open(f"/calls/{id}", raw=True)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("abc", "abcde", "=3 +2"),
        ("abc", "abc", "=3"),
        ("abc", "a+c", "=1 -1 +1 =1"),
        ("abcdef", "axf", "=1 -4 +1 =1"),
        ("abc", "xyz", "+3"),
        ("", "ab", "+2"),
        ("abcd", "cdab", "+2 =2 -2"),
        ("abc", "", ""),
        ("aaaa", "aa", "=2 -2"),
    ],
)
def test_prompts_are_compared(before: str, now: str, expected: str) -> None:
    steps = compare_prompts([say("user", one) for one in before], [say("user", one) for one in now])
    signs = {"same": "=", "added": "+", "removed": "-"}
    assert " ".join(f"{signs[kind]}{len(messages)}" for kind, messages in steps) == expected
    shown = [part["content"] for kind, said in steps if kind != "removed" for one in said for part in one["parts"]]
    assert "".join(shown) == now


def test_all_that_was_sent_is_one_json(calls: Calls) -> None:
    for raw in ({}, {"raw": True}):
        html = calls.open(calls.ids[1], **raw)
        found = re.search(r'<div id="sent-json"><pre class="exact">(.*?)</pre>', html, re.DOTALL)
        assert found is not None
        sent = json.loads(unescape(found[1]))
        call = json.loads(calls.page.http.get(f"/api/v1/calls/{calls.ids[1]}").text)["data"]
        assert sent["messages"] == call["prompt"]
        assert sent["tools"] == TOOLS
        assert sent["parameters"]["temperature"] == 0.5
        assert ("<details open><summary>definition" in html) == bool(raw)


@pytest.mark.parametrize(
    ("status", "is_installed", "reason"),
    [
        ("running", True, "not known while it runs"),
        ("ok", True, "not computed when it was written: run python -m otel_sqlite_exporter reprice otel.db"),
        ("ok", False, "pip install 'otel-sqlite-exporter[cost]', then python -m otel_sqlite_exporter reprice otel.db"),
    ],
)
def test_a_cost_that_is_not_there_says_why(
    monkeypatch: pytest.MonkeyPatch, status: str, is_installed: bool, reason: str
) -> None:
    monkeypatch.setattr(call_facts, "is_installed", lambda: is_installed)
    fields: dict[str, Any] = dict.fromkeys(LLMInteractionSummary.__dataclass_fields__)
    call = LLMInteractionSummary.from_row(fields | {"status": status, "is_unpriced": 0})
    cost, why = call_facts.describe_cost(call, "otel.db")
    assert cost is None
    assert reason in why


@pytest.mark.parametrize(
    ("before", "now", "kinds"),
    [
        ("abc", "abc", "same again"),
        ("a", "a", "again"),
        ("abc", "abcd", "same added"),
        ("abc", "ac", "same removed again"),
    ],
)
def test_the_last_message_is_open_if_none_is_new(before: str, now: str, kinds: str) -> None:
    steps = _show_last(compare_prompts([say("user", one) for one in before], [say("user", one) for one in now]))
    assert " ".join(step.kind for step in steps) == kinds
