# SPDX-License-Identifier: Apache-2.0
"""The views of a dataset as docs/schema.md has them, and the names that engines have for their types."""

from __future__ import annotations

import re

from otel_sqlite_exporter.archive.asking.engine_views import ENGINE_VIEWS
from tests.integration.test_docs import bare, find_tables

VIEWS = [view for view in ENGINE_VIEWS if not view.startswith("_")]
_KINDS = {"text": "text", "json": "text", "integer": "integer", "real": "real", "any": "real"}
"""In a dataset, a value that may be an integer or a real is a real."""
_TYPES = {
    **{"VARCHAR": "text", "BIGINT": "integer", "DOUBLE": "real"},
    **{"String": "text", "Int64": "integer", "Float64": "real"},
    **{"string": "text", "bigint": "integer", "double": "real"},
}
_WRAPPED = re.compile(r"(?:LowCardinality|Nullable)\((.*)\)")


def find_columns(view: str) -> list[tuple[str, str]]:
    """Return the name and the type of each column: `text`, `integer` or `real`."""
    return [(bare(name), _KINDS[kind.rstrip("?")]) for name, kind, _ in find_tables("docs/schema.md", view)]


def find_kinds(view: str) -> dict[str, str]:
    """Return the documented type of each column, such as `json?`."""
    return {bare(name): kind for name, kind, _ in find_tables("docs/schema.md", view)}


def name_type(type: str) -> str:
    """Return the documented name of an engine's type, or the type if there is none."""
    while wrapped := _WRAPPED.fullmatch(type):
        type = wrapped[1]
    return _TYPES.get(type, type)
