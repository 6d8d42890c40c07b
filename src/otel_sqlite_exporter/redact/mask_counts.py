# SPDX-License-Identifier: Apache-2.0
"""Counts what a share masks and leaves out: by kind and key, without any value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_MOST_KEYS = 1_000
"""A record may have any number of keys. Those after the first thousand of a kind count as one."""
OTHER_KEYS = "other keys"
KINDS: Mapping[str, str] = {
    "key": "values of a key that is masked",
    "repeat": "texts that repeat such a value",
    "pattern": "texts that a pattern matches",
    "function": "values that the setting redactor changed",
    "left_out": "content and other values that are left out",
}
"""What is counted, and what it is called, in the order in which it is told."""


class MaskedValues(NamedTuple):
    """How many values of one kind and key were masked. `kind` is a key of `KINDS`; `key` is an attribute, a member of
    JSON, or a field such as `span.name`, and is masked itself."""

    kind: str
    key: str
    number: int


class MaskCounts:
    """What was masked so far. Not thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}

    def note(self, kind: str, key: str, number: int = 1) -> None:
        """Count values of a key."""
        counts = self._counts[kind]
        counts[key if key in counts or len(counts) < _MOST_KEYS else OTHER_KEYS] += number

    def list_all(self) -> Sequence[MaskedValues]:
        """Return all counts, by kind and key."""
        return [
            MaskedValues(kind, key, number)
            for kind, counts in self._counts.items()
            for key, number in sorted(counts.items())
            if number
        ]
