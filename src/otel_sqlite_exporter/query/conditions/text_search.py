# SPDX-License-Identifier: Apache-2.0
"""`contains_text`, the SQL function that filters look for texts with, and the bound on how much it looks through."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Any

from otel_sqlite_exporter.model.search_terms import extract_text, fold

MOST_TEXT = 50_000_000
"""Characters, of which each look counts `_LOOK` more: about three seconds."""
_LOOK = 100
_REMEMBERED = 8


class TextSearch:
    """Looks for texts on a connection, until the texts are more than `most` characters in all; then it is exhausted,
    and the statement fails."""

    def __init__(self, connection: sqlite3.Connection, most: int = MOST_TEXT) -> None:
        self._left = most
        # The terms of a filter look through the same row one after the other.
        self._fold = lru_cache(_REMEMBERED)(_fold_content)
        connection.create_function("contains_text", -1, self._contains, deterministic=True)

    @property
    def is_exhausted(self) -> bool:
        """Whether there was more to look through."""
        return self._left < 0

    def _contains(self, text: str, *contents: Any) -> bool:
        for content in contents:
            self._left -= _LOOK + (len(content) if isinstance(content, str) else 0)
            if self.is_exhausted:
                raise OverflowError
            if content is not None and text in self._fold(content):
                return True
        return False


def _fold_content(content: Any) -> str:
    return fold(extract_text(content if isinstance(content, str) else str(content)))
