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
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

# A character beyond 16 bits is two escapes.
_ESCAPES = re.compile(r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]')
# Each level is one more text for the patterns to read. JSON is rarely nested more than four levels deep.
_DEEPEST = 8


class _Escape(NamedTuple):
    """Position of an escape in the text, and in the text with the escapes resolved."""

    start: int
    end: int
    plain_start: int
    plain_end: int


_START, _PLAIN_START = itemgetter(0), itemgetter(2)


def mask_escaped(text: str, patterns: Sequence[re.Pattern[str]], mask: str) -> str:
    """Return `text` with `mask` in place of what the patterns match, at any level of resolved JSON escapes. A match
    takes with it an escape that it covers in part, so JSON stays JSON. Text with escapes on more than eight levels is
    replaced by `mask` as a whole, before any pattern reads it: so the patterns read at most nine times its length."""
    levels = _resolve_levels(text)
    if levels is None:
        return mask
    spans: list[tuple[int, int]] = []
    for level, (resolved, escapes) in reversed([*enumerate(levels)]):
        spans = [(_find_start(escapes, start), _find_end(escapes, end)) for start, end in spans]
        for start, end in (match.span() for pattern in patterns for match in pattern.finditer(resolved) if match[0]):
            # In a resolved text, a backslash at the end of a match may stand before the quote that ends a string.
            spans.append((_widen(escapes, start)[0], end if level else _widen(escapes, end)[1]))
    kept: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start >= at:
            kept += (text[at:start], mask)
        at = max(at, end)
    return "".join((*kept, text[at:]))


def _resolve_levels(text: str) -> list[tuple[str, list[_Escape]]] | None:
    """Return `text` and what it becomes each time its escapes are resolved, each with its escapes; None if that takes
    more than `_DEEPEST` times."""
    levels: list[tuple[str, list[_Escape]]] = []
    while len(levels) <= _DEEPEST:
        escapes: list[_Escape] = []
        parts: list[str] = []
        at = length = 0
        for match in _ESCAPES.finditer(text):
            start, end = match.span()
            resolved = json.loads(f'"{match[0]}"')
            parts += (text[at:start], resolved)
            plain_start = length + start - at
            length, at = plain_start + len(resolved), end
            escapes.append(_Escape(start, end, plain_start, length))
        levels.append((text, escapes))
        if not escapes:
            return levels
        text = "".join((*parts, text[at:]))
    return None


def _widen(escapes: list[_Escape], place: int) -> tuple[int, int]:
    """Return start and end of the escape that `place` is inside of, or `place` itself twice."""
    before = bisect_left(escapes, place, key=_START) - 1
    inside = before >= 0 and place < escapes[before].end
    return (escapes[before].start, escapes[before].end) if inside else (place, place)


def _find_start(escapes: list[_Escape], plain: int) -> int:
    before = bisect_right(escapes, plain, key=_PLAIN_START) - 1
    if before < 0:
        return plain
    escape = escapes[before]
    return escape.start if plain < escape.plain_end else escape.end + plain - escape.plain_end


def _find_end(escapes: list[_Escape], plain: int) -> int:
    before = bisect_left(escapes, plain, key=_PLAIN_START) - 1
    if before < 0:
        return plain
    escape = escapes[before]
    return escape.end if plain <= escape.plain_end else escape.end + plain - escape.plain_end
