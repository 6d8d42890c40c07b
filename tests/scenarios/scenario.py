# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of all packages share: the tool that agents call, and what they were told."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from opentelemetry.trace import Span, get_tracer

from tests.scenarios.model_server import ModelServer

JSON = dict[str, Any]

MODEL = "gpt-4o-mini"
REASONING_MODEL = "o4-mini"
EMBEDDING_MODEL = "text-embedding-3-small"
CLAUDE_MODEL = "claude-sonnet-4-5"
SYSTEM = "You are a guide"
TWO_CITIES = "Compare the weather of Lisbon and Porto"

WEATHER_SCHEMA: JSON = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER_TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather of a city, now", "parameters": WEATHER_SCHEMA},
}


class Told(NamedTuple):
    """What a scenario knows beside the server: how it named things, and which tools it ran."""

    names: dict[str, str]
    """`session_id`, `user_id`, `agent_name`: as given to the package in the package's own way."""
    tool_runs: list[JSON]
    """Tools that were run where the package could see it: name, arguments, and result or error."""

    def turn(self) -> AbstractContextManager[Span]:
        """A span of the application, which names session and user: the way that every package leaves open."""
        self.names.update(session_id="session-1", user_id="ada")
        attributes = {"session.id": "session-1", "user.id": "ada"}
        return get_tracer("application").start_as_current_span("turn", attributes=attributes)

    def get_weather(self, city: str) -> str:
        """The weather of a city, now. There is none in Atlantis."""
        run: JSON = {"name": "get_weather", "arguments": {"city": city}}
        self.tool_runs.append(run)
        if city == "Atlantis":
            run["error"] = "LookupError"
            raise LookupError("Atlantis is not on the map")
        run["result"] = json.dumps({"city": city, "sky": "clear", "celsius": 21})
        return str(run["result"])


Scenario = Callable[[ModelServer, Told], None]


def expect_failure(error: type[Exception], call: Callable[[], object]) -> None:
    """Call what has to fail."""
    try:
        call()
    except error:
        return
    raise AssertionError("nothing failed")
