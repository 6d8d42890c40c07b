# SPDX-License-Identifier: Apache-2.0
"""Where moments stand across a chart. Time in which nothing was recorded is drawn shorter: a session may be a second of
work in an hour. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from otel_sqlite_exporter.query.session_parts.time_shares import Interval, merge_intervals

_LONGEST_GAP, _ALL_GAPS = 0.05, 0.4
"""The widths of one gap and of all gaps, at most, as parts of the time in which something was recorded."""


class TimeGap(NamedTuple):
    """Time that is drawn shorter than it was: its place in percent, and how long it was."""

    x: float
    width: float
    duration_ms: float


class _Piece(NamedTuple):
    begin: int
    end: int
    shown: float


class TimeAxis:
    """From moments to percent of the width, and back."""

    def __init__(self, whole: Interval, busy: Iterable[Interval]) -> None:
        """`busy` are the times in which something was recorded."""
        begin, end = whole[0], max(whole[1], whole[0] + 1)
        merged = [*merge_intervals((max(one, begin), min(other, end)) for one, other in busy)]
        gaps = _find_gaps((begin, end), merged)
        length = sum(other - one for one, other in merged)
        longest = length * min(_LONGEST_GAP, _ALL_GAPS / max(len(gaps), 1)) if length else float(end - begin)
        pieces = [_Piece(one, other, float(other - one)) for one, other in merged]
        pieces += [_Piece(one, other, min(float(other - one), longest)) for one, other in gaps]
        self._pieces = sorted(pieces)
        self._begins = [piece.begin for piece in self._pieces]
        unit = 100 / sum(piece.shown for piece in self._pieces)
        self._places = [0.0]
        for piece in self._pieces:
            self._places.append(self._places[-1] + piece.shown * unit)
        self.gaps = tuple(self._list_gaps())
        """The time that is drawn shorter."""

    def place(self, moment: int) -> float:
        """Return where a moment stands, from 0 to 100; what is outside stands at the edge."""
        number = max(bisect_right(self._begins, moment) - 1, 0)
        piece = self._pieces[number]
        part = min(max((moment - piece.begin) / (piece.end - piece.begin), 0.0), 1.0)
        return self._places[number] + part * (self._places[number + 1] - self._places[number])

    def find_moment(self, place: float) -> int:
        """Return the moment that stands at a place."""
        number = min(max(bisect_right(self._places, place) - 1, 0), len(self._pieces) - 1)
        piece, left = self._pieces[number], self._places[number]
        part = (place - left) / ((self._places[number + 1] - left) or 1.0)
        return piece.begin + round(part * (piece.end - piece.begin))

    def _list_gaps(self) -> Iterable[TimeGap]:
        for number, piece in enumerate(self._pieces):
            if piece.shown < piece.end - piece.begin:
                x = self._places[number]
                yield TimeGap(x, self._places[number + 1] - x, (piece.end - piece.begin) / 1e6)


def _find_gaps(whole: Interval, merged: Iterable[Interval]) -> list[Interval]:
    gaps, reached = [], whole[0]
    for begin, end in merged:
        if begin > reached:
            gaps.append((reached, begin))
        reached = end
    if whole[1] > reached:
        gaps.append((reached, whole[1]))
    return gaps
