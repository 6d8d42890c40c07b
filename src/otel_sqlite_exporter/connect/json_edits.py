# SPDX-License-Identifier: Apache-2.0
"""Changes single members of JSON text, and nothing else of it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

_BLANKS = " \t\r\n"
_SPACE = re.compile(rf"[{_BLANKS}]*")
_INDENT = re.compile(r"\n([ \t]+)[^ \t\r\n]")


class UnreadableTextError(ValueError):
    """A text is not what it should be, or cannot be changed. The message says why, and quotes nothing of it."""


class _Member(NamedTuple):
    """Where a member of an object stands in the text: its key, its value, and the end of its value."""

    key: str
    begin: int
    value: int
    end: int


class _Object(NamedTuple):
    members: list[_Member]
    begin: int
    end: int
    """The places of its braces."""

    def find(self, key: str) -> _Member | None:
        return next((member for member in self.members if member.key == key), None)


def parse_json(text: str) -> dict[str, Any]:
    """Return the object that `text` is.

    Raises:
        UnreadableTextError: It is none, or an object has a key twice.
    """
    try:
        value = json.loads(text, object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant)
    except UnreadableTextError:
        raise
    except json.JSONDecodeError as error:
        raise UnreadableTextError(f"line {error.lineno} is not JSON; comments are not, either") from None
    except (ValueError, RecursionError):  # too many digits, or too many levels
        raise UnreadableTextError("it is not JSON that this program reads") from None
    if not isinstance(value, dict):
        raise UnreadableTextError("it is not a JSON object")
    return value


def write_json(value: Any) -> str:
    """Return the text of a value."""
    return json.dumps(value, ensure_ascii=False)


def get_json_text(text: str, path: Sequence[str]) -> str | None:
    """Return the text of the value at `path`; None if nothing is there."""
    found = _find(text, path)
    return None if found is None else text[found.value : found.end]


def set_json(text: str, path: Sequence[str], value: str) -> str:
    """Return `text` with the value whose text is `value` at `path`, in objects that are made where they are missing. A
    new member is the last one of its object, and is laid out like the one before it; but where the text has lines, it
    gets a line of its own.

    Raises:
        UnreadableTextError: The path leads through a value that is no object.
    """
    for depth in range(1, len(path)):
        if _find(text, path[:depth]) is None:
            text = _insert(text, path[:depth], "{}")
    found = _find(text, path)
    if found is None:
        return _insert(text, path, value)
    return text[: found.value] + value + text[found.end :]


def remove_json(text: str, path: Sequence[str]) -> str:
    """Return `text` without the member at `path`, and without the comma that it needed.

    Raises:
        UnreadableTextError: Nothing is there.
    """
    holder = _find_object(text, path[:-1])
    member = holder.find(path[-1]) if holder is not None else None
    if holder is None or member is None:
        raise UnreadableTextError("nothing is there")
    place = holder.members.index(member)
    if len(holder.members) == 1:
        return text[: holder.begin + 1] + text[holder.end :]
    if place == 0:
        return text[: member.begin] + text[holder.members[1].begin :]
    return text[: holder.members[place - 1].end] + text[member.end :]


def _insert(text: str, path: Sequence[str], value: str) -> str:
    holder = _find_object(text, path[:-1])
    if holder is None:
        raise UnreadableTextError("nothing is there")
    key = json.dumps(path[-1], ensure_ascii=False)
    if holder.members:
        last = holder.members[-1]
        space = text[len(text[: last.begin].rstrip(_BLANKS)) : last.begin]
        if "\n" not in space and "\n" in text.strip():
            line, unit = _find_layout(text)
            space = line + unit * len(path)
        colon = text[_read(text, last.begin)[1] : last.value]
        return f"{text[: last.end]},{space}{key}{colon}{value}{text[last.end :]}"
    line, unit = _find_layout(text)
    if "\n" not in text.strip() and text.strip() != "{}":
        line = unit = ""
    outer, inner = unit * (len(path) - 1), unit * len(path)
    made = f"{{{line}{inner}{key}: {value}{line}{outer}}}"
    return text[: holder.begin] + made + text[holder.end + 1 :]


def _find_layout(text: str) -> tuple[str, str]:
    """Return what ends a line of the text, and what indents a level."""
    found = _INDENT.search(text)
    return "\r\n" if "\r\n" in text else "\n", found[1] if found else "  "


def _find(text: str, path: Sequence[str]) -> _Member | None:
    holder = _find_object(text, path[:-1])
    return holder.find(path[-1]) if holder is not None else None


def _find_object(text: str, path: Sequence[str]) -> _Object | None:
    """Return the object at `path`; None if nothing is there."""
    here = _scan(text, _skip(text, 0))
    for key in path:
        member = here.find(key)
        if member is None:
            return None
        here = _scan(text, member.value)
    return here


def _scan(text: str, at: int) -> _Object:
    """Return the object that begins at `at`, in text that `parse_json` has read."""
    if text[at] != "{":
        raise UnreadableTextError("a value on the way is no object")
    members: list[_Member] = []
    place = _skip(text, at + 1)
    while text[place] != "}":
        key, after = _read(text, place)
        value = _skip(text, _skip(text, after) + 1)
        _, end = _read(text, value)
        members.append(_Member(key, place, value, end))
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return _Object(members, at, place)


def _read(text: str, at: int) -> tuple[Any, int]:
    """Return the value that begins at `at`, and its end."""
    return json.JSONDecoder().raw_decode(text, at)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise UnreadableTextError("an object has the same key twice")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableTextError(f"{name} is not JSON")
