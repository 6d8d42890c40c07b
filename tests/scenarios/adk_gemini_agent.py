# SPDX-License-Identifier: Apache-2.0
"""What Google's Agent Development Kit tells of itself with Gemini: runs, agents, a transfer, tools, streams."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any

from google.adk.agents import LlmAgent, RunConfig
from google.adk.agents.run_config import StreamingMode
from google.adk.models import Gemini
from google.adk.runners import InMemoryRunner
from google.genai import types

from tests.scenarios.model_server import ModelServer
from tests.scenarios.scenario import SYSTEM, TWO_CITIES, Scenario, Told, expect_failure

_MODEL = "gemini-3-pro"


def _run(server: ModelServer, told: Told, question: str, model: str = _MODEL, *, stream: bool = False) -> None:
    told.names.update(agent_name="guide", session_id="adk-1", user_id="ada")
    os.environ.update(GOOGLE_GEMINI_BASE_URL=server.url, GOOGLE_API_KEY="unused")

    def get_weather(city: str) -> str:
        """The weather of a city, now."""
        return told.get_weather(city)

    guide = LlmAgent(name="guide", model=Gemini(model=model), instruction=SYSTEM, tools=[get_weather])
    runner: Any = InMemoryRunner(guide, app_name="live")
    mode = StreamingMode.SSE if stream else StreamingMode.NONE

    async def run() -> None:
        await runner.session_service.create_session(app_name="live", user_id="ada", session_id="adk-1")
        message = types.Content(role="user", parts=[types.Part(text=question)])
        keywords: Any = {"user_id": "ada", "session_id": "adk-1", "new_message": message}
        async for _ in runner.run_async(**keywords, run_config=RunConfig(streaming_mode=mode)):
            pass

    asyncio.run(run())


def chat(server: ModelServer, told: Told) -> None:
    _run(server, told, "name a river")


def tools(server: ModelServer, told: Told) -> None:
    """A tool that is called twice at once."""
    _run(server, told, TWO_CITIES)


def stream(server: ModelServer, told: Told) -> None:
    _run(server, told, "Visit Lisbon", stream=True)


def failing_tool(server: ModelServer, told: Told) -> None:
    # Whether this ends the run depends on the version.
    with suppress(LookupError):
        _run(server, told, "Visit Atlantis")


def failing_model(server: ModelServer, told: Told) -> None:
    expect_failure(Exception, lambda: _run(server, told, "name nothing", "broken"))


SCENARIOS: list[Scenario] = [chat, tools, stream, failing_tool, failing_model]
