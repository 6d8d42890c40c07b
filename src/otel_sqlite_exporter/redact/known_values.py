# SPDX-License-Identifier: Apache-2.0
"""Finds values that are masked under one key where they stand again: in a prompt, an address, the name of a span."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from otel_sqlite_exporter.errors import TooMuchWorkError
from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.redact.content_names import is_kept_member
from otel_sqlite_exporter.redact.escapes import merge_places

SHORTEST = 3
"""The length of the shortest value that is looked for."""
_SHORTEST_NUMBER = 5
_WORD = 8
"""A shorter value is found only as a whole word."""
_LONG, _FEW = 16, 64
"""A few values are looked for one by one; many by their beginnings, long ones by long beginnings."""
_DEEPEST = 50
_UNESCAPED = ("", "/", "/@:", "!'()*", ";,/?:@&=+$!'()*#")
"""What programs leave as it is in an address: all of it, a path, `encodeURIComponent` and `encodeURI`."""
_ESCAPE = re.compile("%[0-9A-F]{2}")
_MOST_COMPARED = 1_000_000
"""How often a text is compared with a value, at least: 0.2 s."""
_COMMON = frozenset(
    (
        *("true", "false", "null", "none", "user", "assistant", "system", "developer", "tool", "function", "model"),
        *("text", "chat", "stop", "json", "string", "number", "object", "array", "content", "name", "type"),
        *(
            "unknown",
            "[redacted]",
            "yes",
            "and",
            "the",
            "for",
            "you",
            "not",
            "get",
            "put",
            "api",
            "url",
            "http",
            "https",
        ),
    )
)
"""Words that formats of messages consist of, in lower case."""
_SCHEME = re.compile(r"(?:bearer|basic|token|digest)\s+(\S+)", re.IGNORECASE)


class KnownValues:
    """The values that are masked under keys, and where a text has one of them. Not thread-safe."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._spelled: set[str] = set()
        # By the length of a beginning, the values that are found by it.
        self._by_beginning: dict[int, dict[str, list[str]]] = {length: {} for length in (_LONG, SHORTEST)}

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._values)

    def add(self, value: Any) -> None:
        """Add what stands under a masked key: the texts and numbers in it. Of maps, those are left out that only say of
        which kind something is."""
        self._add(value, 0)

    def find(self, text: str) -> Sequence[tuple[int, int]]:
        """Return the places of values in a text, in order; those that overlap as one. A value is found as it is, as it
        is written in an address, and as in HTML.

        Raises:
            TooMuchWorkError: Too many values begin as the text does at too many places.
        """
        return merge_places(self._find_each(text))

    def _find_each(self, text: str) -> Iterator[tuple[int, int]]:
        if len(self._spelled) <= _FEW:
            for value in self._spelled:
                start = text.find(value)
                while start >= 0:
                    if _is_place(text, value, start):
                        yield start, start + len(value)
                    start = text.find(value, start + 1)
            return
        left = _MOST_COMPARED + len(text)
        for length, values in self._by_beginning.items():
            for start in range(len(text) - length + 1 if values else 0):
                for value in values.get(text[start : start + length], ()):
                    left -= 1
                    if left < 0:
                        raise TooMuchWorkError
                    if text.startswith(value, start) and _is_place(text, value, start):
                        yield start, start + len(value)

    def _add(self, value: Any, depth: int) -> None:
        if depth > _DEEPEST or value is None or isinstance(value, bool):
            return
        if isinstance(value, (bytes, bytearray, memoryview)):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, str):
            self._add_text(value, depth)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if not (isinstance(item, str) and is_kept_member(str(key))):
                    self._add(item, depth + 1)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._add(item, depth + 1)
        elif len(number := str(value)) >= _SHORTEST_NUMBER:
            self._keep(number)

    def _add_text(self, text: str, depth: int) -> None:
        text = text.strip()
        decoded = decode_text(text)
        if decoded is not None:
            self._add(decoded, depth + 1)
        self._keep(text)
        if scheme := _SCHEME.fullmatch(text):
            self._keep(scheme[1])

    def _keep(self, text: str) -> None:
        if len(text) < SHORTEST or text in self._values or text.lower() in _COMMON:
            return
        self._values.add(text)
        for spelled in _spell(text):
            if spelled not in self._spelled:
                self._spelled.add(spelled)
                length = _LONG if len(spelled) >= _LONG else SHORTEST
                self._by_beginning[length].setdefault(spelled[:length], []).append(spelled)


def _spell(text: str) -> Iterator[str]:
    """Yield the spellings of a value: as it is, in an address, and in HTML."""
    yield text
    yield html.escape(text)
    data = text.encode("utf-8", "surrogatepass")
    for spelled in (*(quote(data, safe=safe) for safe in _UNESCAPED), quote_plus(data)):
        yield spelled
        yield _ESCAPE.sub(lambda escape: escape[0].lower(), spelled)


def _is_place(text: str, value: str, start: int) -> bool:
    """Whether a value that stands at a place of a text is meant: a short one may be a part of any word."""
    return len(value) >= _WORD or _stands_alone(text, start, start + len(value))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit goes on before or after a place."""
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return not before and not after
