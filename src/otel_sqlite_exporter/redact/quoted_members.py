# SPDX-License-Identifier: Apache-2.0
"""Finds members of JSON, or of Python's `repr`, in any text by their key: the JSON may stand in prose or be cut off.
Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_KEY = re.compile(r"""(["'])((?:(?!\1)[^\\\n]|\\.){1,200})\1\s*(?:=>|[:=])\s*""")
_BARE = re.compile(r"[^\s,;}\])\"']+")
_BEFORE = re.compile(r"[A-Za-z_][\w.]{0,100}(?=[\"'(\[{])")
"""What stands before the text or the bracket of a value that is `b'...'`, `UUID('...')` or `User(name='...')`."""
_OPENING, _CLOSING = "{[(", "}])"


class QuotedMember(NamedTuple):
    """A member: its key, and where the value stands, of a text without its quotes."""

    key: str
    start: int
    end: int


def find_members(text: str, is_wanted: Callable[[str], bool]) -> Iterator[QuotedMember]:
    """Yield the members whose key is wanted, the outermost of those inside each other. A value that has no end goes to
    the end of the text."""
    at = 0
    while (found := _KEY.search(text, at)) is not None:
        if not is_wanted(found[2]):
            at = found.end(2)  # a quote that ends one text may begin the key that is meant
            continue
        start, end = _find_value(text, found.end())
        if start < end:
            yield QuotedMember(found[2], start, end)
        at = max(end, found.end(2))


def _find_value(text: str, start: int) -> tuple[int, int]:
    before = _BEFORE.match(text, start)
    at = start if before is None else before.end()
    first = text[at : at + 1]
    if first and first in "\"'":
        return at + 1, _find_quote(text, at)
    if first and first in _OPENING:
        return start, _find_closing(text, at)
    if first == "<" and (end := text.find(">", at)) >= 0:
        return start, end + 1
    bare = _BARE.match(text, start)
    return (start, bare.end()) if bare is not None else (start, start)


def _find_quote(text: str, start: int) -> int:
    """Return where the text that begins with the quote at `start` ends: the place of its last quote."""
    quote, at = text[start], start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == quote:
            return at
        at += 1
    return len(text)


def _find_closing(text: str, start: int) -> int:
    """Return the place after the bracket that closes the one at `start`."""
    depth, at = 0, start
    while at < len(text):
        one = text[at]
        if one in "\"'":
            at = _find_quote(text, at)
        elif one in _OPENING:
            depth += 1
        elif one in _CLOSING:
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return len(text)
