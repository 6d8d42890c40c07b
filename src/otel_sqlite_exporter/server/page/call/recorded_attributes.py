# SPDX-License-Identifier: Apache-2.0
"""Attributes as they were recorded, each with its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from otel_sqlite_exporter.server.page.messages.message_html import render_value
from otel_sqlite_exporter.server.page.messages.page_allowance import PageAllowance

_TYPES = {str: "string", bool: "bool", int: "int", float: "double", bytes: "bytes", list: "array", dict: "map"}
_INLINE = 120


class RecordedAttribute(NamedTuple):
    """An attribute. `value` is a short text, or HTML."""

    name: str
    type: str
    value: str | Markup


def list_attributes(attributes: Mapping[str, Any], allowance: PageAllowance) -> list[RecordedAttribute]:
    """Return all attributes, in the order in which they were recorded."""
    return [
        RecordedAttribute(name, _TYPES.get(type(value), "null"), _show(value, allowance))
        for name, value in attributes.items()
    ]


def _show(value: Any, allowance: PageAllowance) -> str | Markup:
    if isinstance(value, str) and len(value) <= _INLINE and "\n" not in value and value[:1] not in ("{", "["):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value)
    return render_value(value, allowance=allowance)
