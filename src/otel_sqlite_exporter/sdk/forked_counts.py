# SPDX-License-Identifier: Apache-2.0
"""Counters and histograms of forked children. A child begins with copies of what its parent had counted, and with the
start times of these: all of it would be counted again in each child. So a child's points begin at the fork, and tell
what it counted itself."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Sequence

from otel_sqlite_exporter.encode.metric_encoding.points_since_fork import subtract_point
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import CUMULATIVE, SUM

_Key = tuple[str, str | None, str, int]
_living: weakref.WeakSet[ForkedCounts] = weakref.WeakSet()


class ForkedCounts:
    """What one exporter has written of cumulative series, in this process and in those that it was forked from."""

    def __init__(self) -> None:
        self._forked_at = 0
        self._inherited: dict[_Key, EncodedPoint] = {}
        self._last: dict[_Key, EncodedPoint] = {}
        _living.add(self)

    def find_own(self, points: Sequence[EncodedPoint]) -> Sequence[EncodedPoint]:
        """Return the points of one collection, as this process counted them itself."""
        self._last.update((_find_key(point), point) for point in points if _only_grows(point))
        return [self._find_own(point) for point in points] if self._forked_at else points

    def follow_fork(self, now_unix_nano: int) -> None:
        """Note that this process was forked."""
        self._forked_at = now_unix_nano
        self._inherited |= self._last
        self._last = {}

    def _find_own(self, point: EncodedPoint) -> EncodedPoint:
        row = point.row
        if not 0 < row.start_time_unix_nano < self._forked_at <= row.time_unix_nano:
            return point
        key = _find_key(point)
        parents = self._inherited.get(key)
        if parents is not None:
            own = subtract_point(point, parents)
            if own is None:  # it started again: an observable counter tells of this process alone
                del self._inherited[key]
            else:
                point = own
        return point._replace(row=point.row._replace(start_time_unix_nano=self._forked_at))


def _find_key(point: EncodedPoint) -> _Key:
    """Return what tells a counter of this process from others. It is not the resource: a child may have another one."""
    series, row = point.series, point.row
    return series.instrument.digest, series.row.attribute_types, series.row.attributes, row.start_time_unix_nano


def _only_grows(point: EncodedPoint) -> bool:
    instrument = point.series.instrument
    return instrument.temporality == CUMULATIVE and (instrument.kind != SUM or instrument.is_monotonic == 1)


def _after_fork_in_child() -> None:
    now = time.time_ns()
    for counts in list(_living):
        counts.follow_fork(now)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
