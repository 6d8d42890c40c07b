# SPDX-License-Identifier: Apache-2.0
"""What instrumentations of the `anthropic` client see. The API's input tokens leave out those of the cache."""

from __future__ import annotations

from typing import Any

from anthropic import Anthropic, APIStatusError

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import CLAUDE_MODEL, SYSTEM, TWO_CITIES, WEATHER_SCHEMA, Scenario, Told, expect_failure


def _create(server: ModelServer, messages: str | list[Any], *, model: str = CLAUDE_MODEL, **keywords: Any) -> Any:
    asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    with Anthropic(base_url=server.url, api_key="unused", max_retries=0) as client:
        answer: Any = client.messages.create(model=model, messages=asked, max_tokens=99, system=SYSTEM, **keywords)
        return list(answer) if keywords.get("stream") else answer


def messages(server: ModelServer, told: Told) -> None:
    _create(server, "name a river of Italy")


def messages_stream(server: ModelServer, told: Told) -> None:
    _create(server, "name two rivers of Italy", stream=True)


def messages_tools(server: ModelServer, told: Told) -> None:
    """Two tool calls in one answer, and the answer to both results, in one turn of a session."""
    tools = [{"name": "get_weather", "description": "The weather of a city, now", "input_schema": WEATHER_SCHEMA}]
    asked: list[Any] = [{"role": "user", "content": TWO_CITIES}]
    with told.turn():
        answer = _create(server, asked, tools=tools)
        asked.append({"role": "assistant", "content": [block.to_dict() for block in answer.content]})
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": Told({}, []).get_weather(**block.input)}
            for block in answer.content
        ]
        asked.append({"role": "user", "content": results})
        _create(server, asked, tools=tools)


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(APIStatusError, lambda: _create(server, "name nothing", model="overloaded"))


def server_error(server: ModelServer, told: Told) -> None:
    expect_failure(APIStatusError, lambda: _create(server, "name nothing", model="broken"))


SCENARIOS: list[Scenario] = [messages, messages_stream, messages_tools, rate_limited, server_error]
