# SPDX-License-Identifier: Apache-2.0
"""What became of an imported source. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from otel_sqlite_exporter.otlp.alterations import Alterations

_SHOWN_REFUSALS = 20
_SHOWN_CHARACTERS = 200


class Refusal(NamedTuple):
    """A piece that could not be read: its location in the source, and the reason."""

    location: str
    reason: str


@dataclass(slots=True)
class Alteration:
    """What was altered or left out in a source, in words that quote no value: the location of the first such value, and
    how many there are."""

    location: str
    what: str
    count: int = 0


@dataclass(slots=True)
class SourceReport:
    """The result of importing one source.

    Attributes:
        source: Its name.
        pieces: Lines, documents or messages.
        known: Those of them that can be read and were imported before.
        spans: Spans in the others.
        logs: Log records in the others.
        points: Data points of metrics in the others.
        marks: Pins and notes in the others.
        ignored: Messages of signals that are not stored, by signal.
        refused: Records and pieces that cannot be read. They are in quarantine, except what a packed file that is cut
            short has of its last piece.
        refusals: The first of these.
        altered: Values that could not be read as they came: each is altered or left out, and its record is kept.
        alterations: What these are, the first of each kind.
        unknown: Keys that OTLP does not know, or that are not stored.
        formats: The documents that were read, by the name of their format.
        reasons: The records and pieces that cannot be read, by reason, without what is special to one of them.
        damages: What is wrong with the source as a whole.
    """

    source: str
    pieces: int = 0
    known: int = 0
    spans: int = 0
    logs: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    formats: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    damages: list[str] = field(default_factory=list)
    altered: int = 0
    alterations: list[Alteration] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    marks: int = 0
    points: int = 0

    def refuse(self, place: str, reason: str) -> None:
        """Note what cannot be read."""
        self.refused += 1
        kind = reason.partition(": ")[0]
        self.reasons[kind] = self.reasons.get(kind, 0) + 1
        if len(self.refusals) < _SHOWN_REFUSALS:
            self.refusals.append(Refusal(place, reason[:_SHOWN_CHARACTERS]))

    def note(self, place: str, alterations: Alterations) -> int:
        """Note what is new in `alterations`, and return the number of values."""
        taken = alterations.take()
        for what, number in taken.items():
            self._note(place, what, number)
        for key in alterations.take_unknown():
            if key not in self.unknown and len(self.unknown) < _SHOWN_REFUSALS:
                self.unknown.append(key[:_SHOWN_CHARACTERS])
        return taken.total()

    def note_repaired(self, place: str, record: str, number: int) -> None:
        """Note values of a record that the file holds in another form than they came."""
        if number:
            self._note(place, f"a value of a {record} is stored altered: docs/operations.md#bad-values", number)

    def _note(self, place: str, what: str, number: int) -> None:
        known = next((one for one in self.alterations if one.what == what), None)
        if known is None:
            known = Alteration(place, what)
            self.alterations.append(known)
        known.count += number
        self.altered += number
