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
        "tool call id": {"1-5": None},
        "agent": {"helper": None},
    },
    "genai-otel": {
        "completion": {"1-2, 4, 6, 10-12": None},
        "prompt": {"1-7, 10-12": None},
        "tool_calls": {"3, 5, 7": None},
        "response_model": {"13": None},
        "tool": {"1-3": None},
    },
    "haystack-oi": {
        # What a tool answered is only in a `repr`.
        "request_model": {"1-8": "gpt-4o-mini-2026-01-31", "9-10": None},
        "response_model": {"1-8, 11": None},
        "response_id": {"1-8, 11": None},
        "finish_reasons": {"1-8": None},
        "cached_input_tokens": {"2, 4, 6, 8": None},
        "prompt": {"4, 6, 8": ANY},
        "tool call id": {"1-4": None},
        "tool result": {"1-3": None},
        "tool status": {"1-4": None},
        "agent": {"guide": None},
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
    "ollama-tl": {
        # Tools that the model asks for are not recorded, nor what `generate` is told as system.
        "call": {"12": None},
        "finish_reasons": {"1-7, 10-11": None},
        "tool_calls": {"3, 5, 7": None},
        "prompt": {"10": ANY},
        "tool": {"1-3": None},
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
