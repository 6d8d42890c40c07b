# SPDX-License-Identifier: Apache-2.0
"""Patterns in a text that may hold JSON, at any depth of JSON inside JSON. Pure.

Prompts, arguments and results are mostly JSON inside a text, where `Müller` is written `M\\u00fcller` or, one level
deeper, `M\\\\u00fcller`, and where the `n` of `\\nada@example.org` is no letter of the address. No structure is parsed:
the JSON may stand anywhere in the text, or be cut.
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
# Nobody nests JSON deeper; a text can be made that resolves a thousand times.
_DEEPEST = 16


class _Escape(NamedTuple):
    """Where an escape stands in the text, and in the text with the escapes resolved."""

    start: int
    end: int
    plain_start: int
    plain_end: int


_START, _PLAIN_START = itemgetter(0), itemgetter(2)


def mask_escaped(text: str, patterns: Sequence[re.Pattern[str]], mask: str) -> str:
    """Return `text` with `mask` in the place of what the patterns match in it, or would match with its JSON escapes
    resolved. An escape that is matched in part goes with the match, so what was JSON stays so."""
    kept: list[str] = []
    at = 0
    for start, end in sorted(_find_spans(text, patterns)):
        if start >= at:
            kept += (text[at:start], mask)
        at = max(at, end)
    return "".join((*kept, text[at:]))


def _find_spans(text: str, patterns: Sequence[re.Pattern[str]], level: int = 0) -> list[tuple[int, int]]:
    spans = [match.span() for pattern in patterns for match in pattern.finditer(text) if match[0]]
    if "\\" not in text or level == _DEEPEST:
        return spans
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
    if not escapes:
        return spans
    # In a text that was resolved, a backslash at the end of a match may stand before the quote that ends a string.
    whole = [(_widen(escapes, start)[0], end if level else _widen(escapes, end)[1]) for start, end in spans]
    inner = _find_spans("".join((*parts, text[at:])), patterns, level + 1)
    return whole + [(_find_start(escapes, start), _find_end(escapes, end)) for start, end in inner]


def _widen(escapes: list[_Escape], place: int) -> tuple[int, int]:
    """Return the ends of the escape in which `place` is, or `place` itself twice."""
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
