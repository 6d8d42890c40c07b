# SPDX-License-Identifier: Apache-2.0
"""What instrumentations of LangChain see: models, chains, agents with tools, embeddings."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import APIStatusError

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


def _model(server: ModelServer, model: str = MODEL, **keywords: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=server.openai_url, api_key="unused", max_retries=0, **keywords)


def _agent(server: ModelServer, told: Told, **keywords: Any) -> Any:
    told.names["agent_name"] = "guide"

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    return create_agent(_model(server, **keywords), [tool(get_weather)], system_prompt=SYSTEM, name="guide")


def _question(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def chat(server: ModelServer, told: Told) -> None:
    _model(server, REASONING_MODEL, max_tokens=99).invoke([("system", SYSTEM), ("user", "name a river of Portugal")])


def chain(server: ModelServer, told: Told) -> None:
    """A prompt template and a model, in a session."""
    told.names.update(session_id="chain-1", user_id="ada")
    prompt = ChatPromptTemplate.from_messages([("system", SYSTEM), ("user", "name a river of {country}")])
    metadata = {"session_id": "chain-1", "user_id": "ada"}
    (prompt | _model(server, temperature=0.5)).invoke({"country": "Portugal"}, config={"metadata": metadata})


def chat_stream(server: ModelServer, told: Told) -> None:
    list(_model(server, stream_usage=True).stream([("user", "name two rivers of Portugal")]))


def chat_stream_without_usage(server: ModelServer, told: Told) -> None:
    list(_model(server, stream_usage=False).stream([("user", "name three rivers of Portugal")]))


def agent_tools(server: ModelServer, told: Told) -> None:
    """An agent that calls a tool twice at once, in a thread."""
    told.names["session_id"] = "thread-1"
    config: Any = {"configurable": {"thread_id": "thread-1"}, "metadata": {"thread_id": "thread-1"}}
    _agent(server, told).invoke(_question(TWO_CITIES), config=config)


def agent_stream(server: ModelServer, told: Told) -> None:
    list(_agent(server, told, stream_usage=True).stream(_question("Visit Lisbon"), stream_mode="messages"))


def tool_error(server: ModelServer, told: Told) -> None:
    expect_failure(LookupError, lambda: _agent(server, told).invoke(_question("Visit Atlantis")))


def embeddings(server: ModelServer, told: Told) -> None:
    made = OpenAIEmbeddings(
        model=EMBEDDING_MODEL,
        base_url=server.openai_url,
        api_key="unused",
        check_embedding_ctx_length=False,
    )
    made.embed_documents(["Lisbon is sunny", "Ada likes the sun"])


def responses(server: ModelServer, told: Told) -> None:
    _model(server, REASONING_MODEL, use_responses_api=True).invoke([("user", "name a river of Spain")])


def rate_limited(server: ModelServer, told: Told) -> None:
    expect_failure(APIStatusError, lambda: _model(server, "overloaded").invoke("name nothing"))


def server_error(server: ModelServer, told: Told) -> None:
    expect_failure(APIStatusError, lambda: _agent(server, told, model="broken").invoke(_question("name nothing")))


SCENARIOS: list[Scenario] = [
    chat,
    chain,
    chat_stream,
    chat_stream_without_usage,
    agent_tools,
    agent_stream,
    tool_error,
    embeddings,
    responses,
    rate_limited,
    server_error,
]
