# SPDX-License-Identifier: Apache-2.0
"""What looks like a model call or a tool execution by the words of its attribute names, and a dialect to start from.
Pure.

This is a guess for people to look at: no row is ever made from it. One kind of evidence is not enough for a call:
`device.model` and `auth.token` are in many spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.genai.column_readers import find_value

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_FAMILIES = re.compile(
    r"(?:[a-z0-9._-]{1,20}/){0,2}(?:gpt-|o[1-9](?:-|$)|chatgpt|claude|gemini|gemma|llama|mistral|mixtral|codestral|deepseek|qwen"
    r"|grok|command-|phi-|nova-|text-embedding|glm-|kimi)[a-z0-9.:@-]{0,80}$",
    re.IGNORECASE,
)
"""Names of well-known models."""
_INPUT = frozenset(("input", "prompt", "in", "sent", "request"))
_OUTPUT = frozenset(
    ("output", "completion", "out", "generated", "generation", "response", "received", "answer", "candidates")
)
_ASKED = frozenset(("prompt", "prompts", "messages", "question", "query", "input", "inputs"))
_ANSWERED = frozenset(("completion", "completions", "answer", "response", "output", "outputs", "generation", "reply"))
_OF_MODELS = frozenset(
    ("llm", "ai", "genai", "chat", "gpt", "model", "prompt", "prompts", "completion", "completions", "messages")
)
"""A prompt or an answer is evidence only with one of these words: an `input` or a `response` may be anything."""
_BOUNDS = frozenset(("max", "min", "limit", "budget", "remaining", "per", "rate", "price", "cost", "window"))
"""Numbers of tokens with one of these words are no usage."""
_ARGUMENTS = frozenset(("arguments", "args", "input", "inputs", "parameters", "params", "arg"))
_RESULTS = frozenset(("result", "results", "output", "outputs", "response", "return", "observation"))
_KIND_OF = {
    "request_model": "model",
    "response_model": "model",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "total_tokens": "tokens",
    "prompt": "prompt",
    "completion": "completion",
}
_KINDS = frozenset(_KIND_OF.values())
_UNKNOWN_TOKENS = ""
"""Stands for a number of tokens of which the words do not say what they are."""
_TOOL = ("tool_name", "tool_call_id", "arguments", "result")
_OTHER_SYSTEMS = frozenset(
    (
        "browser",
        "cicd",
        "client",
        "cloud",
        "code",
        "container",
        "db",
        "device",
        "faas",
        "feature_flag",
        "graphql",
        "host",
    )
) | frozenset(("http", "k8s", "messaging", "net", "os", "process", "rpc", "server", "test", "url", "user_agent", "vcs"))
"""Namespaces of OpenTelemetry's conventions for other things than models: their names are no evidence."""
_SECRETS = frozenset(("auth", "access", "bearer", "csrf", "oauth", "refresh", "secret", "xsrf"))
"""A token or a model with one of these words is of a login."""
_ABOUT = frozenset(("id", "template", "version", "shape", "size", "type", "format", "schema", "hash", "enabled"))
"""A prompt or an answer with one of these words is something about it."""
_LEVELS = 3
"""How deep maps in a value are looked at."""
_MARKERS = ("request_model", "response_model", "input_tokens", "total_tokens", "output_tokens", "prompt", "completion")


class Likeness(NamedTuple):
    """What a record looks like.

    Attributes:
        operation: `chat` or `execute_tool`.
        columns: The columns that it seems to fill, each with its source as a dialect names it.
    """

    operation: str
    columns: Mapping[str, str]


def find_likeness(attributes: Mapping[str, Any]) -> Likeness | None:
    """Return what a span or log record with these attributes looks like; None: neither a call nor a tool."""
    columns: dict[str, str] = {}
    sure: set[str] = set()
    likely: dict[str, str] = {}
    knows_model = False
    for source, words, value in _find_values(attributes):
        column, is_sure = _find_column(words, value)
        if column is None:
            continue
        if column == _UNKNOWN_TOKENS:
            sure.add("tokens")
            continue
        if not is_sure and column in _KIND_OF and _KIND_OF[column] == column:
            likely.setdefault(column, source)
            continue
        columns.setdefault(column, source)
        if is_sure:
            sure.add(_KIND_OF.get(column, column))
        knows_model |= isinstance(value, str) and _FAMILIES.match(value) is not None
    if knows_model and len({*likely, *columns} & {"prompt", "completion"}) > 1:
        columns = {**likely, **columns}  # a question and an answer, beside a well-known model
        sure.add("prompt")
    tool = {column: columns.pop(column) for column in _TOOL if column in columns}
    if "tool_name" in tool and len(tool) > 1 and not sure & {"tokens", "model"}:  # a name alone may be of any step
        return Likeness("execute_tool", tool)
    if {"input_tokens", "output_tokens"} <= columns.keys():
        if "tokens" in sure:
            return Likeness("chat", columns)
        sure.add("tokens")  # both parts of a usage
    return Likeness("chat", columns) if len(sure & _KINDS) > 1 else None


