# SPDX-License-Identifier: Apache-2.0
"""Which spans are calls of a model or executions of a tool, and the columns that their attributes fill. Pure.

The attribute names are data: `dialects.json`. A column takes the first of its names that holds a usable value. Which
names those are depends on the shape of the attributes alone (names and types of values), and an application has few
shapes: a plan made once for each leaves 20 look-ups for a span out of 60.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.attributes import repair_text
from otel_sqlite_exporter.ingest.rows import (
    NO_INTERACTIONS,
    Interactions,
    LLMInteractionRow,
    ToolInteractionRow,
    make_row,
)

_GEN_AI = json.loads(files(__package__).joinpath("dialects.json").read_text(encoding="utf-8"))["gen_ai"]
_MARKERS = frozenset(_GEN_AI["markers"])
_CALLS = frozenset(_GEN_AI["operations"]["call"])
_AGGREGATES = frozenset(_GEN_AI["operations"]["aggregate"])
_TOOLS = frozenset(_GEN_AI["operations"]["tool"])
_PROVIDERS: dict[str, str] = _GEN_AI["providers"]
_NAMES: dict[str, tuple[str, ...]] = {column: tuple(names) for column, names in _GEN_AI["attributes"].items()}
_LARGEST = 2**63 - 1


class Reading(NamedTuple):
    """How attributes of one shape fill the columns of a row: each column (by its place) asks some names in turn. Those
    of `texts` find text at the first name, which is mostly taken as it is."""

    width: int
    texts: tuple[tuple[int, tuple[str, ...]], ...]
    others: tuple[tuple[int, tuple[str, ...], Callable[[Any], Any]], ...]


class InteractionPlan(NamedTuple):
    """How to read attributes of one shape as either kind of row."""

    llm: Reading
    tool: Reading
    names_tool: bool


def plan_interactions(types: Mapping[Any, type]) -> InteractionPlan | None:
    """Return how to read attributes of these names and types, or None if they can describe no interaction."""
    if _MARKERS.isdisjoint(types):
        return None
    llm, tool = (_plan_reading(row._fields, types) for row in (LLMInteractionRow, ToolInteractionRow))
    return InteractionPlan(llm, tool, any(name in types for name in _NAMES["tool_name"]))


def find_interactions(plan: InteractionPlan, attributes: Mapping[str, Any], user_id: str | None) -> Interactions:
    """Return the model call or the tool execution that a span with `attributes` describes. An agent or workflow is a
    row also without usage, but a hidden one."""
    row = _read(plan.llm, attributes)
    operation = row[_OPERATION]
    if operation in _TOOLS or (operation is None and plan.names_tool):
        row = _read(plan.tool, attributes)
        row[_TOOL_USER] = user_id
        return Interactions(tool=make_row(ToolInteractionRow, row))
    provider = row[_PROVIDER]
    if provider in _PROVIDERS:
        row[_PROVIDER] = _PROVIDERS[provider]
    input_tokens, output_tokens, total_tokens = row[_USAGE]
    if total_tokens is None and input_tokens is not None:
        # Embeddings have no output; for any other call a missing number leaves the total unknown.
        rest = 0 if output_tokens is None and operation == "embeddings" else output_tokens
        if rest is not None:
            row[_TOTAL] = min(input_tokens + rest, _LARGEST)
    has_usage = input_tokens is not None or output_tokens is not None or total_tokens is not None
    is_aggregate = operation in _AGGREGATES
    if operation in _CALLS or is_aggregate or has_usage or (operation is None and row[_REQUEST_MODEL] is not None):
        row[_IS_AGGREGATE] = int(is_aggregate)
        row[_IS_HIDDEN] = int(is_aggregate and not has_usage)
        row[_USER] = user_id
        row[_DIALECT] = "gen_ai"
        return Interactions(llm=make_row(LLMInteractionRow, row))
    return NO_INTERACTIONS


def _plan_reading(columns: Sequence[str], types: Mapping[Any, type]) -> Reading:
    texts, others = [], []
    for place, column in enumerate(columns):
        names = tuple(name for name in _NAMES.get(column, ()) if name in types)
        read = _READERS.get(column, _text)
        if names and read is _text and types[names[0]] is str:
            texts.append((place, names))
        elif names:
            others.append((place, names, read))
    return Reading(len(columns), tuple(texts), tuple(others))


def _read(reading: Reading, attributes: Mapping[str, Any]) -> list[Any]:
    row: list[Any] = [None] * reading.width
    for place, names in reading.texts:
        value = attributes[names[0]]
        row[place] = value if value and value.isascii() else _ask(names, attributes, _text)
    for place, names, read in reading.others:
        row[place] = _ask(names, attributes, read)
    return row


def _ask(names: Sequence[str], attributes: Mapping[str, Any], read: Callable[[Any], Any]) -> Any:
    for name in names:
        value = attributes[name]
        if value is not None and (value := read(value)) is not None:
            return value
    return None


def _text(value: Any) -> str | None:
    if isinstance(value, (list, tuple, dict, bytes)):
        return None
    return repair_text(value)[0] or None


def _count(value: Any) -> int | None:
    """A number of tokens: whole, not negative; also when it came as a float or as text."""
    if type(value) is int:
        return value if 0 <= value <= _LARGEST else None
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < _LARGEST else None


def _seconds_as_ms(value: Any) -> float | None:
    seconds = _number(value)
    return None if seconds is None else seconds * 1000


def _texts(value: Any) -> str | None:
    items = value if isinstance(value, (list, tuple)) else (value,)
    if len(items) == 1 and type(items[0]) is str and items[0].isidentifier():
        return f'["{items[0]}"]'
    return orjson.dumps([repair_text(item)[0] for item in items]).decode()


_READERS: dict[str, Callable[[Any], Any]] = {
    "finish_reasons": _texts,
    "time_to_first_token_ms": _seconds_as_ms,
    **{column: _count for column in LLMInteractionRow._fields if column.endswith("_tokens")},
}
_place = LLMInteractionRow._fields.index
_IS_AGGREGATE, _IS_HIDDEN, _USER = _place("is_aggregate"), _place("is_hidden"), _place("user_id")
_DIALECT = _place("dialect")
_OPERATION, _PROVIDER, _REQUEST_MODEL = _place("operation"), _place("provider"), _place("request_model")
_TOTAL = _place("total_tokens")
_USAGE = slice(_place("input_tokens"), _TOTAL + 1)
_TOOL_USER = ToolInteractionRow._fields.index("user_id")
