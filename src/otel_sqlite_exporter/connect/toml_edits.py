# SPDX-License-Identifier: Apache-2.0
"""Changes single keys of a table of TOML text, line by line, and nothing else of it. Pure.

It knows tables with a header of their own, and values on one line. Whoever calls it compares what the text means before
and after, and gives up a change that it did not get right: a table that is written otherwise, say.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.connect.json_edits import UnreadableTextError

BEGIN, END = "# >>> otel-sqlite-exporter >>>", "# <<< otel-sqlite-exporter <<<"
"""The lines around a table that was added."""
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_HEADER = re.compile(r"\s*\[")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class _Table(NamedTuple):
    """The lines of a table: of its header, and after its last."""

    header: int
    end: int


def parse_toml(text: str) -> dict[str, Any]:
    """Return what `text` means.

    Raises:
        UnreadableTextError: It is not TOML. The message says what is wrong with it.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line \d+", str(error))
        raise UnreadableTextError(f"{place[0] if place else 'it'} is not TOML") from None
    except (ValueError, RecursionError):  # too many digits, or too many levels
        raise UnreadableTextError("it is not TOML that this program reads") from None


def write_toml(value: Any) -> str:
    """Return the text of a value: a text, a truth value, or a table of such on one line."""
    if isinstance(value, Mapping):
        members = (f"{_write_key(key)} = {write_toml(one)}" for key, one in value.items())
        return f"{{ {', '.join(members)} }}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def get_toml_text(text: str, path: Sequence[str]) -> str | None:
    """Return the text behind the equals sign of the key at `path`, a table and a key; None if there is no such line."""
    lines = _LINES.findall(text)
    place = _find_key(lines, path)
    return None if place is None else lines[place].partition("=")[2].strip()


def set_toml(text: str, path: Sequence[str], value: str) -> str:
    """Return `text` with `value`, which is text, as that of the key at `path`. The table is made at the end of the text
    if it is missing."""
    lines = _LINES.findall(text)
    line = "\r\n" if "\r\n" in text else "\n"
    table = _find_table(lines, path[0])
    if table is None:
        before = line * 2 if text and not text.endswith("\n") else line if text else ""
        block = (BEGIN, f"[{_write_key(path[0])}]", f"{_write_key(path[1])} = {value}", END)
        return f"{text}{before}{line.join(block)}{line}"
    place = _find_key(lines, path)
    if place is not None:
        begin, equals, rest = lines[place].partition("=")
        space = rest[: len(rest) - len(rest.lstrip(" \t"))]
        lines[place] = f"{begin}{equals}{space}{value}{rest[len(rest.rstrip()) :]}"
        return "".join(lines)
    last = max((at for at in range(table.header, table.end) if _is_entry(lines[at])), default=table.header)
    if not lines[last].endswith("\n"):
        lines[last] += line
    lines.insert(last + 1, f"{_write_key(path[1])} = {value}{line}")
    return "".join(lines)


def remove_toml(text: str, path: Sequence[str]) -> str:
    """Return `text` without the line of the key at `path`; or without the header of the table at `path`, and the lines
    around it that `set_toml` made.

    Raises:
        UnreadableTextError: There is no such line.
    """
    lines = _LINES.findall(text)
    if len(path) > 1:
        place = _find_key(lines, path)
        if place is None:
            raise UnreadableTextError("nothing is there")
        del lines[place]
        if _is_empty_block(lines, path[0]):
            _remove_header(lines, path[0])
    else:
        _remove_header(lines, path[0])
    return "".join(lines)


def _is_empty_block(lines: Sequence[str], name: str) -> bool:
    """Return whether an added table is empty, and is there without its header: it has tables of its own."""
    table = _find_table(lines, name)
    inner = re.compile(rf"\s*\[\[?\s*{_spell(name)}\s*\.")
    if table is None or not any(map(inner.match, lines)):
        return False
    return [line.strip() for line in lines[max(0, table.header - 1) : table.header + 2 : 2]] == [BEGIN, END]


def _remove_header(lines: list[str], name: str) -> None:
    table = _find_table(lines, name)
    if table is None:
        raise UnreadableTextError("nothing is there")
    begin, end = table.header, table.header + 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    if begin and lines[begin - 1].strip() == BEGIN and end < len(lines) and lines[end].strip() == END:
        begin, end = begin - 1, end + 1
        if begin and not lines[begin - 1].strip():  # the empty line before the block
            begin -= 1
    else:
        end = table.header + 1
    del lines[begin:end]


def remove_marks(text: str) -> str:
    """Return `text` without the lines around a table that was added."""
    return "".join(line for line in _LINES.findall(text) if line.strip() not in (BEGIN, END))


def _find_key(lines: Sequence[str], path: Sequence[str]) -> int | None:
    table = _find_table(lines, path[0])
    if table is None:
        return None
    key = re.compile(rf"\s*{_spell(path[1])}\s*=")
    return next((at for at in range(table.header + 1, table.end) if key.match(lines[at])), None)


def _find_table(lines: Sequence[str], name: str) -> _Table | None:
    header = re.compile(rf"\s*\[\s*{_spell(name)}\s*\]\s*(#.*)?$")
    found = next((at for at, line in enumerate(lines) if header.match(line)), None)
    if found is None:
        return None
    end = next((at for at in range(found + 1, len(lines)) if _HEADER.match(lines[at])), len(lines))
    return _Table(found, end)


def _is_entry(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _spell(name: str) -> str:
    return f"(?:{re.escape(name)}|\"{re.escape(name)}\"|'{re.escape(name)}')"


def _write_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
