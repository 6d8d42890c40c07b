# SPDX-License-Identifier: Apache-2.0
"""Which spans are calls of a model or executions of a tool, and the columns that their attributes fill. Pure.

The attribute names are data: `dialects.json`. A column takes the first of its names that holds a usable value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, TypeVar

import orjson

from otel_sqlite_exporter.attributes import repair_text
from otel_sqlite_exporter.ingest.rows import LLMInteractionRow, ToolInteractionRow

_T = TypeVar("_T")
_GEN_AI = json.loads(files(__package__).joinpath("dialects.json").read_text(encoding="utf-8"))["gen_ai"]
_MARKERS: tuple[str, ...] = tuple(_GEN_AI["markers"])
_CALLS = frozenset(_GEN_AI["operations"]["call"])
_AGGREGATES = frozenset(_GEN_AI["operations"]["aggregate"])
_TOOLS = frozenset(_GEN_AI["operations"]["tool"])
_PROVIDERS: dict[str, str] = _GEN_AI["providers"]
_NAMES: dict[str, tuple[str, ...]] = {column: tuple(names) for column, names in _GEN_AI["attributes"].items()}
_LARGEST = 2**63 - 1


def find_interactions(
    attributes: Mapping[str, Any], user_id: str | None
) -> tuple[LLMInteractionRow | None, ToolInteractionRow | None]:
    """Return the model call and the tool execution that a span with `attributes` describes: at most one of the two."""
    for marker in _MARKERS:
        if marker in attributes:
            break
    else:
        return None, None
    operation = _first(attributes, "operation", _text)
    if operation in _TOOLS or (operation is None and "gen_ai.tool.name" in attributes):
        return None, _read_tool(attributes, user_id)
    llm = _read_llm(attributes, operation, user_id)
    if operation in _CALLS or _has_usage(llm) or (operation is None and llm.request_model is not None):
        return llm, None
    return None, None


def _read_llm(attributes: Mapping[str, Any], operation: str | None, user_id: str | None) -> LLMInteractionRow:
    provider = _first(attributes, "provider", _text)
    seconds = _first(attributes, "time_to_first_token_s", _number)
    input_tokens = _first(attributes, "input_tokens", _count)
    output_tokens = _first(attributes, "output_tokens", _count)
    total_tokens = _first(attributes, "total_tokens", _count)
    if total_tokens is None and input_tokens is not None:
        # Embeddings have no output; for any other call a missing number leaves the total unknown.
        rest = 0 if output_tokens is None and operation == "embeddings" else output_tokens
        total_tokens = None if rest is None else min(input_tokens + rest, _LARGEST)
    return LLMInteractionRow(
        is_aggregate=1 if operation in _AGGREGATES else 0,
        counted=1,
        operation=operation,
        provider=_PROVIDERS.get(provider, provider) if provider is not None else None,
        request_model=_first(attributes, "request_model", _text),
        response_model=_first(attributes, "response_model", _text),
        response_id=_first(attributes, "response_id", _text),
        user_id=user_id,
        agent_name=_first(attributes, "agent_name", _text),
        finish_reasons=_first(attributes, "finish_reasons", _texts),
        error_type=_first(attributes, "error_type", _text),
        time_to_first_token_ms=None if seconds is None else seconds * 1000,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=total_tokens,
        cached_input_tokens=_first(attributes, "cached_input_tokens", _count),
        cache_creation_input_tokens=_first(attributes, "cache_creation_input_tokens", _count),
        reasoning_tokens=_first(attributes, "reasoning_tokens", _count),
        cost_usd=None,
        cost_status=None,
    )


def _read_tool(attributes: Mapping[str, Any], user_id: str | None) -> ToolInteractionRow:
    return ToolInteractionRow(
        tool_name=_first(attributes, "tool_name", _text),
        tool_call_id=_first(attributes, "tool_call_id", _text),
        tool_type=_first(attributes, "tool_type", _text),
        user_id=user_id,
        agent_name=_first(attributes, "agent_name", _text),
        error_type=_first(attributes, "error_type", _text),
    )


def _has_usage(llm: LLMInteractionRow) -> bool:
    return llm.input_tokens is not None or llm.output_tokens is not None or llm.total_tokens is not None


def _first(attributes: Mapping[str, Any], column: str, read: Callable[[Any], _T | None]) -> _T | None:
    for name in _NAMES[column]:
        value = attributes.get(name)
        if value is not None:
            result = read(value)
            if result is not None:
                return result
    return None


def _text(value: Any) -> str | None:
    if isinstance(value, (list, tuple, dict, bytes)):
        return None
    return repair_text(value)[0] or None


def _count(value: Any) -> int | None:
    """A number of tokens: whole, not negative; also when it came as a float or as text."""
    number = _number(value)
    return int(value if isinstance(value, int) else number) if number is not None and number == int(number) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < _LARGEST else None


def _texts(value: Any) -> str | None:
    items = value if isinstance(value, (list, tuple)) else (value,)
    return orjson.dumps([repair_text(item)[0] for item in items]).decode()
