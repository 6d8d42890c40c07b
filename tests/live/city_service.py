# SPDX-License-Identifier: Apache-2.0
"""A service with a model behind it, for the environment that holds FastAPI: `opentelemetry-instrument` starts it.

`MODELS` is the address of the model server, as an OpenAI client takes it.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI, HTTPException
from openai import APIStatusError, OpenAI
from pydantic import BaseModel

app = FastAPI()
models = OpenAI(base_url=os.environ["MODELS"], api_key="unused", max_retries=0)
_RIVERS = {"porto": "Douro", "lisbon": "Tagus"}


class Question(BaseModel):
    """What a user asks; `stream` lets the model answer piece by piece."""

    text: str
    model: str
    stream: bool = False


def describe_city(city: str) -> dict[str, str]:
    """Return the river of a city."""
    if city not in _RIVERS:
        raise HTTPException(404)
    return {"river": _RIVERS[city]}


def answer_question(question: Question) -> dict[str, str]:
    """Ask the model."""
    messages: list[Any] = [{"role": "user", "content": question.text}]
    try:
        if not question.stream:
            answer = models.chat.completions.create(model=question.model, messages=messages)
            return {"answer": answer.choices[0].message.content or ""}
        pieces = models.chat.completions.create(
            model=question.model, messages=messages, stream=True, stream_options={"include_usage": True}
        )
        return {"answer": "".join(choice.delta.content or "" for piece in pieces for choice in piece.choices)}
    except APIStatusError as error:
        raise HTTPException(502) from error


app.add_api_route("/cities/{city}", describe_city)
app.add_api_route("/questions", answer_question, methods=["POST"])
