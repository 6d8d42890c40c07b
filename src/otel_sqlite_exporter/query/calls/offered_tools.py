# SPDX-License-Identifier: Apache-2.0
"""The tools that a model was offered, as the attributes of its call tell, each instrumentation in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.pages import decode_json

_LISTS = ("gen_ai.tool.definitions", "gen_ai.request.tools", "llm.openai.tools", "ai.prompt.tools", "tools")
_NUMBERED = re.compile(
    r"llm\.(?:tools|request\.functions)\.(\d{1,4})\.(?:tool\.)?(json_schema|name|description|parameters)"
)


class OfferedTool(NamedTuple):
    """A tool that a model may ask for. `definition` is all that was recorded of it."""

    name: str
    about: str | None
    definition: Any


def find_offered_tools(attributes: Mapping[str, Any], parameters: Any) -> list[OfferedTool]:
    """Return the tools among the attributes or the parameters of a request, in the first form that has some."""
    tools = parameters.get("tools") if isinstance(parameters, Mapping) else None
    for given in (*(attributes.get(name) for name in _LISTS), tools, _gather_numbered(attributes)):
        found = [*_read_tools(decode_json(given))]
        if found:
            return found
    return []


def _gather_numbered(attributes: Mapping[str, Any]) -> list[Any]:
    """Return the tools that are spread over attributes with their number in the name."""
    gathered: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        found = _NUMBERED.fullmatch(name)
        if found is not None:
            gathered.setdefault(int(found[1]), {})[found[2]] = decode_json(value)
    return [tool.get("json_schema", tool) for _, tool in sorted(gathered.items())]


def _read_tools(given: Any) -> Iterator[OfferedTool]:
    for one in given if isinstance(given, list) else ():
        tool = decode_json(one)
        if isinstance(tool, Mapping):
            inner = tool.get("function")
            told = inner if isinstance(inner, Mapping) else tool
            name, about = told.get("name"), told.get("description")
            yield OfferedTool(str(name or tool.get("type") or "?"), about if isinstance(about, str) else None, tool)
        elif isinstance(tool, str):
            yield OfferedTool(tool, None, None)
