# SPDX-License-Identifier: Apache-2.0
"""The file of the pictures in the docs: a week of an agent that answers customers, always the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tests.browser.example_points import write_example_points
from tests.conftest import exporting

_FIRST_NS = 1_795_420_800 * 10**9  # 2026-11-23, at eight
_S = 10**9
_DAY = 86_400 * _S
LAST_NS = _FIRST_NS + 6 * _DAY + 12 * 3_600 * _S
"""After the last span."""
_USERS = ("ada", "grace", "linus", "margaret")
_LARGE, _SMALL = "claude-sonnet-4-5", "claude-haiku-4-5"
_SYSTEM = "You help customers of a shop. Look things up before you answer, and never promise a refund yourself."
_TOPICS = (
    ("Where is my order 4471? It should have come on Friday.", "track_parcel", {"order": 4471}),
    ("I want my money back for order 3902, the lamp is broken.", "find_order", {"order": 3902}),
    ("Which of your chairs fits a desk of 72 cm?", "search_catalogue", {"kind": "chair", "desk_height_cm": 72}),
    ("Please change my address to 5 Mill Lane.", "update_address", {"street": "5 Mill Lane"}),
)
_ANSWERS = (
    "Your parcel is at the depot in Leeds and will come **tomorrow** before noon.\n\n"
    "| day | place |\n|---|---|\n| Monday | Rotterdam |\n| Tuesday | Leeds |",
    "I am sorry about the lamp. I have asked a colleague to look at the refund:\n\n"
    "1. Keep the parts, they may be picked up.\n2. You get an answer **within two days**.",
    "Three chairs fit. The closest is *Harbour*, from 41 to 54 cm:\n\n```json\n"
    '{"name": "Harbour", "seat_cm": [41, 54], "price": 129}\n```',
    "Done: your address is now **5 Mill Lane**. Orders that are on their way still go to the old one.",
)


class _Place(NamedTuple):
    """Where spans go: their trace, session, user, and the numbers that are drawn."""

    trace: int
    session: str
    user: str
    random: Random
    topic: int


def write_example(path: Path) -> Path:
    """Write the file."""
    random = Random(18)
    with exporting(path) as exporter:
        trace = 0
        for day in range(7):
            for number in range(3 + day % 3):
                user = _USERS[(day + number) % len(_USERS)]
                start = _FIRST_NS + day * _DAY + number * 5_400 * _S
                spans: list[ReadableSpan] = []
                for turn in range(2 + (day + number) % 3):
                    trace += 1
                    place = _Place(trace, f"{user}-{1_000 + day * 10 + number}", user, random, (trace + turn) % 4)
                    turn_spans = [*_make_turn(place, start)]
                    start = max(one.end_time or 0 for one in turn_spans) + random.randrange(20, 90) * _S
                    spans += turn_spans
                exporter.export(spans)
    write_example_points(path, LAST_NS)
    return path


def _make_turn(place: _Place, start: int) -> Iterator[ReadableSpan]:
    """The spans of one answer: the agent thinks, uses tools, asks another agent, and answers."""
    question, tool, arguments = _TOPICS[place.topic]
    prompt = [_message("system", _SYSTEM), _message("user", question)]
    asked = {"type": "tool_call", "id": f"call-{place.trace}-3", "name": tool, "arguments": arguments}
    thought = {"type": "reasoning", "content": f"I need {tool} first; then I can answer."}
    at = start + 40 * 10**6
    plan = _call(place, 2, 1, at, _LARGE, prompt, [thought, asked], 900 + 300 * (place.trace % 5))
    yield plan
    at = (plan.end_time or 0) + 15 * 10**6
    failed = place.trace % 7 == 3
    result = {"error": "the carrier does not answer"} if failed else {"found": True, "order": arguments}
    used = _tool(place, 3, 1, at, tool, arguments, result, "TimeoutError" if failed else None)
    yield used
    at = used.end_time or 0
    if failed:
        again = _tool(place, 4, 1, at + 10**9, tool, arguments, {"found": True, "order": arguments}, None)
        yield again
        at = again.end_time or 0
    policy = [_message("system", "You find rules of the shop."), _message("user", f"Rules for: {question}")]
    begin = at + 20 * 10**6
    lookup = _tool(
        place, 6, 5, begin + 10**7, "search_rules", {"query": question[:24]}, {"rules": ["R-12", "R-31"]}, None
    )
    yield lookup
    quoted = [{"type": "text", "content": "R-12: a broken thing is taken back within 30 days."}]
    checked = _call(place, 7, 5, (lookup.end_time or 0) + 10**7, _SMALL, policy, quoted, 400)
    yield checked
    at = (checked.end_time or 0) + 10**7
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "rules"}
    yield _span(place, 5, 1, "invoke_agent rules", begin, at, agent)
    answer = [{"type": "text", "content": _ANSWERS[place.topic]}]
    history = [*prompt, {"role": "assistant", "parts": [asked]}, _answer_of_tool(place, result)]
    last = _call(place, 8, 1, at + 3 * 10**7, _LARGE, history, answer, 1_500 + 350 * (place.trace % 6))
    yield last
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"}
    yield _span(place, 1, None, "invoke_agent support", start, (last.end_time or 0) + 2 * 10**7, agent)


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _answer_of_tool(place: _Place, result: Any) -> dict[str, Any]:
    answer = {"type": "tool_call_response", "id": f"call-{place.trace}-3", "response": result}
    return {"role": "tool", "parts": [answer]}


def _call(
    place: _Place, number: int, parent: int, start: int, model: str, prompt: list[Any], answer: list[Any], tokens: int
) -> ReadableSpan:
    read = tokens + place.random.randrange(400)
    written = 40 + place.random.randrange(260)
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.agent.name": "rules" if parent == 5 else "support",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": read,
        "gen_ai.usage.cache_read.input_tokens": read * 3 // 5 if number == 8 else 0,
        "gen_ai.usage.output_tokens": written,
        "gen_ai.response.finish_reasons": ["tool_calls" if number == 2 else "stop"],
        "gen_ai.input.messages": json.dumps(prompt),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": answer}]),
    }
    end = start + (350 + 9 * written) * 10**6
    return _span(place, number, parent, f"chat {model}", start, end, attributes, kind=SpanKind.CLIENT)


def _tool(
    place: _Place, number: int, parent: int, start: int, name: str, arguments: Any, result: Any, error: str | None
) -> ReadableSpan:
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": f"call-{place.trace}-{number}",
        "gen_ai.agent.name": "rules" if parent == 5 else "support",
        "gen_ai.tool.call.arguments": json.dumps(arguments),
        "gen_ai.tool.call.result": json.dumps(result),
    }
    end = start + (5_000 if error else 80 + place.random.randrange(900)) * 10**6
    return _span(place, number, parent, f"execute_tool {name}", start, end, attributes, error)


def _span(
    place: _Place,
    number: int,
    parent: int | None,
    name: str,
    start: int,
    end: int,
    attributes: dict[str, Any],
    error: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
) -> ReadableSpan:
    said = "the carrier does not answer"
    events = [Event("exception", {"exception.type": error, "exception.message": said}, end)] if error else []
    extra = {"error.type": error} if error else {}
    return ReadableSpan(
        name=name,
        context=_context(place, number),
        parent=None if parent is None else _context(place, parent),
        kind=kind,
        attributes={**attributes, **extra, "session.id": place.session, "user.id": place.user},
        events=events,
        resource=Resource({"service.name": "shop-support", "service.version": "2.4.1"}),
        start_time=start,
        end_time=end,
        status=Status(StatusCode.ERROR, said) if error else Status(),
    )


def _context(place: _Place, number: int) -> SpanContext:
    trace = Random(place.trace).getrandbits(128) | 1
    return SpanContext(trace, trace >> 64 ^ number * 0x9E3779B97F4A7C15 & (1 << 64) - 1, False, TraceFlags(1))
