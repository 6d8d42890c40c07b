# SPDX-License-Identifier: Apache-2.0
"""What instrumentations of smolagents see: agents, steps, models, tools."""

from __future__ import annotations

from typing import Any

from smolagents import OpenAIServerModel, ToolCallingAgent, tool

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, Scenario, Told


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once, and is stopped after one step."""
    told.names["agent_name"] = "guide"

    def get_weather(city: str) -> str:
        """The weather of a city, now.

        Args:
            city: Its name.
        """
        return told.get_weather(city)

    model: Any = OpenAIServerModel(MODEL, api_base=server.openai_url, api_key="unused")
    agent = ToolCallingAgent([tool(get_weather)], model, name="guide", description="Knows the weather", max_steps=1)
    agent.run("compare the weather of Lisbon and Porto")


SCENARIOS: list[Scenario] = [agent_tools]
