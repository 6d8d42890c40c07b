# SPDX-License-Identifier: Apache-2.0
"""What Google's Agent Development Kit tells of itself: runs, agents, models (here through LiteLLM), tools."""

from __future__ import annotations

import asyncio
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, SYSTEM, TWO_CITIES, Scenario, Told, expect_failure


def _run(server: ModelServer, told: Told, question: str, model: str = MODEL) -> None:
    told.names.update(agent_name="guide", session_id="adk-1", user_id="ada")

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    llm = LiteLlm(f"openai/{model}", api_base=server.openai_url, api_key="unused", num_retries=0, max_retries=0)
    runner: Any = InMemoryRunner(
        LlmAgent(name="guide", model=llm, instruction=SYSTEM, tools=[get_weather]), app_name="scenarios"
    )

    async def run() -> None:
        await runner.session_service.create_session(app_name="scenarios", user_id="ada", session_id="adk-1")
        message = types.Content(role="user", parts=[types.Part(text=question)])
        async for _ in runner.run_async(user_id="ada", session_id="adk-1", new_message=message):
            pass

    asyncio.run(run())


def chat(server: ModelServer, told: Told) -> None:
    _run(server, told, "name a river")


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once."""
    _run(server, told, TWO_CITIES)


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(Exception, lambda: _run(server, told, "name nothing", "overloaded"))


SCENARIOS: list[Scenario] = [chat, agent_tools, rate_limited]
