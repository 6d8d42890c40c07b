# SPDX-License-Identifier: Apache-2.0
"""The wire format of Anthropic: messages. Its input tokens leave out those that the cache gave or took."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.scenarios.exchange import Answer, Message, Request, Tool, read_parameters

JSON = dict[str, Any]


def read_messages(body: JSON) -> Request:
    """A request of messages; the result of each tool becomes a message of its own."""
    messages = [Message("system", _text(body["system"]))] if body.get("system") else []
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        results = [block for block in blocks if block["type"] == "tool_result"]
        messages += [Message("tool", _text(block["content"]), block["tool_use_id"]) for block in results]
        if not results:
            messages.append(Message(message["role"], _text(message["content"])))
    return Request(
        model=body["model"],
        messages=messages,
        tools=[Tool(tool["name"], tool["input_schema"].get("required", [])) for tool in body.get("tools") or []],
        stream=bool(body.get("stream")),
        parameters=read_parameters(body),
    )


def write_message(answer: Answer) -> JSON:
    """A whole message."""
    blocks: list[JSON] = [] if answer.text is None else [{"type": "text", "text": answer.text, "citations": None}]
    blocks += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
        for call in answer.calls
    ]
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": blocks,
        "stop_reason": finish_reason(answer),
        "stop_sequence": None,
        "usage": _usage(answer),
    }


def stream_message(answer: Answer) -> Iterator[JSON]:
    """The same as events: the input's usage comes first, the output's last."""
    whole = write_message(answer)
    usage = whole["usage"] | {"output_tokens": 1}
    yield {"type": "message_start", "message": whole | {"content": [], "stop_reason": None, "usage": usage}}
    for index, block in enumerate(whole["content"]):
        empty = {"text": {"text": ""}, "tool_use": {"input": {}}}[block["type"]]
        yield {"type": "content_block_start", "index": index, "content_block": block | empty}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.usage.output_tokens}}
    yield {"type": "message_stop"}


def write_error(model: str, status: int) -> JSON:
    """The error that a model of `FAILURES` gives."""
    kind = {404: "not_found_error", 429: "rate_limit_error", 500: "api_error"}[status]
    return {"type": "error", "error": {"type": kind, "message": f"{model} fails"}}


def finish_reason(answer: Answer) -> str:
    """In the words of messages."""
    return "tool_use" if answer.calls else "end_turn"


def _usage(answer: Answer) -> JSON:
    usage = answer.usage
    return {
        "input_tokens": usage.input_tokens - usage.cached_input_tokens - usage.cache_creation_input_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }


def _deltas(block: JSON) -> Iterator[JSON]:
    if block["type"] == "tool_use":
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    else:
        for word in re.findall(r"\S+\s*", block["text"]):
            yield {"type": "text_delta", "text": word}


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(block.get("text", "") for block in content)
    return content or ""
