# SPDX-License-Identifier: Apache-2.0
"""What instrumentations of the OpenAI Agents SDK see: agents, handoffs, tools, both APIs."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import Agent, ModelSettings, RunConfig, Runner, function_tool
from agents.exceptions import AgentsException
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel
from openai import APIStatusError, AsyncOpenAI

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, REASONING_MODEL, SYSTEM, TWO_CITIES, Scenario, Told, expect_failure


def _model(server: ModelServer, model: str = MODEL, *, chat: bool = False) -> Any:
    client = AsyncOpenAI(base_url=server.openai_url, api_key="unused", max_retries=0)
    kind: Any = OpenAIChatCompletionsModel if chat else OpenAIResponsesModel
    return kind(model, client)


def _guide(server: ModelServer, told: Told, *, tools: bool = False, **keywords: Any) -> Agent[Any]:
    told.names["agent_name"] = "guide"

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    keywords.setdefault("model", _model(server))
    # An error is the run's error: by default the model would be told of it.
    given = [function_tool(get_weather, failure_error_function=None)] if tools else []
    return Agent(name="guide", instructions=SYSTEM, tools=given, **keywords)


def responses(server: ModelServer, told: Told) -> None:
    agent = _guide(server, told, model=_model(server, REASONING_MODEL), model_settings=ModelSettings(temperature=0.5))
    Runner.run_sync(agent, "name a river of Spain")


def session(server: ModelServer, told: Told) -> None:
    told.names["session_id"] = "group-1"
    Runner.run_sync(_guide(server, told), "name a lake", run_config=RunConfig(group_id="group-1"))


def responses_stream(server: ModelServer, told: Told) -> None:
    async def stream() -> None:
        async for _ in Runner.run_streamed(_guide(server, told), "name two rivers of Spain").stream_events():
            pass

    asyncio.run(stream())


def chat(server: ModelServer, told: Told) -> None:
    agent = _guide(server, told, model=_model(server, REASONING_MODEL, chat=True))
    Runner.run_sync(agent, "name a river of Portugal")


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once, over the Responses API."""
    Runner.run_sync(_guide(server, told, tools=True), TWO_CITIES)


def chat_tools(server: ModelServer, told: Told) -> None:
    """The same over chat completions."""
    Runner.run_sync(_guide(server, told, tools=True, model=_model(server, chat=True)), TWO_CITIES)


def handoff(server: ModelServer, told: Told) -> None:
    triage: Agent[Any] = Agent(name="triage", model=_model(server), handoffs=[_guide(server, told)])
    del told.names["agent_name"]
    Runner.run_sync(triage, "hand me over")


def tool_error(server: ModelServer, told: Told) -> None:
    expect_failure(AgentsException, lambda: Runner.run_sync(_guide(server, told, tools=True), "Visit Atlantis"))


def rate_limited(server: ModelServer, told: Told) -> None:
    _fail(server, told, "overloaded")


def server_error(server: ModelServer, told: Told) -> None:
    _fail(server, told, "broken")


def _fail(server: ModelServer, told: Told, model: str) -> None:
    agent = _guide(server, told, model=_model(server, model))
    expect_failure(APIStatusError, lambda: Runner.run_sync(agent, "name nothing"))


SCENARIOS: list[Scenario] = [
    responses,
    session,
    responses_stream,
    chat,
    agent_tools,
    chat_tools,
    handoff,
    tool_error,
    rate_limited,
    server_error,
]
