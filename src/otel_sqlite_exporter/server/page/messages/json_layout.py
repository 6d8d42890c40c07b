# SPDX-License-Identifier: Apache-2.0
"""JSON laid out in lines, as it was written: no number is rounded, no key is dropped, no escape is changed."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from otel_sqlite_exporter.show.visible_text import split_visible

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
_INDENT = "  "
_DEEPEST = 40
"""More levels are not indented further, or each line of deep JSON would be longer than the one before."""
_SLOWLY_READ = 200_000
_ONE_LINE = 72


def is_json(text: str) -> bool:
    """Return whether a text holds an object or an array."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
        return True
    except ValueError:
        return len(text) <= _SLOWLY_READ and _is_odd_json(text)


def _is_odd_json(text: str) -> bool:
    """Return whether a text is JSON that orjson does not take, such as NaN, or a number beyond its range."""
    try:
        json.loads(text)
        return True
    except (ValueError, RecursionError):
        return False


def write_json(value: Any) -> str:
    """Return a value as JSON; bytes, and whatever else JSON does not have, as Python writes it."""
    try:
        return json.dumps(value, ensure_ascii=False, default=repr, separators=(",", ":"))
    except (RecursionError, ValueError, TypeError):
        return json.dumps(f"a value of {type(value).__name__} that JSON cannot hold")


def escape_hidden(text: str) -> str:
    """Return JSON that means the same, with escapes for hidden characters, which stand only in its texts."""
    return "".join(part if name is None else json.dumps(part)[1:-1] for part, name in split_visible(text))


def lay_out(text: str, most: int) -> tuple[str, bool]:
    """Return JSON in lines, up to about `most` characters, and whether that is all of it. What is short is one line."""
    if len(text) <= _ONE_LINE * 2:
        line = "".join(f"{token} " if token in ",:" else token for token in _TOKEN.findall(text))
        if len(line) <= _ONE_LINE:
            return line, True
    written, size, depth, before = list[str](), 0, 0, ""
    for found in _TOKEN.finditer(text):
        token = found[0]
        if size > most:
            return "".join(written), False
        if token in "]}":
            depth -= 1
        piece = f"{_find_gap(before, token, depth)}{token}"
        if token in "[{":
            depth += 1
        written.append(piece)
        size += len(piece)
        before = token
    return "".join(written), True


def _find_gap(before: str, token: str, depth: int) -> str:
    """Return what stands between two tokens: nothing, a space, or a new line."""
    if not before or token in ",:" or before + token in ("[]", "{}"):
        return ""
    if before == ":":
        return " "
    return "\n" + _INDENT * min(depth, _DEEPEST)
