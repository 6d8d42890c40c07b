# SPDX-License-Identifier: Apache-2.0
"""A limit for walks through values that hold a list or map more than once, or themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

# Elements of lists and maps that a value holds more than once: without a limit, a value that holds itself has no end.
_MOST_REPEATED = 100_000


class Repeats:
    """Counts the elements of lists and maps that a walk through one value visits again."""

    def __init__(self) -> None:
        self._visited: dict[int, Any] = {}  # by identity; the value is kept, so that its identity stays its own
        self._left = _MOST_REPEATED

    def allow(self, holder: Collection[Any]) -> bool:
        """Note a visit of a list or map; False if the walk has visited too many elements again."""
        if id(holder) in self._visited:
            self._left -= len(holder)
            return self._left >= 0
        self._visited[id(holder)] = holder
        return True
