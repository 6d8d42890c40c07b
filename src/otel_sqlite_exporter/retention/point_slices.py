# SPDX-License-Identifier: Apache-2.0
"""Up to which times data points go, one after the other. Pure.

By their age they go up to one time. In a file beyond its cap they go in slices of time, so that the oldest go with the
oldest records.
"""

from __future__ import annotations

from otel_sqlite_exporter.model.values import LARGEST

_SLICES = 64


class PointSlices:
    """The next time, for one run. `every_ns`: by their age points go when those of so much time are due, as that means
    to look at each series."""

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._oldest: int | None = None
        self._width = 1

    def measure(self, oldest: int | None, now_unix_nano: int) -> None:
        """Cut the time between the oldest point and now into slices. None: there is no point."""
        self._oldest = oldest
        if oldest is not None:
            self._width = max(1, (now_unix_nano - oldest) // _SLICES)

    def find_next_slice(self, after: int) -> int | None:
        """Return the end of the first slice that ends after a time; None: nothing is after it."""
        if self._oldest is None or after >= LARGEST:
            return None
        number = max(0, after - self._oldest) // self._width + 1
        return LARGEST if number > _SLICES else self._oldest + number * self._width

    def find_next_age(self, after: int, due: int) -> int | None:
        """Return the time `due` if it is late enough after the last one, else None."""
        return due if due > after and due - after >= self._every_ns else None
