# SPDX-License-Identifier: Apache-2.0
"""Encodes data points of metrics as rows. Pure, except for a cache; the caller passes the time.

As with spans, a value that cannot be kept exactly is repaired and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import (
    dump_numbers,
    encode_count,
    encode_number,
    encode_numbers,
)
from otel_sqlite_exporter.encode.metric_encoding.series_encoder import SeriesEncoder
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint, ExemplarRow, PointRow, StoredNumber
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    EXPONENTIAL_HISTOGRAM,
    HISTOGRAM,
    SUMMARY,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    PointFields,
)
from otel_sqlite_exporter.model.values import (
    copy_attributes,
    encode_attributes,
    encode_integer,
    encode_span_id,
    encode_trace_id,
)

_LARGEST_FLAGS = 2**32 - 1
_LARGEST_SCALE = 2**31 - 1
ARRIVAL = "arrival"
_Numbers = tuple[StoredNumber, StoredNumber, StoredNumber, StoredNumber, str | None]
_NO_NUMBERS: _Numbers = (None, None, None, None, None)


class PointEncoder:
    """Encodes data points for one exporter. Thread-safe. For the arguments, see `SeriesEncoder`."""

    def __init__(self, session_attributes: Sequence[str], *, keeps_attributes: bool = False) -> None:
        self._series = SeriesEncoder(session_attributes, keeps_attributes=keeps_attributes)

    def encode_point(self, fields: PointFields, arrival_time_unix_nano: int) -> EncodedPoint:
        """Return a data point as rows."""
        series, repaired = self._series.encode(fields)
        time, source = encode_integer(fields.time, 1), None
        repaired += time is None and bool(fields.time)
        if time is None:
            time, source = arrival_time_unix_nano, ARRIVAL
        start = encode_integer(fields.start_time, 1)
        repaired += start is None and bool(fields.start_time)
        flags = encode_integer(fields.flags, high=_LARGEST_FLAGS)
        repaired += flags is None and fields.flags is not None
        value, bad = encode_number(fields.value)
        repaired += bad
        numbers, bounds = _NO_NUMBERS, None
        if fields.distribution is not None:
            numbers, bounds, bad = _encode_distribution(fields.distribution, series.instrument.kind)
            repaired += bad
        exemplars = []
        for exemplar in fields.exemplars or ():
            encoded, bad = _encode_exemplar(exemplar)
            exemplars.append(encoded)
            repaired += bad
        row = PointRow(time, start or 0, source, flags or 0, value, *numbers)
        return EncodedPoint(series, row, bounds, exemplars, repaired)


def _encode_distribution(fields: DistributionFields, kind: str) -> tuple[_Numbers, str | None, int]:
    """Return the columns of a distribution, its bounds, and how many of its numbers are repaired."""
    count, repaired = encode_count(fields.count)
    numbers, bad = encode_numbers(fields[1:4])
    total, smallest, largest = numbers
    buckets = bounds = None
    bad_buckets = 0
    if kind == HISTOGRAM:
        encoded, bad_buckets = _encode_counts(fields.counts or ())
        buckets = dump_numbers(encoded)
        upper, bad_bounds = encode_numbers(fields.bounds or ())
        bounds, bad_buckets = dump_numbers(upper), bad_buckets + bad_bounds
    elif kind == EXPONENTIAL_HISTOGRAM:
        buckets, bad_buckets = _encode_exponential(fields)
    elif kind == SUMMARY:
        pairs = [encode_numbers(pair) for pair in fields.quantiles or ()]
        buckets, bad_buckets = dump_numbers([pair for pair, _ in pairs]), sum(wrong for _, wrong in pairs)
    return (count, total, smallest, largest, buckets), bounds, repaired + bad + bad_buckets


def _encode_exponential(fields: DistributionFields) -> tuple[str, int]:
    scale = encode_integer(fields.scale, -_LARGEST_SCALE - 1, _LARGEST_SCALE)
    zero_count, bad = encode_count(fields.zero_count)
    threshold, bad_threshold = encode_number(fields.zero_threshold)
    positive, bad_positive = _encode_buckets(fields.positive)
    negative, bad_negative = _encode_buckets(fields.negative)
    repaired = bad + bad_threshold + bad_positive + bad_negative + (scale is None and fields.scale is not None)
    return dump_numbers([scale or 0, zero_count or 0, threshold, *positive, *negative]), repaired


def _encode_buckets(buckets: BucketFields | None) -> tuple[tuple[int | None, list[StoredNumber] | None], int]:
    if buckets is None:
        return (None, None), 0
    offset = encode_integer(buckets.offset, -_LARGEST_SCALE - 1, _LARGEST_SCALE)
    counts, bad = _encode_counts(buckets.counts or ())
    return (offset or 0, counts), bad + (offset is None and buckets.offset is not None)


def _encode_counts(counts: Sequence[Any]) -> tuple[list[StoredNumber], int]:
    encoded = [encode_count(count) for count in counts]
    return [count or 0 for count, _ in encoded], sum(bad for _, bad in encoded)


def _encode_exemplar(fields: ExemplarFields) -> tuple[ExemplarRow, int]:
    value, repaired = encode_number(fields.value)
    time = encode_integer(fields.time, 1)
    trace_id, span_id = encode_trace_id(fields.trace_id), encode_span_id(fields.span_id)
    repaired += (trace_id is None and bool(fields.trace_id)) + (span_id is None and bool(fields.span_id))
    repaired += time is None and bool(fields.time)
    encoded = encode_attributes(copy_attributes(fields.attributes))
    return ExemplarRow(time, value, trace_id, span_id, encoded.types, encoded.text), repaired + encoded.repaired
