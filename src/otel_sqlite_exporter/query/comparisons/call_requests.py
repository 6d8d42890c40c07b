# SPDX-License-Identifier: Apache-2.0
"""What a model call was sent beside its messages: the parameters of the request, and the tools offered; and how two
calls differ in them. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.calls.offered_tools import find_offered_tools
from otel_sqlite_exporter.query.conversations.folding import write_part
from otel_sqlite_exporter.query.pages import decode_json

_TOOLS = "tools"
_LONGEST, _MOST = 80, 10


class CallRequest(NamedTuple):
    """What a call was sent beside its messages.

    Attributes:
        parameters: By name, the value as JSON.
        tools: By name, a digest of the definition.
    """

    parameters: Mapping[str, str] = {}
    tools: Mapping[str, str] = {}


def read_request(parameters: Any, attributes: Any) -> CallRequest:
    """Return the request of a call from the JSON of its parameters and of its attributes."""
    given = decode_json(parameters)
    named: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    plain = {sys.intern(name): write_part(value) for name, value in named.items() if name != _TOOLS}
    offered = find_offered_tools(_read_attributes(attributes), given)
    return CallRequest(plain, {sys.intern(tool.name): _digest(tool.definition) for tool in offered})


def _read_attributes(text: Any) -> Mapping[str, Any]:
    if not isinstance(text, str) or not ("tool" in text or "functions" in text):
        return {}  # most calls offer none: their attributes need no reading
    decoded = decode_json(text)
    return decoded if isinstance(decoded, Mapping) else {}


def _digest(definition: Any) -> str:
    return sys.intern(sha256(write_part(definition).encode("utf-8", "surrogatepass")).hexdigest())


def list_request_changes(a: CallRequest, b: CallRequest) -> list[str]:
    """Return what differs of two requests in words, such as `temperature 0.2 → 0.9` and `tools offered: +search`."""
    changes = [
        f"{_cut(name)} {_cut(a.parameters.get(name, 'none'))} → {_cut(b.parameters.get(name, 'none'))}"
        for name in {**a.parameters, **b.parameters}
        if a.parameters.get(name) != b.parameters.get(name)
    ]
    tools = _take([*_name_tool_changes(a.tools, b.tools)])
    return [*_take(changes), *([f"tools offered: {', '.join(tools)}"] if tools else [])]


def _name_tool_changes(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[str]:
    yield from (f"+{_cut(name)}" for name in b if name not in a)
    yield from (f"−{_cut(name)}" for name in a if name not in b)
    yield from (f"{_cut(name)} changed" for name in a if name in b and a[name] != b[name])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _take(changes: list[str]) -> list[str]:
    rest = len(changes) - _MOST
    return changes if rest <= 0 else [*changes[:_MOST], f"{rest} more"]
