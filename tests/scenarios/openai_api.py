# SPDX-License-Identifier: Apache-2.0
"""The wire formats of OpenAI: chat completions, responses, embeddings."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from typing import Any

from tests.scenarios.exchange import Answer, Message, Request, Tool, Usage, count_tokens, read_parameters

JSON = dict[str, Any]


def read_chat(body: JSON) -> Request:
    """A request of chat completions."""
    functions = [tool["function"] for tool in body.get("tools") or []]
    stream = bool(body.get("stream"))
    return Request(
        model=body["model"],
        messages=[Message(m["role"], _text(m.get("content")), m.get("tool_call_id")) for m in body["messages"]],
        tools=[_tool(function) for function in functions],
        stream=stream,
        wants_usage=not stream or bool((body.get("stream_options") or {}).get("include_usage")),
        parameters=read_parameters(body),
    )


def write_chat(answer: Answer) -> JSON:
    """A whole chat completion."""
    message: JSON = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": "fp_loopback",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(answer)}],
        "usage": _chat_usage(answer.usage),
    }


def stream_chat(answer: Answer, *, wants_usage: bool) -> Iterator[JSON]:
    """The same as chunks: one a word or a call's head or arguments, the finish reason, the usage if asked for."""
    whole = write_chat(answer)
    frame = {key: whole[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint")}
    frame |= {"object": "chat.completion.chunk"} | ({"usage": None} if wants_usage else {})

    def chunk(delta: JSON, reason: str | None = None) -> JSON:
        return frame | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}

    yield chunk({"role": "assistant", "content": "" if answer.text else None})
    for word in _words(answer):
        yield chunk({"content": word})
    for index, call in enumerate(answer.calls):
        head = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield chunk({"tool_calls": [head]})
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": call.arguments}}]})
    yield chunk({}, finish_reason(answer))
    if wants_usage:
        yield frame | {"choices": [], "usage": whole["usage"]}


def read_responses(body: JSON) -> Request:
    """A request of the Responses API."""
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    messages = [Message("system", body["instructions"])] if body.get("instructions") else []
    for item in items:
        if item.get("type") == "function_call_output":
            messages.append(Message("tool", _text(item["output"]), item["call_id"]))
        elif item.get("type", "message") == "message":
            messages.append(Message(item["role"], _text(item["content"])))
        elif item["type"] == "function_call":
            messages.append(Message("assistant", ""))
    return Request(
        model=body["model"],
        messages=messages,
        tools=[_tool(tool) for tool in _flatten(body.get("tools") or [])],
        stream=bool(body.get("stream")),
        parameters=read_parameters(body),
    )


def _flatten(tools: list[JSON]) -> Iterator[JSON]:
    """The tools on offer; those of a namespace under both names."""
    for tool in tools:
        inner = tool["tools"] if tool.get("type") == "namespace" else []
        yield from ({**one, "name": f"{tool['name']}__{one['name']}"} for one in inner)
        if not inner:
            yield tool


def write_responses(answer: Answer, body: JSON) -> JSON:
    """A whole response."""
    return _response(answer, body) | {
        "status": "completed",
        "output": _items(answer),
        "usage": {
            "input_tokens": answer.usage.input_tokens,
            "input_tokens_details": {"cached_tokens": answer.usage.cached_input_tokens},
            "output_tokens": answer.usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.usage.reasoning_tokens},
            "total_tokens": answer.usage.input_tokens + answer.usage.output_tokens,
        },
    }


def stream_responses(answer: Answer, body: JSON) -> Iterator[JSON]:
    """The same as events, numbered."""
    for number, event in enumerate(_response_events(answer, body)):
        yield event | {"sequence_number": number}


def write_embeddings(body: JSON) -> tuple[JSON, Usage]:
    """One vector of 8 numbers an input, text or tokens, the same for the same input; and the usage."""
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    tokens = sum(count_tokens(item) if isinstance(item, str) else len(item) for item in inputs)
    vectors = [[byte / 255 for byte in hashlib.sha256(repr(item).encode()).digest()[:8]] for item in inputs]
    written = {
        "object": "list",
        "model": body["model"],
        "data": [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return written, Usage(tokens, 0)


def write_error(model: str, status: int) -> JSON:
    """The error that a model of `FAILURES` gives."""
    code = {404: "model_not_found", 429: "rate_limit_exceeded", 500: "internal_error"}[status]
    return {"error": {"message": f"{model} fails", "type": "server_error", "param": None, "code": code}}


def finish_reason(answer: Answer) -> str:
    """In the words of chat completions."""
    return "tool_calls" if answer.calls else "stop"


def _chat_usage(usage: Usage) -> JSON:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _response(answer: Answer, body: JSON) -> JSON:
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": answer.model,
        "output": [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "text": {"format": {"type": "text"}},
        "truncation": "disabled",
        "usage": None,
    }


def _items(answer: Answer) -> list[JSON]:
    items: list[JSON] = []
    if answer.usage.reasoning_tokens:
        items.append({"type": "reasoning", "id": f"rs_{answer.id}", "summary": []})
    if answer.text is not None:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        message = {"type": "message", "id": f"msg_{answer.id}", "role": "assistant", "status": "completed"}
        items.append(message | {"content": [part]})
    for index, call in enumerate(answer.calls):
        head = {"type": "function_call", "id": f"fc_{answer.id}{index}", "call_id": call.id, "status": "completed"}
        namespace, _, name = call.name.rpartition("__")
        named = {"namespace": namespace, "name": name} if namespace.startswith("mcp__") else {"name": call.name}
        items.append(head | named | {"arguments": call.arguments})
    return items


def _response_events(answer: Answer, body: JSON) -> Iterator[JSON]:
    yield {"type": "response.created", "response": _response(answer, body)}
    yield {"type": "response.in_progress", "response": _response(answer, body)}
    for index, item in enumerate(_items(answer)):
        place: JSON = {"item_id": item["id"], "output_index": index}
        empties: dict[str, JSON] = {"message": {"content": []}, "function_call": {"arguments": ""}}
        empty = empties.get(item["type"], {})
        started = item | empty | ({"status": "in_progress"} if "status" in item else {})
        yield {"type": "response.output_item.added", "output_index": index, "item": started}
        if item["type"] == "message":
            part = item["content"][0]
            place |= {"content_index": 0}
            yield place | {"type": "response.content_part.added", "part": part | {"text": ""}}
            for word in _words(answer):
                yield place | {"type": "response.output_text.delta", "delta": word, "logprobs": []}
            yield place | {"type": "response.output_text.done", "text": part["text"], "logprobs": []}
            yield place | {"type": "response.content_part.done", "part": part}
        elif item["type"] == "function_call":
            arguments = item["arguments"]
            yield place | {"type": "response.function_call_arguments.delta", "delta": arguments}
            done = {"type": "response.function_call_arguments.done", "arguments": arguments, "name": item["name"]}
            yield place | done
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": write_responses(answer, body)}


def _words(answer: Answer) -> list[str]:
    return re.findall(r"\S+\s*", answer.text or "")


def _tool(function: JSON) -> Tool:
    # Tools of the provider's own, such as its search of the web, have a type alone.
    return Tool(function.get("name") or function["type"], (function.get("parameters") or {}).get("required", []))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return content or ""
