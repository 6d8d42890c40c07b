# SPDX-License-Identifier: Apache-2.0
"""Leaves members out of JSON that a text, map or list holds. Pure, and nothing here raises for any value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.column_readers import find_value
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.model.values import encode_value

_DEEPEST = 100
NOTHING = object()
"""Stands for a value of which nothing is left."""
Keep = Callable[[str, Any], bool]
"""Whether to keep a member, by its key and its value. It is also asked for each map and list, and then for what is in
them; an element of a list has the key of the list."""


def keep_members(key: str, value: Any, keep: Keep) -> Any:
    """Return the `value` of an attribute with the members that `keep` keeps: JSON in a text stays JSON in a text.
    `NOTHING` if it holds none, or is a text that holds no JSON."""
    decoded = decode_text(value) if isinstance(value, str) else value
    if not isinstance(decoded, (Mapping, list, tuple)):
        return NOTHING
    kept = _visit(key, decoded, keep, 0)
    if kept == decoded:
        return value
    if not kept:
        return NOTHING
    return encode_value(kept).text if isinstance(value, str) else kept


def keep_paths(value: Any, paths: Iterable[Sequence[str]], is_kept: Callable[[Any], bool]) -> dict[str, Any]:
    """Return what `value` has at these paths, as `find_value` reads them, if `is_kept`, as a map that has it there too.
    A list is not returned: what is read from it is lost."""
    kept: dict[str, Any] = {}
    for path in paths:
        found = find_value(value, path)
        if path and found is not None and is_kept(found):
            _put(kept, path, found)
    members = _as_lists(kept)
    return members if isinstance(members, dict) else {}


def _visit(key: str, value: Any, keep: Keep, depth: int) -> Any:
    if depth >= _DEEPEST:
        return {}
    if isinstance(value, Mapping):
        members = {
            name: _visit(str(name), item, keep, depth + 1) for name, item in value.items() if keep(str(name), item)
        }
        return {name: item for name, item in members.items() if item or not isinstance(item, (dict, list))}
    if isinstance(value, (list, tuple)):
        items = [_visit(key, item, keep, depth + 1) for item in value if keep(key, item)]
        return [item for item in items if item or not isinstance(item, (dict, list))]
    return value


def _put(kept: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *parents, last = path
    for name in parents:
        inner = kept.setdefault(name, {})
        if not isinstance(inner, dict):  # another path has the whole
            return
        kept = inner
    kept[last] = value


def _as_lists(kept: Any) -> Any:
    """Return maps whose keys are the places of a list as that list, for the places up to the greatest."""
    if not isinstance(kept, dict):
        return kept
    values = {name: _as_lists(value) for name, value in kept.items()}
    if values and all(name.isdecimal() for name in values):
        return [values.get(str(place)) for place in range(max(map(int, values)) + 1)]
    return values
