# SPDX-License-Identifier: Apache-2.0
"""The first characters of an id stand for the only id that begins with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.errors import FilterError, NotFoundError
from otel_sqlite_exporter.query.filter_values import fold_id

_RESTORABLE = ("session_id", "trace_id")
_LISTS = {"complete_llm_interactions": "calls", "complete_tool_interactions": "tools"}
"""What commands, API and agents call the lists of these views."""
NAMED_CANDIDATES = 5
"""How many ids an error names."""


def check_prefix(column: str, prefix: Any) -> str:
    """Return the first characters of an id, as a file holds them.

    Raises:
        FilterError: `prefix` is not a text, or is empty.
    """
    if not isinstance(prefix, str) or not prefix:
        raise FilterError(column, f"{prefix!r} is not an id: give an id or the first characters of one")
    return fold_id(column, prefix)


def check_unique(view: str, column: str, prefix: str, found: Sequence[str], *, is_archived: bool = False) -> None:
    """Raise NotFoundError unless the first of these ids, of a column of a view, which start with `prefix`, is
    the one that is meant. Of a file that `is_archived`, the error says how an archived id comes back."""
    if len(found) == 1 or prefix in found[:1]:
        return  # in order: the id that equals the prefix is the first
    noun = column.removesuffix("_id")
    if found:
        named = ", ".join(found[:NAMED_CANDIDATES])
        more = ", ..." if len(found) > NAMED_CANDIDATES else ""
        raise NotFoundError(f"several {noun}s start with {prefix!r}: {named}{more}; give more characters")
    hint = ""
    if is_archived and column in _RESTORABLE:
        hint = f"; if it is in a dataset, `restore DATASET --{noun} ID --into FILE` brings it back"
    raise NotFoundError(f"there is no {noun} {prefix!r}: `{_LISTS.get(view, view)}` lists them{hint}")
