# SPDX-License-Identifier: Apache-2.0
"""Counted things in sentences."""

from __future__ import annotations


def count(number: int, one: str, several: str = "") -> str:
    """Return `1 file`, `2 files`: the number with `one`, or with `several` (default: `one` and an s)."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"
