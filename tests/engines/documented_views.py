# SPDX-License-Identifier: Apache-2.0
"""The views of a dataset as docs/schema.md has them, and the names that engines have for their types."""

from __future__ import annotations

import re

from otel_sqlite_exporter.archive.asking.engine_views import ENGINE_VIEWS
from tests.integration.test_docs import bare, find_tables

VIEWS = [view for view in ENGINE_VIEWS if not view.startswith("_")]
_KINDS = {"text": ("text",), "json": ("text",), "integer": ("integer",), "real": ("real",), "any": ("integer", "real")}
"""A column of a dataset has one type, also where a file has integers and reals."""
_TYPES = {
    **{"VARCHAR": "text", "BIGINT": "integer", "DOUBLE": "real"},
    **{"String": "text", "Int64": "integer", "Float64": "real"},
    **{"string": "text", "bigint": "integer", "double": "real"},
}
_ALWAYS_THERE = frozenset(("first_time_unix_nano", "last_time_unix_nano", "first_time", "last_time"))
"""A dataset knows of instruments with points alone, so these are never NULL there."""
_WRAPPED = re.compile(r"(?:LowCardinality|Nullable)\((.*)\)")


def find_unlike_columns(view: str, columns: list[tuple[str, str]]) -> list[str]:
    """Return which columns of an engine have another name, place or type than documented. Where an engine tells which
    may be NULL, those that may be are among them."""
    documented = [(bare(name), kind) for name, kind, _ in find_tables("docs/schema.md", view)]
    if [name for name, _ in documented] != [name for name, _ in columns]:
        return [f"{view}: {columns!r}"]
    is_telling = any("Nullable" in type for _, type in columns)
    return [
        f"{view}.{name}: {type}, not {kind}"
        for (name, kind), (_, type) in zip(documented, columns, strict=True)
        if name_type(type) not in _KINDS[kind.rstrip("?")]
        or (is_telling and kind.endswith("?") and "Nullable" not in type and name not in _ALWAYS_THERE)
    ]


def name_type(type: str) -> str:
    """Return the documented name of an engine's type, or the type if there is none."""
    while wrapped := _WRAPPED.fullmatch(type):
        type = wrapped[1]
    return _TYPES.get(type, type)
