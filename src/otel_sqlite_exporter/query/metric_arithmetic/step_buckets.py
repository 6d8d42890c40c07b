# SPDX-License-Identifier: Apache-2.0
"""The buckets of histograms in one step, added up. Pure. Buckets with the same bounds are kept together, so that adding
them is exact, and does not depend on their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import (
    Bucket,
    Counts,
    ExplicitCounts,
    ExponentialCounts,
    add_exponential,
    list_edges,
    list_explicit,
    list_exponential,
    merge_buckets,
    rescale,
)
from otel_sqlite_exporter.query.metric_arithmetic.distribution_points import ValueRange
from otel_sqlite_exporter.query.metric_arithmetic.quantile_estimates import bound_values, estimate_quantile
from otel_sqlite_exporter.query.metric_arithmetic.step_sums import Number, share_whole
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps


class StepBuckets:
    """The buckets of a step, and between which numbers the values in them are."""

    def __init__(self) -> None:
        self.explicit: dict[tuple[float, ...], list[int]] = {}
        self.exponential: ExponentialCounts | None = None
        self._range: ValueRange | None = None

    def add_shares(self, shares: Counts) -> None:
        """Add buckets, whose counts are shares."""
        if isinstance(shares, ExponentialCounts):
            self.exponential = add_exponential(self.exponential, shares)
            return
        known = self.explicit.get(shares.bounds)
        if known is None:
            self.explicit[shares.bounds] = shares.counts
        else:
            self.explicit[shares.bounds] = [one + other for one, other in zip(known, shares.counts, strict=True)]

    def add_range(self, found: ValueRange) -> None:
        """Note between which numbers further values are."""
        known = self._range
        if known is None:
            self._range = found
            return
        self._range = ValueRange(
            None if known.low is None or found.low is None else min(known.low, found.low),
            None if known.high is None or found.high is None else max(known.high, found.high),
            known.is_exact and found.is_exact,
        )

    @property
    def layouts(self) -> int:
        """How many sorts of bounds there are: buckets of more than one are shared out."""
        return len(self.explicit) + (self.exponential is not None)

    def list(self, edges: Sequence[float] = (), scale: int | None = None) -> list[Bucket]:
        """Return the buckets that have a share, in order: of several sorts of bounds merged, cut at `edges` too, and
        exponential ones at this scale."""
        lists = [list_explicit(bounds, self.explicit[bounds]) for bounds in sorted(self.explicit)]
        if self.exponential is not None:
            at_scale = self.exponential if scale is None else rescale(self.exponential, scale)
            lists.append(list_exponential(at_scale))
        if len(lists) == 1 and not edges:
            return lists[0]
        return merge_buckets(lists, sorted({*edges, *list_edges(lists)}))

    def estimate(self, quantile: float) -> float | None:
        """Return the estimate of a quantile from 0 to 1; None: there are no values, or nothing is known of them."""
        low, high = (None, None) if self._range is None else (self._range.low, self._range.high)
        return estimate_quantile(self.list(), quantile, low, high, is_exponential=not self.explicit)

    def find_low(self) -> tuple[Number | None, bool]:
        """Return the smallest value, or the bound that no value is below, and whether it is surely a value."""
        if self._range is not None and self._range.low is not None:
            return self._range.low, self._range.is_exact
        return bound_values(self.list())[0], False

    def find_high(self) -> tuple[Number | None, bool]:
        """Return the largest value, or the bound that no value is above, and whether it is surely a value."""
        if self._range is not None and self._range.high is not None:
            return self._range.high, self._range.is_exact
        return bound_values(self.list())[1], False


def share_counts(steps: TimeSteps, begin: int, end: int, counts: Counts) -> Iterator[tuple[int, Counts]]:
    """Yield the shares that an interval's buckets have in each step, with the index of the step."""
    if isinstance(counts, ExplicitCounts):
        found: dict[int, list[int]] = {}
        for place, count in enumerate(counts.counts):
            if count:
                for index, share in share_whole(steps, begin, end, count):
                    if index not in found:
                        found[index] = [0] * len(counts.counts)
                    found[index][place] = share
        for index, shares in found.items():
            yield index, ExplicitCounts(counts.bounds, shares)
        return
    parts: dict[int, tuple[dict[int, int], dict[int, int], dict[int, int]]] = {}
    for sign, buckets in enumerate(({0: counts.zero_count}, counts.positive, counts.negative)):
        for bucket, count in buckets.items():
            if count:
                for index, share in share_whole(steps, begin, end, count):
                    parts.setdefault(index, ({}, {}, {}))[sign][bucket] = share
    for index, (zero, positive, negative) in parts.items():
        yield index, ExponentialCounts(counts.scale, counts.zero_threshold, zero.get(0, 0), positive, negative)
