# SPDX-License-Identifier: Apache-2.0
"""`contains_text`, the SQL function that filters look for texts with, and the bound on how much it looks through."""

from __future__ import annotations

import json
import sqlite3
from functools import lru_cache
from typing import Any

from otel_sqlite_exporter.model.search_terms import extract_text, fold

MOST_TEXT = 300_000_000
"""Characters, of which each look counts `_LOOK` more: about two seconds."""
_LOOK = 100
_REMEMBERED = 8


class TextSearch:
    """Looks for texts on a connection, until the texts are more than `most` characters in all; then it is exhausted,
    and the statement fails."""

    def __init__(self, connection: sqlite3.Connection, most: int = MOST_TEXT) -> None:
        self._left = most
        self._interrupt = connection.interrupt
        # The terms of a filter look through the same row one after the other.
        self._fold = lru_cache(_REMEMBERED)(_fold_contents)
        self._read_texts = lru_cache(_REMEMBERED)(json.loads)
        connection.create_function("contains_text", -1, self._contains, deterministic=True)

    @property
    def is_exhausted(self) -> bool:
        """Whether there was more to look through."""
        return self._left < 0

    def _contains(self, texts: str, *contents: Any) -> bool:
        """Return whether all texts of one of the groups, a JSON array of arrays, occur in any of the contents."""
        content = self._fold(*contents)
        self._left -= _LOOK + len(content)
        if self.is_exhausted:
            self._interrupt()  # to raise would print a traceback where `sqlite3.enable_callback_tracebacks` is on
            return False
        for group in self._read_texts(texts):
            for text in group:
                if text not in content:
                    break
            else:
                return True
        return False


def _fold_contents(*contents: Any) -> str:
    """Return what is looked for texts in: none of them has a NUL, so none begins in one content and ends in another."""
    return "\0".join(fold(extract_text(str(content))) for content in contents if content is not None)
