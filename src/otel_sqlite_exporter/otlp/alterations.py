# SPDX-License-Identifier: Apache-2.0
"""What decoding could not keep as it came: each value costs itself, and none is altered without a note. Pure."""

from __future__ import annotations

from collections import Counter

_MOST_UNKNOWN = 1_000


class Alterations:
    """Counts what is altered or left out, by sentences that quote no value: few, however much they are about."""

    def __init__(self) -> None:
        self._altered: Counter[str] = Counter()
        self._unknown: set[str] = set()

    def note(self, sentence: str) -> None:
        """Note one value that is altered or left out."""
        self._altered[sentence] += 1

    def note_unknown(self, key: str) -> None:
        """Note a key that OTLP does not know, or that is not stored. As OTLP has it, it is no fault of the message. Of
        many keys some are noted."""
        if len(self._unknown) < _MOST_UNKNOWN:
            self._unknown.add(key)

    def take(self) -> Counter[str]:
        """Return the sentences since the last call, each with the number of its values."""
        taken, self._altered = self._altered, Counter()
        return taken

    def take_unknown(self) -> set[str]:
        """Return the unknown keys since the last call."""
        taken, self._unknown = self._unknown, set()
        return taken
