# SPDX-License-Identifier: Apache-2.0
"""Values that were cut at a limit, with the size of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cut:
    """The beginning of a text, bytes, array or map, and the size of the whole (characters, bytes or elements)."""

    value: Any
    original_size: int

    def __str__(self) -> str:  # noqa: D105
        return str(self.value)
