# SPDX-License-Identifier: Apache-2.0
"""What instrumentations of the `openai` client see: its calls, and tools that the application runs unseen."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import APIStatusError, AsyncOpenAI, OpenAI

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import (
    EMBEDDING_MODEL,
    MODEL,
    REASONING_MODEL,
    SYSTEM,
    TWO_CITIES,
    WEATHER_SCHEMA,
    WEATHER_TOOL,
    Scenario,
    Told,
    expect_failure,
)


def _client(server: ModelServer) -> OpenAI:
    return OpenAI(base_url=server.openai_url, api_key="unused", max_retries=0)


def _ask(question: str) -> list[Any]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]


def chat(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        client.chat.completions.create(
            model=REASONING_MODEL, messages=_ask("name a river of Portugal"), temperature=0.5, max_completion_tokens=99
        )


def chat_stream(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        messages = _ask("name two rivers of Portugal")
        stream = client.chat.completions.create(
            model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
        )
        list(stream)


def chat_stream_without_usage(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        list(client.chat.completions.create(model=MODEL, messages=_ask("name three rivers of Portugal"), stream=True))


def chat_tools(server: ModelServer, told: Told) -> None:
    """Two tool calls in one answer, and the answer to both results, in one turn of a session."""
    with told.turn(), _client(server) as client:
        messages = _ask(TWO_CITIES)
        completion = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER_TOOL])
        message: Any = completion.choices[0].message
        messages.append(message.to_dict())
        for call in message.tool_calls:
            result = Told({}, []).get_weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER_TOOL])


def chat_stream_tools(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        stream = client.chat.completions.create(
            model=MODEL,
            messages=_ask(TWO_CITIES),
            tools=[WEATHER_TOOL],
            stream=True,
            stream_options={"include_usage": True},
        )
        list(stream)


def parallel(server: ModelServer, told: Told) -> None:
    async def ask_all() -> None:
        async with AsyncOpenAI(base_url=server.openai_url, api_key="unused", max_retries=0) as client:
            questions = ["name a lake", "name a lake", "name a mountain of Portugal"]
            await asyncio.gather(
                *(client.chat.completions.create(model=MODEL, messages=_ask(question)) for question in questions)
            )

    asyncio.run(ask_all())


def embeddings(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        client.embeddings.create(model=EMBEDDING_MODEL, input=["Lisbon is sunny", "Ada likes the sun"])


def responses(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        client.responses.create(model=REASONING_MODEL, instructions=SYSTEM, input="name a river of Spain")


def responses_stream(server: ModelServer, told: Told) -> None:
    with _client(server) as client:
        list(client.responses.create(model=MODEL, instructions=SYSTEM, input="name two rivers of Spain", stream=True))


def responses_tools(server: ModelServer, told: Told) -> None:
    """As `chat_tools`."""
    tool: Any = {"type": "function", "name": "get_weather", "parameters": WEATHER_SCHEMA, "strict": False}
    with told.turn(), _client(server) as client:
        items: list[Any] = [{"role": "user", "content": TWO_CITIES}]
        response = client.responses.create(model=MODEL, instructions=SYSTEM, input=items, tools=[tool])
        items += [call.to_dict() for call in response.output]
        for call in response.output:
            assert call.type == "function_call"
            result = Told({}, []).get_weather(**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
        client.responses.create(model=MODEL, instructions=SYSTEM, input=items, tools=[tool])


def _fail(server: ModelServer, model: str, **keywords: Any) -> None:
    with _client(server) as client:
        create: Any = client.chat.completions.create
        expect_failure(APIStatusError, lambda: create(model=model, messages=_ask("name nothing"), **keywords))


def rate_limited(server: ModelServer, told: Told) -> None:
    _fail(server, "overloaded")


def server_error(server: ModelServer, told: Told) -> None:
    """Once whole and once streamed."""
    _fail(server, "broken")
    _fail(server, "broken", stream=True)


SCENARIOS: list[Scenario] = [
    chat,
    chat_stream,
    chat_stream_without_usage,
    chat_tools,
    chat_stream_tools,
    parallel,
    embeddings,
    responses,
    responses_stream,
    responses_tools,
    rate_limited,
    server_error,
]
