# SPDX-License-Identifier: Apache-2.0
"""The wire format of Gemini: generateContent, whole and streamed. Its output tokens leave out those of thoughts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.scenarios.exchange import Answer, Message, Request, Tool

JSON = dict[str, Any]

METHODS = re.compile(r"/v1(?:beta|alpha)?/models/([^:]+):(generateContent|streamGenerateContent)")
"""The paths of this API, with model and method."""


def read_contents(body: JSON, model: str, *, stream: bool) -> Request:
    """A request for content; the result of each tool becomes a message of its own."""
    instruction = _text((body.get("systemInstruction") or {}).get("parts", []))
    messages = [Message("system", instruction)] if instruction else []
    for content in body["contents"]:
        parts = content.get("parts") or []
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        messages += [
            Message("tool", json.dumps(result.get("response")), result.get("id") or result["name"])
            for result in results
        ]
        if not results:
            messages.append(Message("assistant" if content.get("role") == "model" else "user", _text(parts)))
    declared = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations", [])]
    config = body.get("generationConfig") or {}
    names = {"temperature": "temperature", "maxOutputTokens": "max_output_tokens"}
    return Request(
        model=model,
        messages=messages,
        tools=[_tool(one) for one in declared],
        stream=stream,
        parameters={name: config[key] for key, name in names.items() if config.get(key) is not None},
    )


def write_content(answer: Answer) -> JSON:
    """A whole answer."""
    parts: list[JSON] = [] if answer.text is None else [{"text": answer.text}]
    parts += [
        {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}
        for call in answer.calls
    ]
    return _frame(answer, parts, finish_reason(answer)) | {"usageMetadata": _usage(answer)}


def stream_content(answer: Answer) -> Iterator[JSON]:
    """The same in parts: one a word or call; the last says that the answer has ended, and has the usage."""
    for word in re.findall(r"\S+\s*", answer.text or ""):
        yield _frame(answer, [{"text": word}])
    calls = write_content(answer)["candidates"][0]["content"]["parts"] if answer.calls else [{"text": ""}]
    yield _frame(answer, calls, finish_reason(answer)) | {"usageMetadata": _usage(answer)}


def write_error(model: str, status: int) -> JSON:
    """The error that a model of `FAILURES` gives."""
    code = {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}[status]
    return {"error": {"code": status, "message": f"{model} fails", "status": code}}


def finish_reason(answer: Answer) -> str:
    """In the words of this API, in which a call of a tool ends an answer like any other."""
    return "STOP"


def _frame(answer: Answer, parts: list[JSON], reason: str | None = None) -> JSON:
    candidate: JSON = {"index": 0, "content": {"role": "model", "parts": parts}}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": answer.model, "responseId": answer.id}


def _usage(answer: Answer) -> JSON:
    usage = answer.usage
    return {
        "promptTokenCount": usage.input_tokens,
        "cachedContentTokenCount": usage.cached_input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }


def _tool(declared: JSON) -> Tool:
    names = ("parameters", "parametersJsonSchema", "parameters_json_schema")
    schema: JSON = next((declared[name] for name in names if declared.get(name)), {})
    return Tool(declared["name"], schema.get("required", []))


def _text(parts: list[JSON]) -> str:
    return " ".join(part["text"] for part in parts if part.get("text"))
