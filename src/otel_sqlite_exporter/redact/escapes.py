# SPDX-License-Identifier: Apache-2.0
"""Masks what patterns match in a text that may hold JSON, at any depth of JSON inside JSON. Pure.

Prompts, arguments and results are mostly JSON inside a text. There `Müller` is written `M\\u00fcller` or, one level
deeper, `M\\\\u00fcller`, and the `n` of `\\nada@example.org` is not part of the address. The structure is not parsed:
the JSON may stand anywhere in the text, or be cut off.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from otel_sqlite_exporter.errors import TooMuchWorkError

# A character beyond 16 bits is two escapes.
_ESCAPES = re.compile(r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]')
# Each level is one more text for the patterns to read. JSON is rarely nested more than four levels deep.
_MOST_READ = 32
_Span = tuple[int, int]


def mask_matches(text: str, find: Callable[[str], Sequence[_Span]], mask: str) -> str:
    """Return `text` with `mask` in place of what `find` finds in it, and at any level of resolved JSON escapes. A match
    takes with it an escape that it covers in part, so JSON stays JSON.

    Raises:
        TooMuchWorkError: The levels together are more than 32 times as long as the text.
    """
    if "\\" not in text:
        found = find(text)
        return _replace(text, found, mask) if found else text
    levels = _resolve_levels(text)
    spans: list[_Span] = []
    for level, (resolved, escapes) in reversed([*enumerate(levels)]):
        spans = merge_places((escapes.find_start(start), escapes.find_end(end)) for start, end in spans)
        for start, end in find(resolved):
            # In a resolved text, a backslash at the end of a match may stand before the quote that ends a string.
            spans.append((escapes.widen(start)[0], end if level else escapes.widen(end)[1]))
    return _replace(text, spans, mask)


class _Escapes:
    """The escapes of a text: the place of each in it, and in the text with the escapes resolved."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.plain_starts: list[int] = []
        self.plain_ends: list[int] = []

    def widen(self, place: int) -> _Span:
        """Return start and end of the escape that `place` is inside of, or `place` itself twice."""
        before = bisect_left(self.starts, place) - 1
        inside = before >= 0 and place < self.ends[before]
        return (self.starts[before], self.ends[before]) if inside else (place, place)

    def find_start(self, plain: int) -> int:
        """Return where in the text a match starts that starts at `plain` in the resolved text."""
        before = bisect_right(self.plain_starts, plain) - 1
        if before < 0:
            return plain
        plain_end = self.plain_ends[before]
        return self.starts[before] if plain < plain_end else self.ends[before] + plain - plain_end

    def find_end(self, plain: int) -> int:
        """Return where in the text a match ends that ends at `plain` in the resolved text."""
        before = bisect_left(self.plain_starts, plain) - 1
        return plain if before < 0 else self.ends[before] + max(plain - self.plain_ends[before], 0)


def _replace(text: str, spans: Sequence[_Span], mask: str) -> str:
    kept: list[str] = []
    at = 0
    for start, end in merge_places(spans):
        kept += (text[at:start], mask)
        at = end
    return "".join((*kept, text[at:])) if kept else text


def merge_places(spans: Iterable[_Span]) -> list[_Span]:
    """Return spans in order, those that overlap as one."""
    merged: list[_Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _resolve_levels(text: str) -> list[tuple[str, _Escapes]]:
    """Return `text` and what it becomes each time its escapes are resolved, each with its escapes."""
    levels: list[tuple[str, _Escapes]] = []
    left = _MOST_READ * len(text)
    while True:
        left -= len(text)
        if left < 0:
            raise TooMuchWorkError
        resolved, escapes = _resolve(text)
        levels.append((text, escapes))
        if not escapes.starts:
            return levels
        text = resolved


def _resolve(text: str) -> tuple[str, _Escapes]:
    escapes = _Escapes()
    parts: list[str] = []
    at = length = 0
    for match in _ESCAPES.finditer(text):
        start, end = match.span()
        plain = _read_escape(match[0])
        parts += (text[at:start], plain)
        length += start - at
        escapes.starts.append(start)
        escapes.ends.append(end)
        escapes.plain_starts.append(length)
        length += len(plain)
        escapes.plain_ends.append(length)
        at = end
    return "".join((*parts, text[at:])), escapes


@lru_cache(maxsize=4_096)
def _read_escape(escape: str) -> str:
    plain: str = json.loads(f'"{escape}"')
    return plain
