# SPDX-License-Identifier: Apache-2.0
"""Numbers in sentences."""

from __future__ import annotations


def count(number: int, one: str, several: str = "") -> str:
    """Return a number and what there is of it: `one`, or else `several`, which is `one` with an s unless given."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"
