# SPDX-License-Identifier: Apache-2.0
"""The buckets of histograms: read from what is stored, subtracted, and added up. Pure.

Exponential buckets of different scales are brought to the smaller scale, where each is a part of one bucket. Other
buckets with different bounds are cut at all of them, and what was in a bucket is shared out evenly over its parts: that
is what the interpolation of a quantile assumes too.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

_LARGEST = 2**63 - 1
_INFINITY = math.inf


class Bucket(NamedTuple):
    """How many values, as a share (`step_sums`), are above `lower` and up to `upper`, which may be infinite."""

    lower: float
    upper: float
    share: int


class ExplicitCounts(NamedTuple):
    """Counts of the buckets between `bounds`: one more than there are."""

    bounds: tuple[float, ...]
    counts: list[int]


class ExponentialCounts(NamedTuple):
    """Counts by index: of scale `s`, the bucket `i` ends at `2 ** ((i + 1) * 2 ** -s)`. Zero counts what is no further
    from it than the threshold."""

    scale: int
    zero_threshold: float
    zero_count: int
    positive: Mapping[int, int]
    negative: Mapping[int, int]


Counts = ExplicitCounts | ExponentialCounts


def read_bounds(text: str | None) -> tuple[float, ...] | None:
    """Return stored bounds; None: they are not finite numbers that grow."""
    found = orjson.loads(text) if text else []
    if not all(type(bound) in (int, float) and abs(bound) <= _LARGEST for bound in found):
        return None
    bounds = tuple(map(float, found))
    return bounds if all(one < other for one, other in pairwise(bounds)) else None


def read_explicit(bounds: tuple[float, ...], text: str) -> ExplicitCounts | None:
    """Return the counts between bounds that a point has; None: they do not fit, or it has no buckets."""
    counts = [*map(_read_count, orjson.loads(text))]
    return ExplicitCounts(bounds, counts) if len(counts) == len(bounds) + 1 else None


def read_exponential(text: str) -> ExponentialCounts:
    """Return the exponential counts that a point has."""
    scale, zero, threshold, *signs = orjson.loads(text)
    positive, negative = (_read_sign(offset, counts) for offset, counts in (signs[:2], signs[2:]))
    limit = threshold if type(threshold) in (int, float) and threshold > 0 else 0.0
    return ExponentialCounts(int(scale), float(limit), _read_count(zero), positive, negative)


def _read_sign(offset: int | None, counts: Sequence[Any] | None) -> dict[int, int]:
    first = offset or 0
    return {first + place: number for place, count in enumerate(counts or ()) if (number := _read_count(count))}


def _read_count(count: Any) -> int:
    return count if type(count) is int else int(count or 0)


def subtract_counts(new: Counts, old: Counts) -> Counts | None:
    """Return what came since the older counts; None: they cannot be compared, as the buckets are others, or one
    shrank."""
    if isinstance(new, ExplicitCounts):
        if not isinstance(old, ExplicitCounts) or new.bounds != old.bounds:
            return None
        counts = [count - before for count, before in zip(new.counts, old.counts, strict=True)]
        return None if min(counts) < 0 else ExplicitCounts(new.bounds, counts)
    if not isinstance(old, ExponentialCounts):
        return None
    scale = min(new.scale, old.scale)
    new, old = rescale(new, scale), rescale(old, scale)
    if new.zero_threshold != old.zero_threshold:
        return None
    zero = new.zero_count - old.zero_count
    positive, negative = (_subtract(*signs) for signs in ((new.positive, old.positive), (new.negative, old.negative)))
    if zero < 0 or any(count < 0 for sign in (positive, negative) for count in sign.values()):
        return None
    return ExponentialCounts(scale, new.zero_threshold, zero, positive, negative)


def _subtract(new: Mapping[int, int], old: Mapping[int, int]) -> dict[int, int]:
    found = {index: count - old.get(index, 0) for index, count in new.items()}
    return found | {index: -count for index, count in old.items() if index not in new}


def rescale(counts: ExponentialCounts, scale: int) -> ExponentialCounts:
    """Return the counts at a scale that is not larger."""
    shift = counts.scale - scale
    if shift == 0:
        return counts
    signs = []
    for sign in (counts.positive, counts.negative):
        found: defaultdict[int, int] = defaultdict(int)
        for index, count in sign.items():
            found[index >> shift] += count
        signs.append(found)
    return ExponentialCounts(scale, counts.zero_threshold, counts.zero_count, *signs)


def add_exponential(one: ExponentialCounts | None, other: ExponentialCounts) -> ExponentialCounts:
    """Return the sum of two counts. The zero bucket may reach into others: `list_exponential` sees to that."""
    if one is None:
        return other
    scale = min(one.scale, other.scale)
    one, other = rescale(one, scale), rescale(other, scale)
    signs = []
    for a, b in ((one.positive, other.positive), (one.negative, other.negative)):
        found: defaultdict[int, int] = defaultdict(int, a)
        for index, count in b.items():
            found[index] += count
        signs.append(found)
    threshold = max(one.zero_threshold, other.zero_threshold)
    return ExponentialCounts(scale, threshold, one.zero_count + other.zero_count, *signs)


def list_buckets(counts: Counts) -> list[Bucket]:
    """Return the buckets that have a count, in order."""
    if isinstance(counts, ExplicitCounts):
        return list_explicit(counts.bounds, counts.counts)
    return list_exponential(counts)


def list_explicit(bounds: Sequence[float], shares: Sequence[int]) -> list[Bucket]:
    """Return the buckets that have a share, in order."""
    edges = (-_INFINITY, *bounds, _INFINITY)
    return [Bucket(*edge, share) for edge, share in zip(pairwise(edges), shares, strict=True) if share]


def list_exponential(shares: ExponentialCounts) -> list[Bucket]:
    """Return the buckets that have a share, in order. A bucket that begins within the threshold of zero belongs to the
    zero bucket, which then reaches to its end."""
    threshold, zero = shares.zero_threshold, shares.zero_count
    signs: list[list[Bucket]] = []
    for sign in (shares.negative, shares.positive):
        buckets = []
        for index, share in sorted(sign.items()):
            lower, upper = find_edge(index, shares.scale), find_edge(index + 1, shares.scale)
            if share and lower < threshold:
                threshold, zero = max(threshold, upper if upper < _INFINITY else threshold), zero + share
            elif share:
                buckets.append(Bucket(lower, upper, share))
        signs.append(buckets)
    negative = [Bucket(-upper, -lower, share) for lower, upper, share in reversed(signs[0])]
    begin = -threshold if shares.negative else 0.0
    middle = [Bucket(begin, threshold, zero)] if zero else []
    return [*negative, *middle, *signs[1]]


def merge_buckets(lists: Iterable[Iterable[Bucket]], edges: Sequence[float]) -> list[Bucket]:
    """Return the sum of buckets with different bounds, which are among the finite `edges`. What is in a bucket without
    an end is taken to be near its bound."""
    cells: defaultdict[int, int] = defaultdict(int)
    for lower, upper, share in (bucket for buckets in lists for bucket in buckets):
        first = bisect_left(edges, lower) + 1 if lower > -_INFINITY else bisect_left(edges, upper)
        last = bisect_left(edges, upper) if upper < _INFINITY else first
        before = 0
        for place in range(first, last):
            reached = round(share * ((edges[place] - lower) / (upper - lower)))
            cells[place] += reached - before
            before = reached
        cells[max(first, last)] += share - before
    ends = (-_INFINITY, *edges, _INFINITY)
    return [Bucket(ends[place], ends[place + 1], share) for place, share in sorted(cells.items()) if share]


def list_edges(lists: Iterable[Iterable[Bucket]]) -> list[float]:
    """Return the finite edges of buckets, in order."""
    found = {edge for buckets in lists for bucket in buckets for edge in bucket[:2]}
    return sorted(found - {-_INFINITY, _INFINITY})


def find_edge(index: int, scale: int) -> float:
    """Return where the exponential bucket `index` begins. It ends where the next one does."""
    try:
        return math.pow(2.0, math.ldexp(index, -scale))
    except OverflowError:
        return _INFINITY if index > 0 else 0.0
