# SPDX-License-Identifier: Apache-2.0
"""What Strands Agents tells of itself: agents, event loops, models, tools."""

from __future__ import annotations

from typing import Any

from strands import Agent, tool
from strands.models.openai import OpenAIModel
from strands.types.exceptions import ModelThrottledException

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, SYSTEM, TWO_CITIES, Scenario, Told, expect_failure


def _agent(server: ModelServer, told: Told, model: str = MODEL) -> Any:
    told.names.update(agent_name="guide", session_id="strands-1", user_id="ada")

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    return Agent(
        model=OpenAIModel(
            client_args={"base_url": server.openai_url, "api_key": "unused", "max_retries": 0}, model_id=model
        ),
        name="guide",
        system_prompt=SYSTEM,
        tools=[tool(get_weather)],
        trace_attributes={"session.id": "strands-1", "user.id": "ada"},
        callback_handler=None,
        retry_strategy=None,
    )


def chat(server: ModelServer, told: Told) -> None:
    _agent(server, told)("name a river")


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once."""
    _agent(server, told)(TWO_CITIES)


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(ModelThrottledException, lambda: _agent(server, told, "overloaded")("name nothing"))


def server_error(server: ModelServer, told: Told) -> None:
    expect_failure(Exception, lambda: _agent(server, told, "broken")("name nothing"))


SCENARIOS: list[Scenario] = [chat, agent_tools, rate_limited, server_error]
