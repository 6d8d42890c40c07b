# SPDX-License-Identifier: Apache-2.0
"""A block of lines between two marks in a text of lines that start with `#` where they are comments. Pure."""

from __future__ import annotations

import re

from otel_sqlite_exporter.connect.json_edits import UnreadableTextError


def make_block(name: str, lines: list[str]) -> str:
    """Return the block of this name, with its marks."""
    return "\n".join((f"# >>> otel-sqlite-exporter {name} >>>", *lines, f"# <<< otel-sqlite-exporter {name} <<<", ""))


def write_block(text: str, block: str, written: str | None) -> str:
    """Return `text` with `block`: in place of `written`, which is the block that stood there before, else at the end.

    Raises:
        UnreadableTextError: Somebody else has changed the block that stands there.
    """
    begin, end = _find(text, block, written)
    if begin < 0:
        space = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{space}{block}"
    return text[:begin] + block + text[end:]


def undo_block(text: str, written: str) -> str:
    """Return `text` without the block `written`, and without the empty line before it.

    Raises:
        UnreadableTextError: Somebody else has changed it.
    """
    begin, end = _find(text, written, written)
    if begin < 0:
        return text
    before = text[:begin]
    return (before[:-1] if before.endswith("\n\n") or before == "\n" else before) + text[end:]


def _find(text: str, block: str, written: str | None) -> tuple[int, int]:
    """Return where the block `written` stands in a text; -1: it has no such block."""
    first, last = block.splitlines()[0], block.splitlines()[-1]
    if not re.search(rf"^({re.escape(first)}|{re.escape(last)})\r?$", text, re.MULTILINE):
        return -1, -1
    if written is None or text.count(written) != 1:
        raise UnreadableTextError(f"the lines between `{first}` and `{last}` were changed by somebody else")
    begin = text.index(written)
    return begin, begin + len(written)
