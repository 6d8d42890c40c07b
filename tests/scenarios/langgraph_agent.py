# SPDX-License-Identifier: Apache-2.0
"""What an instrumentation of LangChain sees of graphs: a model in a loop with its tools, runs in threads, streams."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from openai import APIStatusError

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, TWO_CITIES, Scenario, Told, expect_failure


def _run(server: ModelServer, told: Told, question: str, model: str = MODEL, *, stream: bool = False) -> None:
    told.names.update(session_id="thread-1")

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    tools = [tool(get_weather)]
    chat = ChatOpenAI(model=model, base_url=server.openai_url, api_key="unused", max_retries=0, stream_usage=stream)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [chat.bind_tools(tools).invoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", tools_condition)
    graph.add_edge("tools", "ask")
    config: Any = {"metadata": {"session_id": "thread-1"}}
    messages = {"messages": [{"role": "user", "content": question}]}
    compiled = graph.compile(name="guide")
    if stream:
        list(compiled.stream(messages, config=config, stream_mode="messages"))
    else:
        compiled.invoke(messages, config=config)


def chat(server: ModelServer, told: Told) -> None:
    _run(server, told, "name a river")


def tools(server: ModelServer, told: Told) -> None:
    """A tool that is called twice at once."""
    _run(server, told, TWO_CITIES)


def stream(server: ModelServer, told: Told) -> None:
    _run(server, told, "Visit Lisbon", stream=True)


def failing_tool(server: ModelServer, told: Told) -> None:
    expect_failure(LookupError, lambda: _run(server, told, "Visit Atlantis"))


def failing_model(server: ModelServer, told: Told) -> None:
    expect_failure(APIStatusError, lambda: _run(server, told, "name nothing", "overloaded"))


SCENARIOS: list[Scenario] = [chat, tools, stream, failing_tool, failing_model]
