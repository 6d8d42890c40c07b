# SPDX-License-Identifier: Apache-2.0
"""A block of lines between two marks in a text of lines that start with `#` where they are comments. Pure."""

from __future__ import annotations

import re

from otel_sqlite_exporter.connect.json_edits import UnreadableTextError

_LAST_EMPTY = re.compile(r"(\A|\n)\r?\n\Z")


def make_block(name: str, lines: list[str]) -> str:
    """Return the block of this name, with its marks."""
    return "\n".join((f"# >>> otel-sqlite-exporter {name} >>>", *lines, f"# <<< otel-sqlite-exporter {name} <<<", ""))


def write_block(text: str, block: str, written: str | None) -> str:
    """Return `text` with `block`: in place of `written`, which is the block that stood there before, else at the end.

    Raises:
        UnreadableTextError: Somebody else has changed the block that stands there.
    """
    begin, end = _find(text, block, written)
    line = "\r\n" if "\r\n" in text else "\n"
    lines = block.replace("\n", line)
    if begin < 0:
        space = "" if not text else line if text.endswith("\n") else line * 2
        return f"{text}{space}{lines}"
    return text[:begin] + lines + text[end:]


def undo_block(text: str, written: str) -> str:
    """Return `text` without the block `written`, and without the empty line before it.

    Raises:
        UnreadableTextError: Somebody else has changed it.
    """
    begin, end = _find(text, written, written)
    if begin < 0:
        return text
    return _LAST_EMPTY.sub(r"\1", text[:begin]) + text[end:]


def _find(text: str, block: str, written: str | None) -> tuple[int, int]:
    """Return where the block `written` stands in a text, with line ends of either kind; -1: it has no such block."""
    first, last = block.splitlines()[0], block.splitlines()[-1]
    if not re.search(rf"^({re.escape(first)}|{re.escape(last)})\r?$", text, re.MULTILINE):
        return -1, -1
    places = [
        (found.start(), found.end())
        for lines in ((written, written.replace("\n", "\r\n")) if written else ())
        for found in re.finditer(re.escape(lines), text)
    ]
    if len(places) != 1:
        raise UnreadableTextError(f"the lines between `{first}` and `{last}` were changed by somebody else")
    return places[0]
