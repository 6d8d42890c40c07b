# SPDX-License-Identifier: Apache-2.0
"""The attributes that hold content, and their values. Pure, and nothing here raises for any value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.genai.column_readers import find_value
from otel_sqlite_exporter.model.dialect import AttributeName, ColumnSource
from otel_sqlite_exporter.model.left_out import LEFT_OUT

NATIVE = {
    "prompt": "gen_ai.input.messages",
    "completion": "gen_ai.output.messages",
    "system_instructions": "gen_ai.system_instructions",
    "arguments": "gen_ai.tool.call.arguments",
    "result": "gen_ai.tool.call.result",
}
"""OpenTelemetry's own attributes, which the views read."""
ContentPlan = Mapping[str, tuple[ColumnSource, ...]]
"""The sources of content by column, the strongest first; `conversation` is a prompt with its completion."""


def get_content(source: ColumnSource, attributes: Mapping[str, Any]) -> Any:
    """Return what attributes hold, or None: a value, or those of several keys. What was left out is not there."""
    if source.keys:
        found = {key: _find(name, attributes) for key, name in zip(source.keys, source.names, strict=True)}
        return {key: value for key, value in found.items() if value is not None and value != ""} or None
    return _find(source.names[0], attributes)


def _find(name: AttributeName, attributes: Mapping[str, Any]) -> Any:
    value = attributes.get(name.name)
    if value is None or (type(value) is str and value.startswith(LEFT_OUT)):
        return None
    return value if name.path is None else find_value(value, name.path)
