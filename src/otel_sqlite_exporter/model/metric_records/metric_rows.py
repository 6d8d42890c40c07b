# SPDX-License-Identifier: Apache-2.0
"""Rows of metrics between encoding and writing: one NamedTuple for each table, in the order of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow

StoredNumber = int | float | str | None
"""A number as a column holds it: an integer, a floating-point number, or, where SQLite or JSON has no form for it, a
text: `NaN`, `Infinity`, `-Infinity`, or the digits of an integer beyond 64 bits. None: there is none."""


class InstrumentRow(NamedTuple):
    """Columns of `_instruments` after `scope`. `metadata` is JSON as attributes are."""

    digest: str
    name: str
    description: str
    unit: str
    kind: str
    temporality: str | None
    is_monotonic: int | None
    metadata_types: str | None
    metadata: str


class SeriesRow(NamedTuple):
    """Columns of `_metric_series` after `resource`. The digest is of these, of the instrument, and of the resource."""

    digest: str
    session_id: str | None
    user_id: str | None
    attribute_types: str | None
    attributes: str


class PointRow(NamedTuple):
    """Columns of `_metric_points` after `series` and `is_sorted`, but for `bounds`, of which only the transaction that
    writes knows the key. A `start_time_unix_nano` of 0 is unknown."""

    time_unix_nano: int
    start_time_unix_nano: int
    time_source: str | None
    flags: int
    value: StoredNumber
    value_count: StoredNumber
    sum: StoredNumber
    min: StoredNumber
    max: StoredNumber
    buckets: str | None
    raw_points: int | None = None


class ExemplarRow(NamedTuple):
    """Columns of `_exemplars` after `ordinal`."""

    time_unix_nano: int | None
    value: StoredNumber
    trace_id: str | None
    span_id: str | None
    attribute_types: str | None
    attributes: str


class EncodedSeries(NamedTuple):
    """A series as rows, without keys yet. Points of one series share the object."""

    row: SeriesRow
    instrument: InstrumentRow
    resource: ResourceRow
    scope: ScopeRow | None


class EncodedPoint(NamedTuple):
    """One data point as rows, without keys yet. `bounds` is the JSON array of the bounds of a histogram."""

    series: EncodedSeries
    row: PointRow
    bounds: str | None
    exemplars: Sequence[ExemplarRow]
    repaired: int

    @property
    def resource(self) -> ResourceRow:
        """The resource of its series."""
        return self.series.resource
