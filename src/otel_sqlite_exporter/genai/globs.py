# SPDX-License-Identifier: Apache-2.0
"""Matches texts with patterns of dialects. Pure.

In a pattern `*` stands for any text, also for none. `{name}` does so too, and is the name of the agent or tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_WILD = re.compile(r"(\*|\{name\})")
_NAME = "{name}"


class Glob(NamedTuple):
    """A pattern: its literal pieces, and what stands between two of them."""

    pieces: tuple[str, ...]
    wilds: tuple[str, ...]

    def match(self, text: str) -> str | None:
        """Return the name in a text that the pattern matches as a whole, or an empty text if it has none; None if it
        does not match. A name is as long as it can be. The work grows as the text does."""
        first, *others = self.pieces
        if not others:
            return "" if text == first else None
        last = others.pop()
        end = len(text) - len(last)
        if end < len(first) or not (text.startswith(first) and text.endswith(last)):
            return None
        name = ""
        # From the right, because each wildcard takes as much as it can.
        for wild, piece in zip(reversed(self.wilds[1:]), reversed(others), strict=True):
            start = text.rfind(piece, len(first), end)
            if start < 0:
                return None
            if wild == _NAME:
                name = text[start + len(piece) : end]
            end = start
        return text[len(first) : end] if self.wilds[0] == _NAME else name


def compile_glob(pattern: str) -> Glob:
    """Return a pattern, of which at most one wildcard is `{name}`."""
    parts = _WILD.split(pattern)
    return Glob(tuple(parts[::2]), tuple(parts[1::2]))


def find_globs(meanings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a map whose `get` knows the patterns among the keys: the same map if there are none."""
    return GlobMap(meanings) if any("*" in key and key != "*" for key in meanings) else meanings


class GlobMap(dict[str, Any]):
    """A map whose keys may be patterns. A key that is the text itself comes first, then the patterns in their order.
    The key `*` alone is no pattern: whoever asks gives it as the default."""

    def __init__(self, meanings: Mapping[str, Any]) -> None:
        super().__init__(meanings)
        self._globs = [(compile_glob(key), meaning) for key, meaning in meanings.items() if "*" in key and key != "*"]

    def get(self, text: Any, default: Any = None) -> Any:
        """Return the meaning of `text`, or `default`."""
        if text in self:
            return super().get(text, default)
        return next((meaning for glob, meaning in self._globs if glob.match(text) is not None), default)
