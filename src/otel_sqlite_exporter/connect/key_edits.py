# SPDX-License-Identifier: Apache-2.0
"""Writes settings into the text of a configuration, and takes them back: those alone, also if other settings were
changed meanwhile. Each new text is read again, and given up if it means anything else. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from otel_sqlite_exporter.connect import json_edits, toml_edits
from otel_sqlite_exporter.connect.json_edits import UnreadableTextError

Path = tuple[str, ...]
"""The keys that lead to a value."""


class TextFormat(NamedTuple):
    """How a format is read, and its text changed."""

    parse: Callable[[str], dict[str, Any]]
    write: Callable[[Any], str]
    get: Callable[[str, Sequence[str]], str | None]
    set: Callable[[str, Sequence[str], str], str]
    remove: Callable[[str, Sequence[str]], str]
    tidy: Callable[[str], str]
    """Removes marks that `set` has made, from a text that keeps what somebody else has written between them."""
    empty: str
    """The text of a new file."""


FORMATS: Mapping[str, TextFormat] = {
    "json": TextFormat(
        json_edits.parse_json,
        json_edits.write_json,
        json_edits.get_json_text,
        json_edits.set_json,
        json_edits.remove_json,
        str,
        "{}\n",
    ),
    "toml": TextFormat(
        toml_edits.parse_toml,
        toml_edits.write_toml,
        toml_edits.get_toml_text,
        toml_edits.set_toml,
        toml_edits.remove_toml,
        toml_edits.remove_marks,
        "",
    ),
}


class WrittenKey(NamedTuple):
    """A value that was written, and the text of the value that stood there before; None: there was none."""

    path: Path
    value: Any
    before: str | None


class WrittenKeys(NamedTuple):
    """All that was written into a text: values, and objects or tables that were made to hold them, outer ones first."""

    keys: tuple[WrittenKey, ...] = ()
    made: tuple[Path, ...] = ()


def write_keys(
    text: str, form: TextFormat, wanted: Mapping[Path, Any], written: WrittenKeys
) -> tuple[str, WrittenKeys]:
    """Return `text` with the wanted values, and what has been written into it now. `written` is what was before: values
    of it that are not wanted any more are taken back. A value that is there already, and is not of `written`, belongs
    to the user: it is not noted.

    Raises:
        UnreadableTextError: The text cannot be read, or is laid out in a way that cannot be changed.
    """
    stale = WrittenKeys(tuple(key for key in written.keys if key.path not in wanted))
    text, _ = undo_keys(text, form, stale)
    known = {key.path: key for key in written.keys}
    present = form.parse(text)
    expected = deepcopy(present)
    keys, made = [], [path for path in written.made if _find(present, path)[0]]
    for path, value in wanted.items():
        there, old = _find(present, path)
        is_ours = path in known and there and _is_same(old, known[path].value)
        if there and _is_same(old, value):
            keys += [known[path]] if is_ours else []
            continue
        before = known[path].before if is_ours else form.get(text, path) if there else None
        made += [path[:depth] for depth in range(1, len(path)) if not _find(expected, path[:depth])[0]]
        text = form.set(text, path, form.write(value))
        _set(expected, path, value)
        keys.append(WrittenKey(path, value, before))
    return _check(text, form, expected), WrittenKeys(tuple(keys), tuple(made))


def undo_keys(text: str, form: TextFormat, written: WrittenKeys) -> tuple[str, list[Path]]:
    """Return `text` without what was written, and the paths of values that somebody else has changed since: these stay.

    Raises:
        UnreadableTextError: The text cannot be read, or is laid out in a way that cannot be changed.
    """
    expected, changed = form.parse(text), []
    for key in reversed(written.keys):
        there, value = _find_left(expected, key.path)
        if not there:
            continue
        if not _is_same(value, key.value):
            changed.append(key.path)
            continue
        if key.before is None:
            text = form.remove(text, key.path)
            del _find(expected, key.path[:-1])[1][key.path[-1]]
        else:
            text = form.set(text, key.path, key.before)
            _set(expected, key.path, _find(form.parse(text), key.path)[1])
    for path in reversed(written.made):
        if _find_left(expected, path) == (True, {}):
            text = form.remove(text, path)
            del _find(expected, path[:-1])[1][path[-1]]
    text = form.tidy(text) if written.made else text
    return _check(text, form, expected), changed[::-1]


def find_values(text: str, form: TextFormat, paths: Sequence[Path]) -> dict[Path, Any]:
    """Return the values that stand at these paths."""
    present = form.parse(text)
    found = ((path, _find(present, path)) for path in paths)
    return {path: value for path, (there, value) in found if there}


def _check(text: str, form: TextFormat, expected: dict[str, Any]) -> str:
    try:
        is_right = _is_same(form.parse(text), expected)
    except UnreadableTextError:
        is_right = False
    if not is_right:
        raise UnreadableTextError("it is laid out in a way that this program does not change")
    return text


def _find(value: Any, path: Path) -> tuple[bool, Any]:
    """Return whether there is a value at `path`, and the value."""
    for key in path:
        if not isinstance(value, dict):
            raise UnreadableTextError(f"{'.'.join(path[: path.index(key)])} is not an object")
        if key not in value:
            return False, None
        value = value[key]
    return True, value


def _find_left(value: Any, path: Path) -> tuple[bool, Any]:
    """Return the same; nothing is left of what stood in an object that something else has replaced."""
    try:
        return _find(value, path)
    except UnreadableTextError:
        return False, None


def _set(value: dict[str, Any], path: Path, new: Any) -> None:
    for key in path[:-1]:
        value = value.setdefault(key, {})
    value[path[-1]] = new


def _is_same(one: Any, other: Any) -> bool:
    """Return whether values are equal in type and contents; the order of keys does not matter, and NaN equals NaN."""
    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(other, sort_keys=True, default=repr)
