# SPDX-License-Identifier: Apache-2.0
"""Model calls as OpenInference records them: messages spread over attributes, which have to be converted.

Each has 27 attributes of about 4 kB: four messages, an answer that calls a tool, and both once more as JSON. Nine calls
and the agent around them are a trace, and all text differs from span to span.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from benchmarks.spans import Content

CALLS_A_TRACE = 9
ROLES = ("system", "user", "assistant", "user")
_SCOPE = "openinference.instrumentation.openai"
_TEXT_CHARACTERS = 250


def openinference_spans() -> Iterator[ReadableSpan]:
    """Yield finished spans, built directly. It never ends."""
    content, ids = Content(), random.Random(13)
    resource = Resource.create({"service.name": "benchmarks", "service.version": "1.0"})
    scope, status = InstrumentationScope(_SCOPE, "1.0"), Status(StatusCode.UNSET)
    now = 1_760_000_000_000_000_000
    trace = 0
    while True:
        trace_id, root_id = ids.getrandbits(128) | 1, ids.getrandbits(64) | 1
        root = SpanContext(trace_id, root_id, False, TraceFlags(1))
        session = content.session(trace)
        for number in reversed(range(CALLS_A_TRACE + 1)):
            now += 1_000_000
            yield ReadableSpan(
                "ChatCompletion" if number else "agent",
                SpanContext(trace_id, ids.getrandbits(64) | 1, False, TraceFlags(1)) if number else root,
                root if number else None,
                resource,
                _call(content, ids, session) if number else {"openinference.span.kind": "AGENT", "session.id": session},
                status=status,
                start_time=now,
                end_time=now + 900_000,
                instrumentation_scope=scope,
            )
        trace += 1


def _call(content: Content, ids: random.Random, session: str) -> dict[str, Any]:
    texts = [content.text(_TEXT_CHARACTERS) for _ in ROLES]
    answer, call_id = content.text(_TEXT_CHARACTERS), f"call_{ids.getrandbits(96):024x}"
    arguments = json.dumps({"query": content.text(20)})
    messages = [{"role": role, "content": text} for role, text in zip(ROLES, texts, strict=True)]
    call = {"id": call_id, "type": "function", "function": {"name": "search", "arguments": arguments}}
    given = {"role": "assistant", "content": answer, "tool_calls": [call]}
    input_tokens, output_tokens = ids.randrange(100, 4_000), ids.randrange(10, 900)
    attributes = {
        "openinference.span.kind": "LLM",
        "session.id": session,
        "llm.provider": "openai",
        "llm.system": "openai",
        "llm.model_name": "gpt-4.1-2025-04-14",
        "llm.invocation_parameters": '{"model": "gpt-4.1", "temperature": 0.2, "max_tokens": 500}',
        "llm.finish_reason": "tool_calls",
        "llm.token_count.prompt": input_tokens,
        "llm.token_count.completion": output_tokens,
        "llm.token_count.total": input_tokens + output_tokens,
        "input.mime_type": "application/json",
        "input.value": json.dumps({"model": "gpt-4.1", "messages": messages}, ensure_ascii=False),
        "output.mime_type": "application/json",
        "output.value": json.dumps({"choices": [{"index": 0, "message": given}]}, ensure_ascii=False),
    }
    for index, (role, text) in enumerate(zip(ROLES, texts, strict=True)):
        attributes[f"llm.input_messages.{index}.message.role"] = role
        attributes[f"llm.input_messages.{index}.message.content"] = text
    answered = "llm.output_messages.0.message"
    return attributes | {
        f"{answered}.role": "assistant",
        f"{answered}.content": answer,
        f"{answered}.tool_calls.0.tool_call.id": call_id,
        f"{answered}.tool_calls.0.tool_call.function.name": "search",
        f"{answered}.tool_calls.0.tool_call.function.arguments": arguments,
    }
