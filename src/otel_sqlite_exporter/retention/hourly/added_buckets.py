# SPDX-License-Identifier: Apache-2.0
"""Adds the buckets of histograms, as columns hold them. Pure.

Exponential histograms are brought to the smallest of their scales first: two buckets become one, again and again.
Source: opentelemetry-proto, `metrics.proto`, ExponentialHistogramDataPoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import orjson

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import dump_numbers, encode_count
from otel_sqlite_exporter.model.metric_records.metric_rows import StoredNumber

_MOST_BUCKETS = 320
"""Of each sign, unless one of the histograms has more."""
_Counts = Sequence[StoredNumber]
_Buckets = tuple[int | None, _Counts | None]
"""The index of the first bucket, and how many values each has."""


def add_buckets(buckets: Sequence[str]) -> str:
    """Return the sums of the buckets of histograms with the same bounds."""
    counts = zip(*map(orjson.loads, buckets), strict=True)
    return dump_numbers([_encode(sum(map(_decode, column))) for column in counts])


def add_exponential(buckets: Sequence[str]) -> str:
    """Return the sum of exponential histograms with the same zero threshold."""
    read = [orjson.loads(text) for text in buckets]
    scale = min(one[0] for one in read)
    signs: list[list[tuple[int, _Buckets]]] = [
        [(one[0], (one[place], one[place + 1])) for one in read if one[place + 1] is not None] for place in (3, 5)
    ]
    scale -= max(_find_shift(scale, of_sign) for of_sign in signs)
    zero = _encode(sum(_decode(one[1]) for one in read))
    added = [_add_scaled(scale, of_sign) for of_sign in signs]
    return dump_numbers([scale, zero, read[0][2], *added[0], *added[1]])


def _find_shift(scale: int, histograms: Sequence[tuple[int, _Buckets]]) -> int:
    """Return by how much the scale must be smaller still, so that the buckets of all are not too many."""
    ends = [
        (offset >> own - scale, offset + len(counts) - 1 >> own - scale) for own, offset, counts in _iterate(histograms)
    ]
    if not ends:
        return 0
    most = max(_MOST_BUCKETS, *(len(counts) for *_, counts in _iterate(histograms)))
    first, last, shift = min(end[0] for end in ends), max(end[1] for end in ends), 0
    while (last >> shift) - (first >> shift) >= most:
        shift += 1
    return shift


def _add_scaled(scale: int, histograms: Sequence[tuple[int, _Buckets]]) -> _Buckets:
    """Return the sum of the buckets of one sign; None: there are none."""
    if not histograms:
        return None, None
    added: Counter[int] = Counter()
    for own, offset, counts in _iterate(histograms):
        for index, count in enumerate(counts, offset):
            added[index >> own - scale] += _decode(count)
    if not added:
        return 0, []
    first, last = min(added), max(added)
    return first, [_encode(added[index]) for index in range(first, last + 1)]


def _iterate(histograms: Sequence[tuple[int, _Buckets]]) -> list[tuple[int, int, _Counts]]:
    """Return those that have buckets: their scale, the index of the first, and the counts."""
    return [(own, offset or 0, counts) for own, (offset, counts) in histograms if counts]


def _decode(count: StoredNumber) -> int:
    return int(count or 0)


def _encode(count: int) -> StoredNumber:
    return encode_count(count)[0]
