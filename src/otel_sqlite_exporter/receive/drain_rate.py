# SPDX-License-Identifier: Apache-2.0
"""How fast what waits is written, and so when a sender may come again."""

from __future__ import annotations

import math

_SHORTEST_S, _LONGEST_S = 1, 30
_MEMORY_S = 5.0
"""How long a measurement counts: what was measured so long before another one counts a third of it."""


class DrainRate:
    """A moving average of bytes written in a second. Used by one thread; `find_wait_s` by any."""

    def __init__(self) -> None:
        self._bytes = 0.0
        self._seconds = 0.0

    def note(self, size_bytes: int, seconds: float) -> None:
        """Note that so much was written in that time; nothing, where it failed."""
        kept = math.exp(-seconds / _MEMORY_S)
        self._bytes = self._bytes * kept + size_bytes
        self._seconds = self._seconds * kept + seconds

    def find_wait_s(self, waiting_bytes: int) -> int:
        """Return in how many seconds `waiting_bytes` will be written, from 1 to 30."""
        if not self._seconds:
            return _SHORTEST_S
        if not self._bytes:
            return _LONGEST_S
        return min(max(math.ceil(waiting_bytes * self._seconds / self._bytes), _SHORTEST_S), _LONGEST_S)
