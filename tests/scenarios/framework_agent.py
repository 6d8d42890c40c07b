# SPDX-License-Identifier: Apache-2.0
"""What Microsoft's Agent Framework tells of itself: agents, models, tools."""

from __future__ import annotations

import asyncio
from typing import Any

from agent_framework import Agent
from agent_framework.openai import OpenAIChatCompletionClient
from openai import AsyncOpenAI

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, SYSTEM, TWO_CITIES, Scenario, Told, expect_failure


def _run(server: ModelServer, told: Told, question: str, model: str = MODEL) -> None:
    told.names["agent_name"] = "guide"

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    async def run() -> None:
        openai = AsyncOpenAI(base_url=server.openai_url, api_key="unused", max_retries=0)
        client: Any = OpenAIChatCompletionClient(model=model, async_client=openai)
        await Agent(client, SYSTEM, name="guide", tools=[get_weather]).run(question)

    asyncio.run(run())


def chat(server: ModelServer, told: Told) -> None:
    _run(server, told, "name a river")


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once."""
    _run(server, told, TWO_CITIES)


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(Exception, lambda: _run(server, told, "name nothing", "overloaded"))


SCENARIOS: list[Scenario] = [chat, agent_tools, rate_limited]
