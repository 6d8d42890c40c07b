# SPDX-License-Identifier: Apache-2.0
"""What CrewAI tells of itself: crews, tasks, agents, models, tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.telemetry.tracing import telemetry_session
from crewai.tools import tool
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import MODEL, SYSTEM, Scenario, Told, expect_failure


class _ToGlobalProvider(SpanExporter):
    """Gives the spans of CrewAI's own provider to the processors of the global one, which outlives it."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        provider: Any = trace.get_tracer_provider()
        for span in spans:
            provider._active_span_processor.on_end(span)
        return SpanExportResult.SUCCESS


def _run(
    server: ModelServer, told: Told, question: str, *roles: str, model: str = MODEL, has_tools: bool = False
) -> None:
    told.names.update(agent_name=" ".join(roles), session_id="crew-1", user_id="ada")

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    offered: Any = [tool("get_weather")(get_weather)] if has_tools else []
    tasks = []
    for role in roles:
        llm = LLM(model=f"openai/{model}", base_url=server.openai_url, api_key="unused", max_retries=0)
        agent: Any = Agent(role=role, goal="help people", backstory=SYSTEM, llm=llm, tools=offered, max_retry_limit=0)
        tasks.append(Task(description=question, expected_output="a text", agent=agent))
    attributes = {"gen_ai.conversation.id": "crew-1", "enduser.id": "ada"}
    with telemetry_session(question, "live", [_ToGlobalProvider()], attributes=attributes):
        Crew(agents=[task.agent for task in tasks], tasks=tasks).kickoff()


def chat(server: ModelServer, told: Told) -> None:
    _run(server, told, "name a river", "guide")


def tools(server: ModelServer, told: Told) -> None:
    """A tool that is called twice at once. The words that CrewAI puts around a question begin with capitals, too."""
    orders = "".join(f'<call get_weather>{{"city": "{city}"}}</call>' for city in ("Lisbon", "Porto"))
    _run(server, told, f"compare {orders}", "guide", has_tools=True)


def failing_tool(server: ModelServer, told: Told) -> None:
    _run(server, told, 'visit <call get_weather>{"city": "Atlantis"}</call>', "guide", has_tools=True)


def two_agents(server: ModelServer, told: Told) -> None:
    _run(server, told, "name a bay", "guide", "helper")


def failing_model(server: ModelServer, told: Told) -> None:
    expect_failure(Exception, lambda: _run(server, told, "name nothing", "guide", model="broken"))


SCENARIOS: list[Scenario] = [chat, tools, failing_tool, two_agents, failing_model]
