# SPDX-License-Identifier: Apache-2.0
"""What pydantic-ai tells of itself: agents, models, tools, embeddings."""

from __future__ import annotations

import asyncio
from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent, Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import (
    EMBEDDING_MODEL,
    MODEL,
    REASONING_MODEL,
    SYSTEM,
    TWO_CITIES,
    Scenario,
    Told,
    expect_failure,
)


def _provider(server: ModelServer) -> OpenAIProvider:
    return OpenAIProvider(openai_client=AsyncOpenAI(base_url=server.openai_url, api_key="unused", max_retries=0))


def _agent(server: ModelServer, told: Told, model_name: str = MODEL, *, tools: bool = False, **keywords: Any) -> Any:
    told.names["agent_name"] = "guide"

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    keywords.setdefault("model", OpenAIChatModel(model_name, provider=_provider(server)))
    return Agent(name="guide", instructions=SYSTEM, tools=[get_weather] if tools else [], **keywords)


def chat(server: ModelServer, told: Told) -> None:
    settings = {"max_tokens": 99, "temperature": 0.5}
    _agent(server, told, REASONING_MODEL).run_sync("name a river of Portugal", model_settings=settings)


def conversation(server: ModelServer, told: Told) -> None:
    """Two runs of one conversation: the second has the history of the first."""
    told.names["session_id"] = "conversation-1"
    agent = _agent(server, told)
    first = agent.run_sync("name a river", conversation_id="conversation-1")
    agent.run_sync("and a lake", message_history=first.all_messages(), conversation_id="conversation-1")


def chat_stream(server: ModelServer, told: Told) -> None:
    async def stream() -> None:
        async with _agent(server, told).run_stream("name two rivers of Portugal") as run:
            await run.get_output()

    asyncio.run(stream())


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once."""
    _agent(server, told, tools=True).run_sync(TWO_CITIES)


def agents_in_agents(server: ModelServer, told: Told) -> None:
    """An agent whose tool asks another agent."""
    inner = _agent(server, told)
    outer: Any = Agent(OpenAIChatModel(MODEL, provider=_provider(server)), name="planner", instructions=SYSTEM)

    async def ask_guide(topic: str) -> str:
        """What a guide says of a topic."""
        run: dict[str, Any] = {"name": "ask_guide", "arguments": {"topic": topic}}
        told.tool_runs.append(run)
        run["result"] = (await inner.run(f"tell of {topic}")).output
        return str(run["result"])

    del told.names["agent_name"]
    outer.tool_plain(ask_guide)
    outer.run_sync("Visit Lisbon")


def tool_error(server: ModelServer, told: Told) -> None:
    expect_failure(LookupError, lambda: _agent(server, told, tools=True).run_sync("Visit Atlantis"))


def embeddings(server: ModelServer, told: Told) -> None:
    model = OpenAIEmbeddingModel(EMBEDDING_MODEL, provider=_provider(server))
    Embedder(model).embed_documents_sync(["Lisbon is sunny", "Ada likes the sun"])


def responses(server: ModelServer, told: Told) -> None:
    model = OpenAIResponsesModel(REASONING_MODEL, provider=_provider(server))
    _agent(server, told, model=model).run_sync("name a river of Spain")


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(ModelHTTPError, lambda: _agent(server, told, "overloaded").run_sync("name nothing"))


def server_error(server: ModelServer, told: Told) -> None:
    expect_failure(ModelHTTPError, lambda: _agent(server, told, "broken").run_sync("name nothing"))


SCENARIOS: list[Scenario] = [
    chat,
    conversation,
    chat_stream,
    agent_tools,
    agents_in_agents,
    tool_error,
    embeddings,
    responses,
    rate_limited,
    server_error,
]
