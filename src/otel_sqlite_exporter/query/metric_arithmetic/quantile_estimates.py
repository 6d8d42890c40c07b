# SPDX-License-Identifier: Apache-2.0
"""Estimates from buckets. Pure.

A quantile is looked for in the bucket that its rank falls into. In it, values are taken to be spread evenly, and in an
exponential bucket, whose ends have the same sign, evenly over the logarithm: as Prometheus does. Where the smallest and
the largest value are known, no bucket reaches beyond them. Of a bucket without an end, and without a known largest
value, the estimate is its bound."""

from __future__ import annotations

import math
from collections.abc import Sequence

from otel_sqlite_exporter.query.metric_arithmetic.bucket_counts import Bucket


def estimate_quantile(
    buckets: Sequence[Bucket], quantile: float, low: float | None, high: float | None, *, is_exponential: bool
) -> float | None:
    """Return the estimate of a quantile from 0 to 1 of the values in buckets, which are in order; none is below `low`
    or above `high`. None: there are no values."""
    total = sum(share for _, _, share in buckets)
    if total <= 0:
        return None
    rank, before = quantile * total, 0
    found, part = buckets[-1], 1.0
    for bucket in buckets:
        if bucket.share > 0 and before + bucket.share >= rank:
            found, part = bucket, max(rank - before, 0) / bucket.share
            break
        before += bucket.share
    begin, end = _clip(found, low, high)
    if not math.isfinite(end):
        return None
    if is_exponential and begin * end > 0:
        return math.copysign(math.exp(math.log(abs(begin)) * (1 - part) + math.log(abs(end)) * part), end)
    return begin + (end - begin) * part


def bound_values(buckets: Sequence[Bucket]) -> tuple[float | None, float | None]:
    """Return bounds of all values in buckets, which are in order; None: there is no such bound."""
    filled = [bucket for bucket in buckets if bucket.share > 0]
    if not filled:
        return None, None
    lower, upper = filled[0].lower, filled[-1].upper
    return (lower if math.isfinite(lower) else None), (upper if math.isfinite(upper) else None)


def _clip(bucket: Bucket, low: float | None, high: float | None) -> tuple[float, float]:
    """Return between which numbers the values of a bucket are: the second is not finite if nothing is known of it."""
    lower, upper = bucket.lower, bucket.upper
    begin = lower if low is None else max(lower, low)
    end = upper if high is None else min(upper, high)
    if begin == -math.inf:
        begin = min(0.0, end)
    if end == math.inf:
        end = begin if lower > -math.inf or low is not None else end
    return min(begin, end), end