def propose_dialect(name: str, likenesses: Iterable[tuple[Likeness, str | None]]) -> dict[str, Any]:
    """Return a dialect, as JSON values, that reads records like these: a start, to be checked by a person.

    Args:
        name: A word for the dialect.
        likenesses: Each with the event name of its log records; None for spans.
    """
    markers: dict[str, None] = {}
    operations: dict[str, dict[str, str]] = {}
    records: dict[str, dict[str, str]] = {}
    columns: dict[str, dict[str, None]] = {}
    for likeness, event_name in likenesses:
        for column, source in likeness.columns.items():
            columns.setdefault(column, {})[source] = None
        if event_name is not None:
            records[event_name] = {"operation": likeness.operation}
            continue
        wanted = ("tool_name",) if likeness.operation == "execute_tool" else _MARKERS
        marker = next(likeness.columns[column] for column in wanted if column in likeness.columns).partition("#")[0]
        markers[marker] = None
        operations[marker.removesuffix(".*")] = {"*": likeness.operation}
    return {
        "name": "_".join(_split(name)) or "own",
        "markers": [*markers],
        **({"operations": operations} if operations else {}),
        **({"records": records} if records else {}),
        "attributes": {column: [*sources] for column, sources in sorted(columns.items())},
    }


def _find_values(attributes: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield each value, also those in a map or in JSON: its source, its words and itself."""
    for name, value in attributes.items():
        words = _split(name)
        if "#" in name or name.partition(".")[0] in _OTHER_SYSTEMS:
            continue
        inside = find_value(value, ()) if isinstance(value, (str, dict)) else None
        if isinstance(inside, dict):
            yield from _find_inside(f"{name}#", words, inside, _LEVELS)
        number = next((index for index, part in enumerate(name.split(".")) if part.isdecimal()), None)
        yield (name if number is None else ".".join((*name.split(".")[:number], "*"))), words, value


def _find_inside(
    place: str, words: tuple[str, ...], inside: Mapping[Any, Any], levels: int
) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for key, value in inside.items():
        if not isinstance(key, str) or not key or "#" in key:
            continue
        its_words = (*words, *_split(key))
        yield f"{place}{key}", its_words, value
        if isinstance(value, dict) and levels > 1:
            yield from _find_inside(f"{place}{key}#", its_words, value, levels - 1)


def _split(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


def _find_column(words: tuple[str, ...], value: Any) -> tuple[str | None, bool]:
    """Return the column that a value seems to fill, and whether its name is clear enough to be evidence."""
    present = frozenset(words)
    if not words or value is None or value == "" or isinstance(value, bool) or present & _SECRETS:
        return None, False
    if isinstance(value, (int, float)):
        return _find_tokens(words, present)
    tool = _find_tool_column(words, present)
    if tool is not None:
        return tool, False
    if isinstance(value, str):
        is_known = _FAMILIES.match(value) is not None
        if is_known or words[-1] == "model" or words[-2:] in (("model", "name"), ("model", "id")):
            return ("response_model" if present & _OUTPUT else "request_model"), True
        if words[-1] in ("provider", "vendor"):
            return "provider", False
    if {"system", "prompt"} <= present or {"system", "instructions"} <= present:
        return "system_instructions", False
    last = next((word for word in reversed(words) if word in _ASKED | _ANSWERED), None)
    if last is not None and not present & _ABOUT:
        return ("prompt" if last in _ASKED else "completion"), bool(present & _OF_MODELS)
    return None, False


def _find_tokens(words: tuple[str, ...], present: frozenset[str]) -> tuple[str | None, bool]:
    is_sure = bool(present & {"tokens", "token"})
    if present & _BOUNDS or not (is_sure or "usage" in present):
        return None, False
    if present & {"cached", "cache"}:
        creates = present & {"write", "creation", "created", "written"}
        return ("cache_creation_input_tokens" if creates else "cached_input_tokens"), False
    if present & {"reasoning", "thinking", "thoughts"}:
        return "reasoning_tokens", False
    if present & _INPUT:
        return "input_tokens", is_sure
    if present & _OUTPUT:
        return "output_tokens", is_sure
    if "total" in present or words[-1] in ("tokens", "count"):
        return ("total_tokens", True) if is_sure else (None, False)
    return (_UNKNOWN_TOKENS, True) if is_sure else (None, False)


def _find_tool_column(words: tuple[str, ...], present: frozenset[str]) -> str | None:
    if not present & {"tool", "function"}:
        return None
    if words[-1] == "tool" or words[-2:] in (("tool", "name"), ("function", "name"), ("call", "name")):
        return "tool_name"
    if "call" in present and words[-1] == "id":
        return "tool_call_id"
    if words[-1] in _ARGUMENTS:
        return "arguments"
    return "result" if words[-1] in _RESULTS else None
