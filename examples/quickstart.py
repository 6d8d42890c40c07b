# SPDX-License-Identifier: Apache-2.0
"""An instrumented agent writes a SQLite file, and the program prints it as tables.

    python examples/quickstart.py [PATH]

Two users talk to an agent that calls tools, streams, embeds, once asks for a model that does not exist, and once has
a tool that fails.
The OpenTelemetry instrumentation of the OpenAI client traces it, and every span is written to PATH
(default: otel-quickstart.db). Plain SQL then reads the file. The example needs no key: the server beside
this file answers, unless OPENAI_BASE_URL names another one.
"""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import sys
import uuid
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from loopback_server import openai_base_url
from openai import NotFoundError, OpenAI
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, StatusCode, Tracer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from otel_sqlite_exporter import SQLiteSpanExporter

CHAT_MODEL = "gpt-4o-mini"
EMBEDDING_MODEL = "text-embedding-3-small"
MISSING_MODEL = "no-such-model"
LOST_CITY = "Atlantis"

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city, now",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]

REPORTS = {
    "Sessions": """
        SELECT session_id, user_id, traces, spans, llm_calls, errors, total_tokens
        FROM sessions ORDER BY start_time_unix_nano""",
    "LLM calls": """
        SELECT user_id AS user, operation, model, round(duration_ms, 1) AS ms, input_tokens AS input,
               output_tokens AS output, coalesce(error_type, status) AS status
        FROM complete_llm_interactions ORDER BY start_time_unix_nano""",
    "Tool calls": """
        SELECT user_id AS user, tool_name, arguments, result, round(duration_ms, 1) AS ms, status
        FROM complete_tool_interactions ORDER BY start_time_unix_nano""",
    "Tokens by model": """
        SELECT model, count(*) AS calls, sum(input_tokens) AS input, sum(output_tokens) AS output
        FROM complete_llm_interactions WHERE counted GROUP BY model ORDER BY model""",
    "Linked start and finish records": """
        SELECT start.id AS start, finish.id AS finish, start.name, start.link_method AS linked_by,
               round(start.duration_ms, 1) AS ms
        FROM events AS start
        JOIN events AS finish ON finish.id = start.related_event_id AND finish.related_event_id = start.id
        WHERE start.phase = 'start' ORDER BY start.start_time_unix_nano, start.id""",
}


