# SPDX-License-Identifier: Apache-2.0
"""Finds values that are masked under one key where they stand again: in a prompt, an address, the name of a span."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from otel_sqlite_exporter.genai.messages.json_texts import decode_text
from otel_sqlite_exporter.redact.content_names import is_kept_member

SHORTEST = 3
"""The length of the shortest value that is looked for."""
_SHORTEST_NUMBER = 5
_WORD = 8
"""A shorter value is found only as a whole word."""
_DEEPEST = 50
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
        self._by_beginning: dict[str, list[str]] = {}

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._values)

    def add(self, value: Any) -> None:
        """Add what stands under a masked key: the texts and numbers in it. Of maps, those are left out that only say of
        which kind something is."""
        self._add(value, 0)

    def find(self, text: str) -> Sequence[tuple[int, int]]:
        """Return the places of values in a text, in order, none over another; of two that begin at one place, the
        longer."""
        if not self._by_beginning:
            return ()
        found = []
        at = 0
        for start in range(len(text) - SHORTEST + 1):
            candidates = self._by_beginning.get(text[start : start + SHORTEST]) if start >= at else None
            for value in candidates or ():
                end = start + len(value)
                if text.startswith(value, start) and (len(value) >= _WORD or _stands_alone(text, start, end)):
                    found.append((start, end))
                    at = end
                    break
        return found

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
        candidates = self._by_beginning.setdefault(text[:SHORTEST], [])
        candidates.append(text)
        candidates.sort(key=len, reverse=True)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit goes on before or after a place."""
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return not before and not after
