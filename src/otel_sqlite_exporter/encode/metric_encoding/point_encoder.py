# SPDX-License-Identifier: Apache-2.0
"""Encodes data points of metrics as rows. Pure, except for a cache; the caller passes the time.

As with spans, a value that cannot be kept exactly is repaired and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import (
    as_double,
    dump_numbers,
    dump_plain,
    dump_plain_counts,
    encode_count,
    encode_counts,
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
from otel_sqlite_exporter.model.rows import make_row
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
_Distribution = tuple[_Numbers, str | None, int]
"""Columns, the bounds of a histogram, and how many numbers are repaired."""
_NO_DISTRIBUTION: _Distribution = ((None, None, None, None, None), None, 0)


class PointEncoder:
    """Encodes data points for one exporter. Thread-safe. For the arguments, see `SeriesEncoder`."""

    def __init__(self, session_attributes: Sequence[str], *, keeps_attributes: bool = False) -> None:
        self._series = SeriesEncoder(session_attributes, keeps_attributes=keeps_attributes)
        # Most points of a metric have one tuple of bounds.
        self._last_bounds: tuple[Any, str] = (None, "[]")

    def encode_point(self, fields: PointFields, arrival_time_unix_nano: int) -> EncodedPoint:
        """Return a data point as rows."""
        series, repaired = self._series.encode(fields)
        time, source = encode_integer(fields.time, 1), None
        if time is None:
            repaired += bool(fields.time)
            time, source = arrival_time_unix_nano, ARRIVAL
        start = encode_integer(fields.start_time, 1)
        if start is None:
            repaired += bool(fields.start_time)
            start = 0
        flags = encode_integer(fields.flags, high=_LARGEST_FLAGS)
        if flags is None:
            repaired += fields.flags is not None
            flags = 0
        value, bad_value = encode_number(fields.value)
        found = fields.distribution
        distribution = _NO_DISTRIBUTION if found is None else self._encode_distribution(found, series.instrument.kind)
        numbers, bounds, bad_numbers = distribution
        repaired += bad_value + bad_numbers
        exemplars: list[ExemplarRow] = []
        for exemplar in fields.exemplars or ():
            encoded, bad = _encode_exemplar(exemplar)
            exemplars.append(encoded)
            repaired += bad
        row = make_row(PointRow, (time, start, source, flags, value, *numbers, None))
        return make_row(EncodedPoint, (series, row, bounds, exemplars, repaired))

    def _encode_distribution(self, fields: DistributionFields, kind: str) -> _Distribution:
        count, repaired = encode_count(fields.count)
        total, bad_sum = encode_number(fields.sum)
        smallest, bad_min = encode_number(fields.min)
        largest, bad_max = encode_number(fields.max)
        buckets = bounds = None
        bad_buckets = bad_bounds = 0
        if kind == HISTOGRAM:
            buckets, bad_buckets = _encode_buckets(_or_empty(fields.counts))
            bounds, bad_bounds = self._encode_bounds(_or_empty(fields.bounds))
        elif kind == EXPONENTIAL_HISTOGRAM:
            buckets, bad_buckets = _encode_exponential(fields)
        elif kind == SUMMARY:
            pairs = [encode_numbers(pair) for pair in _or_empty(fields.quantiles)]
            buckets, bad_buckets = dump_numbers([pair for pair, _ in pairs]), sum(bad for _, bad in pairs)
        repaired += bad_sum + bad_min + bad_max + bad_buckets + bad_bounds
        return (count, total, smallest, largest, buckets), bounds, repaired

    def _encode_bounds(self, bounds: Sequence[Any]) -> tuple[str, int]:
        last, text = self._last_bounds
        if bounds is last:
            return text, 0
        upper = [*map(as_double, bounds)]
        plain = dump_plain(upper)
        if plain is None:
            encoded, bad = encode_numbers(upper)
            return dump_numbers(encoded), bad
        if type(bounds) is tuple:
            self._last_bounds = bounds, plain
        return plain, 0


def _encode_buckets(counts: Sequence[Any]) -> tuple[str, int]:
    plain = dump_plain_counts(counts)
    if plain is not None:
        return plain, 0
    encoded, bad = encode_counts(counts)
    return dump_numbers(encoded), bad


def _encode_exponential(fields: DistributionFields) -> tuple[str, int]:
    scale = encode_integer(fields.scale, -_LARGEST_SCALE - 1, _LARGEST_SCALE)
    zero_count, bad = encode_count(fields.zero_count)
    threshold, bad_threshold = encode_number(fields.zero_threshold)
    positive, bad_positive = _encode_side(fields.positive)
    negative, bad_negative = _encode_side(fields.negative)
    repaired = bad + bad_threshold + bad_positive + bad_negative + (scale is None and fields.scale is not None)
    return dump_numbers([scale or 0, zero_count or 0, threshold, *positive, *negative]), repaired


def _encode_side(buckets: BucketFields | None) -> tuple[tuple[int | None, list[StoredNumber] | None], int]:
    if buckets is None:
        return (None, None), 0
    offset = encode_integer(buckets.offset, -_LARGEST_SCALE - 1, _LARGEST_SCALE)
    counts, bad = encode_counts(_or_empty(buckets.counts))
    return (offset or 0, counts), bad + (offset is None and buckets.offset is not None)


def _or_empty(values: Sequence[Any] | None) -> Sequence[Any]:
    """Return values; the truth of an array of NumPy is an error."""
    return () if values is None else values


def _encode_exemplar(fields: ExemplarFields) -> tuple[ExemplarRow, int]:
    value, repaired = encode_number(fields.value)
    time = encode_integer(fields.time, 1)
    trace_id, span_id = encode_trace_id(fields.trace_id), encode_span_id(fields.span_id)
    repaired += (trace_id is None and bool(fields.trace_id)) + (span_id is None and bool(fields.span_id))
    repaired += time is None and bool(fields.time)
    encoded = encode_attributes(copy_attributes(fields.attributes))
    return ExemplarRow(time, value, trace_id, span_id, encoded.types, encoded.text), repaired + encoded.repaired
