# SPDX-License-Identifier: Apache-2.0
"""Checks the arguments of a call of a tool by the schemas of the tool, so that what is wrong comes back as a sentence.
Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.agent_tools.answers import DEFAULT_BYTES, shorten
from otel_sqlite_exporter.agent_tools.tool_catalogue import Schema, ToolDeclaration
from otel_sqlite_exporter.errors import FilterError

_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "a text"),
    "integer": (int, "an integer"),
    "boolean": (bool, "true or false"),
    "array": (list, "an array of texts"),
    "object": (dict, "an object"),
}


class ToolArguments:
    """The arguments of one call, with defaults filled in. Those that were not given, or are null, are None."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        """Return the argument `name`."""
        return self._values.get(name)

    @property
    def most_bytes(self) -> int:
        """The most bytes of the answer."""
        size: int = self._values.get("max_bytes") or DEFAULT_BYTES
        return size

    @property
    def text_bytes(self) -> int:
        """The most bytes of one text among many."""
        return min(240, self.most_bytes // 40)

    def pick(self, **names: str) -> dict[str, Any]:
        """Return the arguments that were given, each under the keyword that `names` has for it."""
        return {keyword: self[name] for keyword, name in names.items() if self[name] is not None}


def read_arguments(tool: ToolDeclaration, given: Mapping[str, Any]) -> ToolArguments:
    """Return the arguments of a call.

    Raises:
        FilterError: One is unknown, missing, or not of its schema.
    """
    for name in given:
        if name not in tool.arguments:
            known = ", ".join(tool.arguments)
            raise FilterError(shorten(name, 60), f"{tool.name} has no such argument: give {known}")
    values = {}
    for name, schema in tool.arguments.items():
        value = given.get(name)
        if value is not None:
            values[name] = _read(name, value, schema)
        elif "default" in schema:
            values[name] = schema["default"]
    for name in tool.required:
        if name not in values:
            raise FilterError(name, f"{tool.name} needs it: {schema_hint(tool.arguments[name])}")
    return ToolArguments(values)


def schema_hint(schema: Schema) -> str:
    """Return what may be given for an argument."""
    if "enum" in schema:
        return f"give one of {', '.join(schema['enum'])}"
    if "minimum" in schema:
        return f"give an integer from {schema['minimum']} to {schema['maximum']}"
    if "maxItems" in schema:
        return f"give up to {schema['maxItems']} of {', '.join(schema['items']['enum'])}"
    return f"give {_TYPES[schema['type']][1]}"


def _read(name: str, value: Any, schema: Schema) -> Any:
    kind = _TYPES[schema["type"]][0]
    if kind is int and isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)  # JSON has one kind of number
    if kind is list and isinstance(value, str):
        value = [value]  # models leave out the brackets around one
    is_right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    is_right = is_right and ("enum" not in schema or value in schema["enum"])
    if is_right and kind is int:
        is_right = schema["minimum"] <= value <= schema["maximum"]
    if is_right and kind is list:
        known = schema["items"].get("enum")
        is_right = all(isinstance(one, str) and (known is None or one in known) for one in value)
        is_right = is_right and len(set(value)) == len(value) <= schema.get("maxItems", math.inf)
    if not is_right:
        raise FilterError(name, f"{shorten(repr(value), 60)} cannot be used: {schema_hint(schema)}")
    return value
