# SPDX-License-Identifier: Apache-2.0
"""How many records a step is to remove, so that it holds the file about as long as it should."""

from __future__ import annotations

_FIRST, _LEAST = 16, 8
MOST_RECORDS = 4_096
"""Records of a step: of the first, and the bounds."""
FIRST_POINTS, MOST_POINTS = 1_024, 16_384
"""Data points of the first step, and the most: one takes 2 us, and a record 50 or more."""
_LARGEST_CUT = 1 / 16
"""The least share of a step that the next one may be."""


class StepSize:
    """The number of records of the next step, or of points, by what the last one took."""

    def __init__(self, budget_s: float, first: int = _FIRST, most: int = MOST_RECORDS) -> None:
        """A step is to take about `budget_s` seconds, and at first have `first` records."""
        self.records = first
        self._most = most
        self._budget_s = budget_s

    def adapt(self, took_s: float) -> None:
        """Note how many seconds the last step took."""
        share = self._budget_s / max(took_s, 1e-6)
        factor = max(_LARGEST_CUT, share / 1.25) if share < 1 else 2 if share > 4 else 1.3 if share > 2 else 1
        self.records = max(_LEAST, min(self._most, int(self.records * factor)))
