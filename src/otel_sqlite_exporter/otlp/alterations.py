# SPDX-License-Identifier: Apache-2.0
"""What decoding could not keep as it came: each value costs itself, and none is altered without a note. Pure."""

from __future__ import annotations


class Alterations:
    """Collects what is altered or left out, as sentences that quote no value."""

    def __init__(self) -> None:
        self._altered: list[str] = []
        self._unknown: set[str] = set()

    def note(self, sentence: str) -> None:
        """Note one value that is altered or left out."""
        self._altered.append(sentence)

    def note_unknown(self, key: str) -> None:
        """Note a key that OTLP does not know, or that is not stored. As OTLP has it, it is no fault of the message."""
        self._unknown.add(key)

    def take(self) -> list[str]:
        """Return the sentences since the last call, one for each value."""
        taken, self._altered = self._altered, []
        return taken

    def take_unknown(self) -> set[str]:
        """Return the unknown keys since the last call."""
        taken, self._unknown = self._unknown, set()
        return taken
