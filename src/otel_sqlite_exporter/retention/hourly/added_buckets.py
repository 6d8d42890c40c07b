# SPDX-License-Identifier: Apache-2.0
"""Adds the buckets of histograms, as columns hold them. Pure."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

import orjson

from otel_sqlite_exporter.encode.metric_encoding.exponential_buckets import ExponentialBuckets
from otel_sqlite_exporter.encode.metric_encoding.point_numbers import dump_numbers
from otel_sqlite_exporter.retention.hourly.added_numbers import add_numbers


def add_buckets(buckets: Sequence[str]) -> str:
    """Return the sums of the buckets of histograms with the same bounds."""
    return dump_numbers([add_numbers(column) for column in zip(*map(orjson.loads, buckets), strict=True)])


def add_exponential(buckets: Sequence[str]) -> str:
    """Return the sum of exponential histograms with the same zero threshold, at the smallest of their scales, or a
    smaller one where there would be too many buckets."""
    every = map(ExponentialBuckets.load, buckets)
    return reduce(lambda all, one: all.combine(one, operator.add), every).dump()
