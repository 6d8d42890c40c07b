# SPDX-License-Identifier: Apache-2.0
"""A program without OpenTelemetry code. environment.sh has the command that traces it."""

from __future__ import annotations

import os

from loopback_server import openai_base_url
from openai import OpenAI


def main() -> None:
    with openai_base_url() as base_url:
        api_key = os.environ.get("OPENAI_API_KEY", "unused")
        with OpenAI(base_url=base_url, api_key=api_key, max_retries=0) as client:
            question = "Why do programs write logs?"
            completion = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
            )
            print(completion.choices[0].message.content)
            client.embeddings.create(model="text-embedding-3-small", input=question)


if __name__ == "__main__":
    main()
