# SPDX-License-Identifier: Apache-2.0
"""What packages do not record, or record otherwise than it was: there, a file cannot tell the truth.

By capture and field, what the file says instead, and of which calls, tools, agents or sessions. None is nothing, `ANY`
is some value. Each entry is checked as strictly as the truth elsewhere: it has to go when a package learns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.otlp_captures.differences import Difference
from tests.scenarios.comparison import ANY

_Fields = dict[str, dict[str, Any]]

UNRECORDED: dict[str, _Fields] = {
    "adk1-native": {
        "response_model": {"1-9": None},
        "response_id": {"1-9": None},
        "request_model": {"10-11": None},
        "user": {"s-1, s-2": None},
    },
    "ag2-native": {
        # The person is an agent, too.
        "response_id": {"1-10": None},
        "cached_input_tokens": {"2, 4, 6, 8, 10": None},
        "agent": {"user": "user"},
    },
    "ag2-oi": {
        # No spans of model calls.
        "call": {"1-12": None},
        "failed calls": {"0": 0},
        "agent": {"user": "user"},
    },
    "agentops": {
        # No spans of model calls: the agent is a task, and what named sessions are tags.
        "call": {"1-20": None},
        "failed calls": {"0": 0},
        "agent": {"guide": None},
        "session": {"s-1, s-2": None},
    },
    "agno-genai": {
        # No spans of model calls.
        "call": {"1-17": None},
        "failed calls": {"0": 0},
        "agent": {"helper": None},
        "user": {"s-1, s-2": None},
        "calls of the session": {"s-1, s-2": 0},
    },
    "agno-oi": {
        # Tools name no call; the id of a response is in what the agent said alone.
        "response_model": {"1-11, 14-17": None},
        "response_id": {"1-11, 14-17": None},
        "finish_reasons": {"1-11, 14-17": None},
        "reasoning_tokens": {"11": None},
        "agent": {"helper": None},
    },
    "agno-tl": {
        # A span for each run of an agent has the sum of its calls, and an error is its answer.
        "call": {"2-3, 5, 7, 12-13, 17": None},
        "failed calls": {"0": 0},
        "response_model": {"1, 4, 6, 8-11, 14-16": None},
        "response_id": {"1, 4, 6, 8-11, 14-16": None},
        "finish_reasons": {"1, 4, 6, 8-11, 14-16": None},
        "prompt": {"1, 4, 6, 8-10, 14-16": ANY},
        "input_tokens": {"4": 249, "6": 277, "8": 305, "9": 0, "10": 333},
        "output_tokens": {"4": 61, "6": 73, "8": 85, "9": 0, "10": 97},
        "cached_input_tokens": {"4, 6, 8, 10, 14": None},
        "completion": {"9, 16": ANY},
        "tool_calls": {"9, 16": None},
        "reasoning_tokens": {"11": None},
        "tool call id": {"1-5": None},
        "agent": {"helper": None},
        "session": {"s-1, s-2": None},
    },
    "aisdk": {
        "reasoning_tokens": {"5-8": None},
        "response_model": {"18": None},
        "response_id": {"18": None},
        "prompt": {"18": None},
        "session": {"s-1": None},
    },
    "autogen-oi": {
        # The model is what the framework takes it for.
        "request_model": {"1-12": "gpt-4o-mini-2024-07-18"},
        "response_model": {"1-10": None},
        "response_id": {"1-10": None},
        "cached_input_tokens": {"4, 6, 8, 10": None},
    },
    "bedrock-botocore": {
        # `InvokeModel` tells nothing of the cache.
        "sum of input_tokens": {"0": 1698},
        "response_model": {"1-11, 14": None},
        "response_id": {"9-11": None},
        "input_tokens": {"10": 122},
        "cached_input_tokens": {"10": None},
        "cache_creation_input_tokens": {"10": None},
    },
    "bedrock-oi": {
        "response_model": {"1-11, 14": None},
        "prompt": {"14": None},
    },
    "beeai-oi": {
        # The framework makes calls of tools from an answer in JSON. A rule of the agent is an agent, too.
        "response_model": {"1-7": None},
        "response_id": {"1-7": None},
        "finish_reasons": {"1-7": None},
        "completion": {"2-3, 5-6": None},
        "tool_calls": {"2-3, 5-6": ANY},
        "agent": {"final_answer": "final_answer"},
    },
    "claude-code": {
        # Of a prompt only what is new is recorded, without the system's part. Tools are records of their own. A
        # tool's result is what it said, before it is made a text for the model.
        "response_id": {"1-5": None},
        "prompt": {"1-5": ANY},
        "tool_calls": {"2, 4": None},
        "tool result": {"2": ANY},
    },
    "codex": {
        # Prompts are not recorded with their call. Tools are records of their own. Of the failed call nothing was
        # exported.
        "call": {"6": None},
        "failed calls": {"0": 0},
        "response_model": {"1-5": None},
        "response_id": {"1-5": None},
        "finish_reasons": {"1-5": None},
        "completion": {"1, 3, 5": None},
        "prompt": {"1-5": None},
        "tool_calls": {"2, 4": None},
    },
    "crewai-native": {
        # The model that answered is said to be that which was asked for. Tools name no call.
        "response_model": {"1-10": "gpt-4o-mini"},
    },
    "crewai-tl": {
        # One span for each crew has the sum of its calls.
        "call": {"2-3, 5-6, 8, 11-14": None},
        "failed calls": {"0": 0},
        "request_model": {"1, 4, 7, 9-10": None},
        "response_model": {"1, 4, 7, 9-10": None},
        "response_id": {"1, 4, 7, 9-10": None},
        "finish_reasons": {"1, 4, 7, 9-10": None},
        "completion": {"1, 7, 9-10": None},
        "prompt": {"1, 4, 7, 9-10": None},
        "input_tokens": {"4": 235, "7": 263, "9": 291, "10": 319},
        "output_tokens": {"4": 55, "7": 67, "9": 79, "10": 91},
        "tool_calls": {"4": None},
        "cached_input_tokens": {"7, 9-10": 32},
        "tool": {"1-4": None},
    },
    "dspy-oi": {
        # Embeddings are no calls.
        "call": {"9": None},
        "response_model": {"1-6": None},
        "response_id": {"1-6": None},
        "finish_reasons": {"1-6": None},
    },
    "genai-oi": {
        "request_model": {"1-7, 10-12": "gemini-3-pro-001"},
        "response_model": {"13": None},
    },
    "genai-otel": {
        "completion": {"1-2, 4, 6, 10-12": None},
        "prompt": {"1-7, 10-12": None},
        "tool_calls": {"3, 5, 7": None},
        "response_model": {"13": None},
        "tool": {"1-3": None},
    },
    "groq-tl": {
        "response_model": {"2, 7": None},
        "response_id": {"2, 7": None},
    },
    "haystack-native": {
        # Embeddings name only the model that answered.
        "request_model": {"1-11": None},
        "response_id": {"1-8, 11": None},
    },
    "haystack-oi": {
        # The cached tokens are only in the `repr` of an object.
        "request_model": {"1-8": "gpt-4o-mini-2026-01-31", "9-10": None},
        "response_model": {"1-8, 11": None},
        "response_id": {"1-8, 11": None},
        "finish_reasons": {"1-8": None},
        "cached_input_tokens": {"2, 4, 6, 8": None},
        "agent": {"guide": None},
    },
    "js-openinference": {
        # Failed calls have no spans.
        "call": {"9-10": None},
        "failed calls": {"0": 0},
        "response_model": {"2, 11": None},
        "response_id": {"2, 11": None},
    },
    "js-otel": {
        # Prompts of the Responses API and of embeddings are not recorded.
        "completion": {"1-2, 4, 6-8": None},
        "prompt": {"1-6, 8, 11": None, "7": ANY},
        "cached_input_tokens": {"2, 4, 6, 8": None},
        "tool_calls": {"3, 5": None},
        "reasoning_tokens": {"7-8": None},
        "response_id": {"11": None},
        "tool": {"1-3": None},
    },
    "langfuse4": {
        # Tools name no call; ids of responses are not recorded.
        "request_model": {"1-2, 4-9, 15-16": "gpt-4o-mini-2026-01-31", "10-11": "gpt-5-mini-2026-01-31"},
        "response_model": {"1-11, 14-16": None},
        "response_id": {"1-11, 14-16": None},
        "finish_reasons": {"1-11, 15-16": None},
    },
    "langgraph-langsmith": {
        "call": {"14": None},
        "response_id": {"2": None},
    },
    "langgraph-oi": {
        # The input of a tool with one argument is the bare value; an agent's graph is a chain. Embeddings are no
        # calls.
        "call": {"14": None},
        "response_id": {"2": None},
    },
    "litellm-arize-phoenix": {
        # Some ids and models are LiteLLM's own. The session is LiteLLM's trace.
        "finish_reasons": {"1-12": None},
        "response_model": {"2": "gpt-4o-mini"},
        "response_id": {"9-10, 12": ANY, "15": None},
        "session": {"s-1": None},
    },
    "litellm-otel": {
        # Some ids and models are LiteLLM's own.
        "call": {"7": None},
        "finish_reasons": {"1-6, 8-12": None},
        "completion": {"1-2, 4, 6, 8-12": None},
        "prompt": {"1-6, 8-12, 15": None},
        "response_model": {"2": "gpt-4o-mini"},
        "tool_calls": {"3, 5": None},
        "response_id": {"9-10, 12, 15": ANY},
        "tool": {"1-3": None},
        "session": {"s-1": None},
    },
    "litellm-tl": {
        # Some ids and models are LiteLLM's own.
        "call": {"12": None},
        "response_model": {"2": "gpt-4o-mini"},
        "reasoning_tokens": {"8, 11": None},
        "response_id": {"9-10": ANY, "15": None},
        "cache_creation_input_tokens": {"10": None},
        "session": {"s-1": None},
    },
    "live-claude-code": {
        # Of a prompt only what is new is recorded, without the system's part. Tools are records of their own. A
        # tool's result is what it said, before it is made a text for the model.
        "response_id": {"1-5, 7-8": None},
        "prompt": {"1-5, 7-8": ANY},
        "tool_calls": {"2, 4, 7": None},
        "tool result": {"1, 3-4": ANY},
    },
    "live-codex": {
        # Prompts are not recorded with their call. Tools are records of their own. Of the failed call nothing was
        # exported. A command that exits with 3 succeeds.
        "call": {"6": None},
        "failed calls": {"0": 0},
        "response_model": {"1-5, 7-8": None},
        "response_id": {"1-5, 7-8": None},
        "finish_reasons": {"1-5, 7-8": None},
        "completion": {"1, 3, 5, 8": None},
        "prompt": {"1-5, 7-8": None},
        "tool_calls": {"2, 4, 7": None},
        "tool status": {"2": "ok"},
    },
    "live-copilot": {
        # The model that answered is said to be that which was asked for. Of a prompt only what is new is recorded.
        "response_model": {"1-5, 12-13": "gpt-5-mini"},
        "prompt": {"3, 5, 13": ANY},
    },
    "live-crewai": {
        # The model that answered is said to be that which was asked for. Tools name no call.
        "response_model": {"1-7": "gpt-4o-mini"},
    },
    "live-google-adk": {
        "response_model": {"1-6": None},
        "response_id": {"1-6": None},
        "user": {"adk-1": None},
    },
    "live-langgraph": {
        # The input of a tool with one argument is the bare value.
        "response_id": {"4-5": None},
    },
    "llamaindex-native": {
        # What a stream answered is only in the `repr` of an object.
        "response_model": {"3, 6-7, 14": None},
        "response_id": {"3, 6-7, 14": None},
        "finish_reasons": {"3, 6-7": None},
        "completion": {"3, 7": None},
        "tool_calls": {"6": None},
        "agent": {"guide": None},
    },
    "llamaindex-oi": {
        # Tools name no call.
        "response_model": {"1-11, 14": None},
        "response_id": {"1-11, 14": None},
        "agent": {"guide": None},
    },
    "llamaindex-tl": {
        # Only some calls are spans.
        "call": {"1-13": None},
        "failed calls": {"0": 0},
        "response_model": {"14": None},
        "response_id": {"14": None},
    },
    "lmnr": {
        # No spans of model calls.
        "call": {"1-20": None},
        "failed calls": {"0": 0},
        "tool call id": {"1-4": None},
        "agent": {"guide": None},
        "calls of the session": {"s-1, s-2": 0},
    },
    "mistralai-tl": {
        # Messages have roles alone, and no tools. The SDK's own span tells the usage of embeddings.
        "sum of input_tokens": {"0": 1052},
        "prompt": {"1-7": None},
        "tool_calls": {"3, 5, 7": None},
        "response_model": {"10": None},
        "input_tokens": {"10": 156},
        "tool": {"1-3": None},
    },
    "oaiagents-logfire": {
        # Tools name no call. Some models are those asked for.
        "response_model": {"3-4": "gpt-4o-mini"},
        "response_id": {"3-4": None},
        "finish_reasons": {"3-4": None},
    },
    "oaiagents-oi": {
        # Tools name no call; traces are agents.
        "request_model": {"1-2, 5-12, 15-16": "gpt-5-mini-2026-01-31", "13-14": None},
        "response_model": {"1-12, 15-16": None},
        "response_id": {"3-4": None},
        "finish_reasons": {"3-4": None},
        "cached_input_tokens": {"4": None},
        "agent": {"Agent workflow": "Agent workflow", "talk": "talk"},
        "session": {"s-1, s-2": None},
    },
    "ollama-oi": {
        "call": {"10-12": None},
        "response_model": {"1-7": None},
    },
    "ollama-tl": {
        # Tools that the model asks for are not recorded, nor what `generate` is told as system.
        "call": {"12": None},
        "finish_reasons": {"1-7, 10-11": None},
        "tool_calls": {"3, 5, 7": None},
        "prompt": {"10": ANY},
        "tool": {"1-3": None},
    },
    "semkernel-native": {
        # Tools are named with their plugin. Embeddings are no calls. Cached tokens are in the text of a log line
        # alone.
        "call": {"11": None},
        "response_model": {"1-8": None},
        "cached_input_tokens": {"2, 4, 6, 8": None},
        "tool name": {"1-4": "W-get_weather"},
    },
    "strands-oi": {
        # The system's instructions are of the agent, not of its calls; results of parallel tools are one text.
        "response_model": {"1-7, 9-10": None},
        "response_id": {"1-7": None},
        "prompt": {"1-7, 9-10": ANY},
        "cached_input_tokens": {"2, 4, 6, 9": None},
        "cache_creation_input_tokens": {"9": None},
    },
    "together-oi": {
        "response_model": {"1-7": None},
        "cached_input_tokens": {"2": None},
        "response_id": {"2, 7": None},
    },
    "together-tl": {
        # Tools that the model asks for are not recorded.
        "finish_reasons": {"1-7": None},
        "response_model": {"2, 7": None},
        "response_id": {"2, 7": None},
        "completion": {"2": None},
        "tool_calls": {"3, 5, 7": None},
        "cached_input_tokens": {"4, 6": None},
        "tool": {"1-3": None},
    },
}


def find_undeclared(capture: str, differences: Iterable[Difference]) -> list[str]:
    """What a file says otherwise than it was, but for what is declared here; and what is declared and not so."""
    found = {(d.field, str(d.at)): d for d in differences}
    declared = {
        (field, at): said
        for field, places in UNRECORDED.get(capture, {}).items()
        for numbers, said in places.items()
        for at in _expand(numbers)
    }
    wrong = [str(d) for key, d in found.items() if key not in declared or not _is_said(d.got, declared[key])]
    return wrong + [f"declared, and not so: {' '.join(key)}" for key in declared if key not in found]


def count_unrecorded(capture: str) -> Counter[str]:
    """How often each field is not told, or told otherwise."""
    fields = UNRECORDED.get(capture, {})
    return Counter({field: sum(len(_expand(numbers)) for numbers in places) for field, places in fields.items()})


def _is_said(got: Any, said: Any) -> bool:
    got = None if got in ("", []) else got
    return got is not None if said is ANY else got == said


def _expand(numbers: str) -> list[str]:
    """`1-3, 7` are 1, 2, 3 and 7; a name is itself."""
    found = []
    for part in numbers.split(", "):
        first, _, last = part.partition("-")
        is_range = first.isdigit() and last.isdigit()
        found += [str(number) for number in range(int(first), int(last) + 1)] if is_range else [part]
    return found
