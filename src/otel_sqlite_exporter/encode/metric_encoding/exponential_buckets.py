# SPDX-License-Identifier: Apache-2.0
"""The buckets of encoded exponential histograms, added up and taken from each other. Pure. Source: metrics data model,
"Exponential scale": a bucket is two of the next finer scale."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import dump_numbers, encode_number, read_number
from otel_sqlite_exporter.model.metric_records.metric_rows import StoredNumber

_MOST_BUCKETS = 1_024
_Counts = dict[int, int]
"""The counts of buckets of one sign, by their index."""
_OFFSETS = (3, 5)
"""Where the offset of each sign is in the JSON array. Its counts follow."""


class ExponentialBuckets(NamedTuple):
    """All buckets of one point."""

    scale: int
    zero_count: int
    zero_threshold: StoredNumber
    signs: tuple[_Counts, ...]

    @classmethod
    def load(cls, text: str) -> ExponentialBuckets:
        """Return the buckets of a column."""
        read = json.loads(text)
        signs = (_read_counts(read[place] or 0, read[place + 1] or ()) for place in _OFFSETS)
        return cls(read[0], read_number(read[1]), read[2], tuple(signs))

    def dump(self) -> str:
        """Return the buckets as a column holds them."""
        counts = [part for sign in self.signs for part in _list_counts(sign)]
        return dump_numbers([self.scale, encode_number(self.zero_count)[0], self.zero_threshold, *counts])

    def at_scale(self, scale: int) -> ExponentialBuckets:
        """Return the buckets at a coarser scale."""
        steps = self.scale - scale
        signs = (_sum_up((index >> steps, count) for index, count in sign.items()) for sign in self.signs)
        return self._replace(scale=scale, signs=tuple(signs))

    def combine(self, other: ExponentialBuckets, operate: Callable[[int, int], int]) -> ExponentialBuckets:
        """Return the buckets whose counts are those of both, added or subtracted, at the finest scale that both have or
        a coarser one where there would be too many."""
        scale = min(self.scale, other.scale)
        shift = 0
        for mine, its in zip(self.signs, other.signs, strict=True):
            ends = [*_find_ends(self.scale - scale, mine), *_find_ends(other.scale - scale, its)]
            while ends and (max(ends) >> shift) - (min(ends) >> shift) >= _MOST_BUCKETS:
                shift += 1
        both = self.at_scale(scale - shift), other.at_scale(scale - shift)
        signs = (
            {index: operate(mine.get(index, 0), its.get(index, 0)) for index in mine | its}
            for mine, its in zip(*(one.signs for one in both), strict=True)
        )
        thresholds = [one.zero_threshold for one in both if one.zero_threshold is not None]
        threshold = max(thresholds, key=read_number, default=None)
        zero_count = operate(self.zero_count, other.zero_count)
        return ExponentialBuckets(scale - shift, zero_count, threshold, tuple(signs))

    def are_counts(self) -> bool:
        """Whether no count is less than nothing."""
        return self.zero_count >= 0 and all(count >= 0 for sign in self.signs for count in sign.values())


def _read_counts(offset: int, counts: Sequence[Any]) -> _Counts:
    return {offset + place: count for place, stored in enumerate(counts) if (count := read_number(stored))}


def _sum_up(counts: Iterable[tuple[int, int]]) -> _Counts:
    total: _Counts = {}
    for index, count in counts:
        total[index] = total.get(index, 0) + count
    return total


def _find_ends(steps: int, counts: _Counts) -> tuple[int, ...]:
    """Return the index of the first and of the last bucket, at a scale so many steps coarser."""
    return (min(counts) >> steps, max(counts) >> steps) if counts else ()


def _list_counts(counts: _Counts) -> tuple[int | None, list[StoredNumber] | None]:
    """Return the index of the first bucket, and the counts from there on."""
    filled = [index for index, count in counts.items() if count]
    if not filled:
        return None, None
    low, high = min(filled), max(filled)
    return low, [encode_number(counts.get(index, 0))[0] for index in range(low, high + 1)]
