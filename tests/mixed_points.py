# SPDX-License-Identifier: Apache-2.0
"""Data points of all kinds over some hours, with resets, gaps, odd numbers and late ones, and what a file shows of
them."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    NO_RECORDED_VALUE,
    SUM,
    SUMMARY,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.writer import Writer
from tests.new_files import put_new_file

HOUR_NS = 3_600 * 10**9
_MINUTE_NS = 60 * 10**9
_SUMS = [
    InstrumentFields("sum", "", "1", SUM, kind, is_only_growing)
    for kind in (DELTA, CUMULATIVE)
    for is_only_growing in (True, False)
]
_HISTOGRAMS = [InstrumentFields("histogram", "", "s", HISTOGRAM, kind) for kind in (DELTA, CUMULATIVE)]
_WIDE = [InstrumentFields("wide", "", "s", EXPONENTIAL_HISTOGRAM, kind) for kind in (DELTA, CUMULATIVE)]
INSTRUMENTS = (
    *_SUMS,
    *_HISTOGRAMS,
    *_WIDE,
    InstrumentFields("gauge", "", "By"),
    InstrumentFields("summary", "", "s", SUMMARY),
    InstrumentFields("sum", "", "1", SUM),
)
RESOURCES = (ResourceFields({"service.name": "one"}), ResourceFields({"service.name": "two"}))
_SCOPE = ScopeFields("meters", "1")
_numbers = st.one_of(
    st.integers(0, 20),
    st.integers(0, 20).map(lambda number: number / 4),
    st.sampled_from([math.nan, math.inf, None, 2**70, -3]),
)
_counts = st.integers(0, 9)


@st.composite
def _distributions(draw: st.DrawFn, kind: str) -> DistributionFields:
    total = draw(st.one_of(st.none(), st.integers(0, 40).map(lambda number: number / 4)))
    ends = draw(st.sampled_from([(None, None), (0.5, 3.0), (1, 2)]))
    if kind == HISTOGRAM:
        bounds = draw(st.sampled_from([[], [1.0], [1.0, 2.5]]))
        counts = [draw(_counts) for _ in range(len(bounds) + 1)] if bounds else []
        return DistributionFields(draw(_counts), total, *ends, bounds=bounds, counts=counts)
    if kind == EXPONENTIAL_HISTOGRAM:
        buckets = [
            draw(st.one_of(st.none(), st.builds(BucketFields, st.integers(-9, 9), st.lists(_counts, max_size=4))))
            for _ in range(2)
        ]
        return DistributionFields(
            draw(_counts),
            total,
            *ends,
            scale=draw(st.integers(-1, 2)),
            zero_count=draw(_counts),
            zero_threshold=draw(st.sampled_from([0.0, 0.5])),
            positive=buckets[0],
            negative=buckets[1],
        )
    return DistributionFields(draw(_counts), total, quantiles=[(0.5, draw(_numbers))])


@st.composite
def mixed_points(
    draw: st.DrawFn, end_ns: int, *, hours: int = 6, most: int = 30, sessions: Sequence[str | None] = (None,)
) -> list[PointFields]:
    """Points of the `hours` before `end_ns`. Their sessions are some of `sessions`."""
    instruments = draw(st.lists(st.sampled_from(INSTRUMENTS), min_size=1, max_size=3))
    step = 10 * _MINUTE_NS
    points = []
    for _ in range(draw(st.integers(1, most))):
        instrument = draw(st.sampled_from(instruments))
        attributes: dict[str, Any] = {"k": 1}
        session = draw(st.sampled_from(sessions))
        if session is not None:
            attributes["session.id"] = session
        time = end_ns - draw(st.integers(1, 6 * hours)) * step - draw(st.integers(0, 1))
        first = draw(st.sampled_from([end_ns - hours * HOUR_NS - 1, end_ns - hours * HOUR_NS // 2, None]))
        start = time - step if instrument.temporality == DELTA else first
        is_number = instrument.kind in (GAUGE, SUM)
        value = draw(_numbers) if is_number else None
        distribution = None if is_number else draw(_distributions(instrument.kind))
        flags = NO_RECORDED_VALUE if value is None and is_number else 0
        traced = [ExemplarFields(1.5, time, 5 + index, 7, {"z": index}) for index in range(draw(st.integers(0, 2)))]
        points.append(
            PointFields(
                instrument,
                attributes,
                start,
                time,
                flags,
                value,
                distribution,
                traced,
                draw(st.sampled_from(RESOURCES)),
                _SCOPE,
            )
        )
    return points


def encode(points: Iterable[PointFields]) -> list[EncodedPoint]:
    encoder = PointEncoder(resolve_settings().session_attributes)
    return [encoder.encode_point(point, 1) for point in points]


def write_batches(path: Path, batches: Iterable[Sequence[EncodedPoint]]) -> None:
    """Write batches of points."""
    put_new_file(path)
    settings = resolve_settings(path)
    with closing(open_file(settings)) as connection:
        writer = Writer(connection, settings)
        for batch in batches:
            writer.write(Records(points=batch), Run.begin("metrics", settings))


def read_points(path: Path, where: str = "1", *, without: Collection[str] = ()) -> list[dict[str, Any]]:
    """The rows of the view metric_points, without ids and some columns, in order."""
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        found = [dict(row) for row in file.execute(f"SELECT * FROM metric_points WHERE {where}")]
    for row in found:
        for name in ("series_id", *without):
            del row[name]
    return sorted(found, key=repr)


def read_metrics(path: Path) -> dict[str, list[str]]:
    """The rows of the views of metrics, without ids, and without counters of what came late."""
    counters = ("id", "series_id", "late_points", "refused_points")
    with closing(sqlite3.connect(path)) as file:
        file.row_factory = sqlite3.Row
        return {
            view: sorted(
                repr({name: value for name, value in dict(row).items() if name not in counters})
                for row in file.execute(f"SELECT * FROM {view}")
            )
            for view in ("metrics", "metric_points", "exemplars")
        }
