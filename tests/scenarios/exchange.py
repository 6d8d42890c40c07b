# SPDX-License-Identifier: Apache-2.0
"""What a model is asked and what it answers, whatever the wire format. The answer follows from the request alone:

* a tool is called once for every capitalised word but the first, all in one answer; without such a word it is not
* an order such as `<call read>{"path": "x"}</call>` calls this tool, and no other; of more than three tools, as coding
  agents have, none is called without one
* a tool that takes nothing is called once, whatever was asked: a handoff
* a tool that has answered is quoted; where no tool is called, the question is
* a token is a word, and the question is read twice; all messages but the last came from the cache
* a model whose name begins with `o`, `gpt-5` or `gemini-3` reasons first
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

REASONING_TOKENS = 7
_REASONING_MODELS = ("o", "gpt-5", "gemini-3")
_FEW_TOOLS = 3
_QUOTED_WORDS = 30
_ORDER = re.compile(r"<call ([\w-]+)>(.*?)</call>")
PARAMETERS = ("temperature", "max_tokens", "max_completion_tokens", "max_output_tokens")


class Message(NamedTuple):
    """A message of the prompt. A tool's result is one too: its `call_id` names the call that it answers."""

    role: str
    text: str
    call_id: str | None = None


class Tool(NamedTuple):
    """A tool on offer, with the arguments that it requires."""

    name: str
    required: list[str]


class Request(NamedTuple):
    """A request for one answer."""

    model: str
    messages: list[Message]
    tools: list[Tool]
    stream: bool = False
    wants_usage: bool = True
    parameters: Mapping[str, float] = {}


def read_parameters(body: dict[str, Any]) -> dict[str, float]:
    """The temperature and the limit of tokens of a request, under the names that it has for them."""
    return {key: body[key] for key in PARAMETERS if body.get(key) is not None}


class Call(NamedTuple):
    """A tool call that the answer asks for; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


class Usage(NamedTuple):
    """Cached and cache-creation tokens are part of the input, reasoning tokens are part of the output."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    reasoning_tokens: int = 0


class Answer(NamedTuple):
    """Either a text or calls, and what it cost."""

    id: str
    model: str
    text: str | None
    calls: list[Call]
    usage: Usage


def answer(request: Request, *, writes_cache: bool = False) -> Answer:
    """The answer; the model that gives it is a dated version of the one that was asked for."""
    calls = _calls(request)
    last = request.messages[-1]
    heard = "I looked it up" if last.call_id else "You asked me this"
    text = None if calls else f"{heard}: {_end(last.text)}"
    return Answer(
        uuid.uuid4().hex, f"{request.model}-2026-01-31", text, calls, _usage(request, text, calls, writes_cache)
    )


def _end(text: str) -> str:
    """A text, or the last words of a long one: coding agents put a question after pages about the machine."""
    words = text.split()
    return text if len(words) <= _QUOTED_WORDS else " ".join(words[-_QUOTED_WORDS:])


def count_tokens(text: str) -> int:
    """The words of a text."""
    return len(text.split())


def _calls(request: Request) -> list[Call]:
    last = request.messages[-1]
    if last.call_id or not request.tools:
        return []
    known = {tool.name for tool in request.tools}
    ordered = [_call(name, arguments) for name, arguments in _ORDER.findall(last.text) if name in known]
    if ordered or len(request.tools) > _FEW_TOOLS:
        return ordered
    tool = request.tools[0]
    topics = re.findall(r"\b[A-Z]\w+", last.text)[1:] if tool.required else [""]
    return [_call(tool.name, json.dumps(dict.fromkeys(tool.required, topic))) for topic in topics]


def _call(name: str, arguments: str) -> Call:
    return Call(f"call_{uuid.uuid4().hex[:24]}", name, arguments)


def _usage(request: Request, text: str | None, calls: list[Call], writes_cache: bool) -> Usage:
    *cached, question = (count_tokens(message.text) for message in request.messages)
    reasoning = REASONING_TOKENS if request.model.startswith(_REASONING_MODELS) else 0
    said = count_tokens(text or "") + sum(count_tokens(call.name + call.arguments) for call in calls)
    return Usage(
        input_tokens=sum(cached) + 2 * question,
        output_tokens=said + reasoning,
        cached_input_tokens=sum(cached),
        cache_creation_input_tokens=question if writes_cache else 0,
        reasoning_tokens=reasoning,
    )