class Agent:
    """Answers one user. Each turn is a trace, and only its root span names the session and the user."""

    def __init__(self, client: OpenAI, tracer: Tracer, user: str) -> None:
        self._client = client
        self._tracer = tracer
        self._root_attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "openai",
            "gen_ai.agent.name": "guide",
            "session.id": f"{user}-{uuid.uuid4().hex[:8]}",
            "user.id": user,
        }

    def answer(self, question: str) -> str:
        """Return a reply. The model may call tools any number of times."""
        messages: list[Any] = [{"role": "user", "content": question}]
        chat = self._client.chat.completions
        with self._turn():
            while True:
                completion = chat.create(model=CHAT_MODEL, messages=messages, tools=TOOLS)
                message = completion.choices[0].message
                if not message.tool_calls:
                    return message.content or ""
                messages.append(message.to_dict())
                messages += [self._execute_tool(call) for call in message.tool_calls]

    def recite(self, question: str) -> str:
        """Return a streamed reply."""
        with self._turn():
            stream = self._client.chat.completions.create(
                model=CHAT_MODEL,
                messages=[{"role": "user", "content": question}],
                stream=True,
                stream_options={"include_usage": True},
            )
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    def remember(self, *texts: str) -> list[list[float]]:
        """Request one vector for each text."""
        with self._turn():
            answer = self._client.embeddings.create(model=EMBEDDING_MODEL, input=list(texts))
            return [item.embedding for item in answer.data]

    def fall_back(self, question: str) -> str:
        """Return a reply of an existing model, after a missing model has failed."""
        messages: list[Any] = [{"role": "user", "content": question}]
        chat = self._client.chat.completions
        with self._turn():
            try:
                completion = chat.create(model=MISSING_MODEL, messages=messages)
            except NotFoundError:
                completion = chat.create(model=CHAT_MODEL, messages=messages)
            return completion.choices[0].message.content or ""

    def _turn(self) -> AbstractContextManager[Span]:
        return self._tracer.start_as_current_span("invoke_agent guide", attributes=self._root_attributes)

    def _execute_tool(self, call: Any) -> dict[str, str]:
        """Return the tool message that answers a call. The span follows the semantic conventions."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.function.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
            "gen_ai.tool.call.arguments": call.function.arguments,
        }
        name = f"execute_tool {call.function.name}"
        with self._tracer.start_as_current_span(name, attributes=attributes) as span:
            try:
                result = get_weather(**json.loads(call.function.arguments))
            except LookupError as error:  # the model is told, and the span says that the tool failed
                span.record_exception(error)
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR, str(error))
                result = f"error: {error}"
            span.set_attribute("gen_ai.tool.call.result", result)
            return {"role": "tool", "tool_call_id": call.id, "content": result}


def get_weather(city: str) -> str:
    """Return the weather as JSON: the tool of the example.

    Raises:
        LookupError: There is no such city.
    """
    if city == LOST_CITY:
        raise LookupError(f"no city is called {city}")
    return json.dumps({"city": city, "sky": "clear", "celsius": 21})


def run_agents(path: Path) -> None:
    """Write the traces of three sessions to the file. They are complete when this returns."""
    # The instrumentation reads these when it starts: the current conventions, and messages as span attributes.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")
    provider = TracerProvider(resource=Resource.create({"service.name": "quickstart"}))
    provider.add_span_processor(BatchSpanProcessor(SQLiteSpanExporter(path)))
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    tracer = provider.get_tracer("quickstart")
    try:
        with openai_base_url() as base_url:
            api_key = os.environ.get("OPENAI_API_KEY", "unused")
            with OpenAI(base_url=base_url, api_key=api_key, max_retries=0) as client:
                ada, bob = (Agent(client, tracer, user) for user in ("ada", "bob"))
                ada.answer("What is the weather in Lisbon?")
                bob.recite("Name three rivers of Portugal")
                ada.remember("Lisbon is sunny", "Ada likes the sun")
                bob.fall_back("Which of them is the longest?")
                ada_again = Agent(client, tracer, "ada")
                ada_again.answer(f"What is the weather in {LOST_CITY}?")
    finally:
        provider.shutdown()


def show_reports(path: Path, console: Console) -> None:
    """Print every report as a table. The file is opened read-only."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        for title, sql in REPORTS.items():
            cursor = connection.execute(sql)
            table = Table(*(column[0] for column in cursor.description), title=title, title_justify="left")
            for row in cursor:
                table.add_row(*(Text("" if value is None else str(value), overflow="fold") for value in row))
            console.print(table)


def suggest_commands(path: Path) -> list[list[str]]:
    """Return the arguments of commands that read the file; the last one opens the page."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        (newest,) = connection.execute("SELECT session_id FROM sessions ORDER BY start_time_unix_nano DESC").fetchone()
    return [
        ["info", str(path)],
        ["session", newest, str(path)],
        ["report", "tokens", "--group-by", "model", str(path)],
        ["serve", str(path), "--open"],
    ]


def find_python() -> str:
    """Return the command that starts this interpreter, as a user types it here."""
    folder = Path.cwd()
    return os.path.relpath(sys.executable) if folder in Path(sys.executable).parents else sys.executable


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "otel-quickstart.db")
    run_agents(path)
    show_reports(path, Console())
    *reading, opening = (
        shlex.join([find_python(), "-m", "otel_sqlite_exporter", *arguments]) for arguments in suggest_commands(path)
    )
    print("\nTry next:", *reading, sep="\n  ")
    print("\nOr look at it in a browser (Ctrl-C stops it):", opening, sep="\n  ")


if __name__ == "__main__":
    main()
