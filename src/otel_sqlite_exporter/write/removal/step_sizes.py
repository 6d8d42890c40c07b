# SPDX-License-Identifier: Apache-2.0
"""How many records a step is to remove, so that it holds the file about as long as it should."""

from __future__ import annotations

_FIRST, _LEAST = 16, 8
MOST_RECORDS = 4_096
"""Records of a step: of the first, and the bounds."""
_LARGEST_CUT = 1 / 16
"""The least share of a step that the next one may be."""


class StepSize:
    """The number of records of the next step, by what the last one took."""

    def __init__(self, budget_s: float) -> None:
        """A step is to take about `budget_s` seconds."""
        self.records = _FIRST
        self._budget_s = budget_s

    def adapt(self, took_s: float) -> None:
        """Note how many seconds the last step took."""
        share = self._budget_s / max(took_s, 1e-6)
        factor = max(_LARGEST_CUT, share / 1.25) if share < 1 else 2 if share > 4 else 1.3 if share > 2 else 1
        self.records = max(_LEAST, min(MOST_RECORDS, int(self.records * factor)))
