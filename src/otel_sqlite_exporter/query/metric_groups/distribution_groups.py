# SPDX-License-Identifier: Apache-2.0
"""What histograms and summaries counted in each step, of the series of a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import Bucket
from otel_sqlite_exporter.query.metric_arithmetic.distribution_points import DistributionDelta
from otel_sqlite_exporter.query.metric_arithmetic.step_buckets import StepBuckets, share_counts
from otel_sqlite_exporter.query.metric_arithmetic.step_sums import Number, StepSums, round_shares
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import TimeSteps
from otel_sqlite_exporter.query.metric_groups.increase_groups import CoveredTime, Values
from otel_sqlite_exporter.query.metric_groups.point_deltas import Delta


class DistributionGroup:
    """The counts, sums and buckets of histograms or summaries."""

    def __init__(self, steps: TimeSteps, covered: CoveredTime, *, has_buckets: bool) -> None:
        """`has_buckets`: whether buckets, quantiles, the smallest or largest values are asked for."""
        self._steps = steps
        self._covered = covered
        self._has_buckets = has_buckets
        self._counts, self._sums, self._summed = StepSums(steps), StepSums(steps), StepSums(steps)
        self._buckets: defaultdict[int, StepBuckets] = defaultdict(StepBuckets)
        self.unknown = 0
        """First points that say no start."""
        self.uncounted = 0
        """Points of which is not known what came in each bucket."""
        self.is_exact = True
        """Whether all values that `get_lows` and `get_highs` returned are of values that were measured."""

    def add(self, delta: Delta[DistributionDelta | None]) -> None:
        """Add what came between two points."""
        begin, end, amount = delta
        self._covered.add(begin, end)
        if amount is None:
            self.unknown += 1
            return
        self._counts.add(begin, end, amount.count)
        if amount.sum is not None:
            self._sums.add(begin, end, amount.sum)
            self._summed.add(begin, end, amount.count)
        if not self._has_buckets or not amount.count:
            return
        counts = amount.read_counts()
        self.uncounted += counts is None
        found = amount.find_range(counts)
        indexes = [index for index, _ in self._steps.share(begin, end, 1)]
        if len(indexes) > 1:
            found = replace(found, is_exact=False)
        for index in indexes:
            self._buckets[index].add_range(found)
        if counts is not None:
            for index, shares in share_counts(self._steps, begin, end, counts):
                self._buckets[index].add_shares(shares)

    def rank(self) -> float:
        """Return a number that is larger for what is to be shown first."""
        return sum(self._counts.finish())

    @property
    def layouts(self) -> int:
        """How many sorts of bounds are merged at most in a step."""
        return max((one.layouts for one in self._buckets.values()), default=0)

    def get_counts(self) -> Values:
        """Return how many values each step has."""
        return self._covered.get_increases(self._counts)

    def get_rates(self) -> Values:
        """Return how many values came in each second of a step."""
        return self._covered.get_rates(self._counts)

    def get_sums(self) -> Values:
        """Return the sum of the values in each step; None: there are values, and no point says their sum."""
        sums = self._covered.get_increases(self._sums)
        lacking = (bool(self._counts.measure(index)) and not self._summed.measure(index) for index in range(len(sums)))
        return [None if lacks else value for value, lacks in zip(sums, lacking, strict=True)]

    def get_averages(self) -> Values:
        """Return the average of the values in each step."""
        values: Values = []
        for index in range(len(self._steps)):
            counted = self._summed.measure(index)
            values.append(self._sums.measure(index) / counted if counted > 0 else None)
        return values

    def get_quantiles(self, quantile: float) -> Values:
        """Return the estimate of a quantile from 0 to 1 in each step."""
        return self._list(lambda buckets: buckets.estimate(quantile))

    def get_lows(self) -> Values:
        """Return the smallest value in each step, or what no value is below."""
        return self._list(lambda buckets: self._note(*buckets.find_low()))

    def get_highs(self) -> Values:
        """Return the largest value in each step, or what no value is above."""
        return self._list(lambda buckets: self._note(*buckets.find_high()))

    def get_buckets(self) -> list[list[Bucket]]:
        """Return the buckets of each step, with whole numbers in place of shares. They are the same in all steps, but
        for those that have no value."""
        steps = self._buckets.values()
        scale = min((one.exponential.scale for one in steps if one.exponential is not None), default=None)
        layouts = {bounds for one in steps for bounds in one.explicit}
        has_both = any(one.exponential is not None for one in steps) and layouts
        edges: list[float] = []
        if len(layouts) > 1 or has_both:
            edges = sorted({edge for one in steps for bucket in one.list(scale=scale) for edge in _list_ends(bucket)})
        lists = {index: one.list(edges, scale) for index, one in self._buckets.items()}
        shares: defaultdict[tuple[float, float], list[int]] = defaultdict(lambda: [0] * len(self._steps))
        for index, buckets in lists.items():
            for bucket in buckets:
                shares[bucket.lower, bucket.upper][index] += bucket.share
        found: list[list[Bucket]] = [[] for _ in range(len(self._steps))]
        for (lower, upper), row in sorted(shares.items()):
            for index, number in enumerate(round_shares(row)):
                if number:
                    found[index].append(Bucket(lower, upper, number))
        return found

    def _list(self, read: Callable[[StepBuckets], Number | None]) -> Values:
        known = map(self._buckets.get, range(len(self._steps)))
        return [None if buckets is None else read(buckets) for buckets in known]

    def _note(self, value: Number | None, is_exact: bool) -> Number | None:
        self.is_exact = self.is_exact and (is_exact or value is None)
        return value


def _list_ends(bucket: Bucket) -> list[float]:
    return [end for end in bucket[:2] if end not in (float("-inf"), float("inf"))]
