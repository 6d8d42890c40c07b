# SPDX-License-Identifier: Apache-2.0
"""What LiteLLM's OpenTelemetry callback tells: calls of OpenAI and of Anthropic, each through LiteLLM."""

from __future__ import annotations

import json
from typing import Any

import litellm

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import (
    CLAUDE_MODEL,
    EMBEDDING_MODEL,
    MODEL,
    REASONING_MODEL,
    SYSTEM,
    TWO_CITIES,
    WEATHER_TOOL,
    Scenario,
    Told,
    expect_failure,
)


def _complete(server: ModelServer, model: str, question: str | list[Any], **keywords: Any) -> Any:
    asked = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return litellm.completion(
        model=f"openai/{model}",
        messages=asked if isinstance(question, str) else question,
        api_base=server.openai_url,
        api_key="unused",
        num_retries=0,
        max_retries=0,
        **keywords,
    )


def chat(server: ModelServer, told: Told) -> None:
    _complete(server, REASONING_MODEL, "name a river of Portugal", max_completion_tokens=99)


def session(server: ModelServer, told: Told) -> None:
    told.names.update(session_id="litellm-1", user_id="ada")
    metadata = {"session_id": "litellm-1"}
    _complete(server, MODEL, "name a lake", temperature=0.5, user="ada", metadata=metadata)


def chat_stream(server: ModelServer, told: Told) -> None:
    list(_complete(server, MODEL, "name two rivers of Portugal", stream=True, stream_options={"include_usage": True}))


def chat_stream_without_usage(server: ModelServer, told: Told) -> None:
    """LiteLLM asks for the usage all the same."""
    list(_complete(server, MODEL, "name three rivers of Portugal", stream=True))


def chat_tools(server: ModelServer, told: Told) -> None:
    """Two tool calls in one answer, and the answer to both results."""
    messages: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TWO_CITIES}]
    message = _complete(server, MODEL, messages, tools=[WEATHER_TOOL]).choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls:
        result = Told({}, []).get_weather(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    _complete(server, MODEL, messages, tools=[WEATHER_TOOL])


def embeddings(server: ModelServer, told: Told) -> None:
    litellm.embedding(
        model=f"openai/{EMBEDDING_MODEL}",
        input=["Lisbon is sunny", "Ada likes the sun"],
        api_base=server.openai_url,
        api_key="unused",
    )


def responses(server: ModelServer, told: Told) -> None:
    litellm.responses(
        model=f"openai/{REASONING_MODEL}",
        input="name a river of Spain",
        instructions=SYSTEM,
        api_base=server.openai_url,
        api_key="unused",
    )


def messages(server: ModelServer, told: Told) -> None:
    """Anthropic: its input tokens leave the cache out, LiteLLM's do not."""
    for stream in (False, True):
        answer = litellm.completion(
            model=f"anthropic/{CLAUDE_MODEL}",
            messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": "name a river of Italy"}],
            api_base=server.url,
            api_key="unused",
            max_tokens=99,
            stream=stream,
        )
        if stream:
            list(answer)


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(litellm.exceptions.RateLimitError, lambda: _complete(server, "overloaded", "name nothing"))


def server_error(server: ModelServer, told: Told) -> None:
    expect_failure(litellm.exceptions.InternalServerError, lambda: _complete(server, "broken", "name nothing"))


SCENARIOS: list[Scenario] = [
    chat,
    session,
    chat_stream,
    chat_stream_without_usage,
    chat_tools,
    embeddings,
    responses,
    messages,
    rate_limited,
    server_error,
]
