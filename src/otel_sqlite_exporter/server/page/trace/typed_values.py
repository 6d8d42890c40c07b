# SPDX-License-Identifier: Apache-2.0
"""Attributes with their types, for a table of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.pages import decode_json

_TYPES: Mapping[type, str] = {
    **{str: "string", bool: "boolean", int: "integer", float: "double"},
    **{list: "array", dict: "map", type(None): "empty"},
}


class TypedValue(NamedTuple):
    """One attribute. `value` is what JSON has of it; bytes are base64."""

    key: str
    type: str
    value: Any


def list_values(attributes: Any, types: Any = None) -> tuple[TypedValue, ...]:
    """Return the attributes of a record in alphabetical order, given as JSON or decoded. `types` has the types that
    JSON lacks, by pointers."""
    found, known = decode_json(attributes), decode_json(types)
    if not isinstance(found, Mapping):
        return () if not found else (TypedValue("", "string", found),)
    named: Mapping[str, str] = known if isinstance(known, Mapping) else {}
    return tuple(_list(found, named))


def _list(attributes: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[TypedValue]:
    for key in sorted(attributes):
        value = attributes[key]
        pointer = "/" + key.replace("~", "~0").replace("/", "~1")
        named = types.get(pointer, "").partition(",")[0]
        yield TypedValue(key, named or _TYPES.get(type(value), "string"), value)
