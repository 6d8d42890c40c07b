# SPDX-License-Identifier: Apache-2.0
"""The shapes of answers as JSON Schema, from the dataclasses that are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from otel_sqlite_exporter.query.pages import ViewRow

Schema = dict[str, Any]
ANY: Schema = {}
TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
_TYPES = {"str": TEXT, "int": INTEGER, "float": NUMBER, "bool": BOOLEAN, "Any": ANY}
ENVELOPE: Mapping[str, Schema] = {
    "next_cursor": {"type": ["string", "null"]},
    "total": {"type": ["integer", "null"]},
    "truncated": BOOLEAN,
    "took_ms": NUMBER,
}


def shape_object(properties: Mapping[str, Schema], *, optional: Sequence[str] = ()) -> Schema:
    """Return the shape of an object with these members, which are all there but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def shape_list(items: Schema) -> Schema:
    """Return the shape of an array."""
    return {"type": "array", "items": items}


def shape_map(values: Schema) -> Schema:
    """Return the shape of an object whose members are not fixed."""
    return {"type": "object", "additionalProperties": values}


def allow_null(shape: Schema) -> Schema:
    """Return the shape that may also be null."""
    return {"anyOf": [shape, {"type": "null"}]} if "type" not in shape else shape | {"type": [shape["type"], "null"]}


def shape_rows(row_type: type[Any]) -> Schema:
    """Return the shape of one row: a dataclass whose fields are texts, numbers and JSON. Columns that hold JSON are
    decoded, so they may be anything."""
    json_columns = row_type.JSON if issubclass(row_type, ViewRow) else frozenset()
    properties = {}
    for field in fields(row_type):
        name, _, rest = str(field.type).partition(" | ")
        shape = _TYPES[name]
        properties[field.name] = ANY if field.name in json_columns else allow_null(shape) if rest and shape else shape
    return shape_object(properties)


def refer(name: str) -> Schema:
    """Return a reference to a shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def shape_envelope(data: Schema) -> Schema:
    """Return the shape of the envelope around `data`."""
    shape = shape_object({"data": data, **ENVELOPE})
    shape["properties"]["note"] = TEXT
    return shape
