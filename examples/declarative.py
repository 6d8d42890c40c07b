# SPDX-License-Identifier: Apache-2.0
"""A program that uses only the OpenTelemetry API. otel-config.yaml configures the exporter of its spans.

    OTEL_CONFIG_FILE=examples/otel-config.yaml opentelemetry-instrument python examples/declarative.py

Without `OTEL_CONFIG_FILE` and `opentelemetry-instrument`, it does the same work and records nothing.
"""

from __future__ import annotations

import os

from loopback_server import openai_base_url
from openai import OpenAI
from opentelemetry import trace

tracer = trace.get_tracer("declarative")


def answer(client: OpenAI, session_id: str, question: str) -> str:
    """Return a reply, traced as one turn of a session."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "librarian",
        "session.id": session_id,
    }
    with tracer.start_as_current_span("invoke_agent librarian", attributes=attributes):
        completion = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
        )
        return completion.choices[0].message.content or ""


def main() -> None:
    with openai_base_url() as base_url:
        api_key = os.environ.get("OPENAI_API_KEY", "unused")
        with OpenAI(base_url=base_url, api_key=api_key, max_retries=0) as client:
            for question in ("Who wrote the first program?", "And who wrote the first compiler?"):
                print(answer(client, "reading-room", question))


if __name__ == "__main__":
    main()
