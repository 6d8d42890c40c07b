# SPDX-License-Identifier: Apache-2.0
"""Series, data points and exemplars in the file, and what the views show of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from otel_sqlite_exporter.encode.metric_encoding.point_encoder import PointEncoder
from otel_sqlite_exporter.model.attribute_sources import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    DELTA,
    EXPONENTIAL_HISTOGRAM,
    SUM,
    SUMMARY,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.metric_writing.known_series import KnownSeries
from otel_sqlite_exporter.write.metric_writing.points_batch import BEYOND_LIMIT, PointsBatch, WrittenPoints
from tests.conftest import exporting, read
from tests.drawn_points import ARRIVAL_NS
from tests.integration.test_point_order import PointWriter
from tests.metric_files import at, counter, gauge, histogram, make_point, write_points

_TRACE = 0x0AF7651916CD43DD8448EB211C80319C
_DAY_NS = 86_400 * 10**9
_NAN = float("nan")


def encode(points: Sequence[PointFields]) -> list[EncodedPoint]:
    encoder = PointEncoder(DEFAULT_SESSION_ATTRIBUTES)
    return [encoder.encode_point(point, ARRIVAL_NS) for point in points]


def test_a_series_and_its_instrument_are_rows_once(path: Path) -> None:
    metric = InstrumentFields("requests", "Requests", "{request}", SUM, DELTA, True, {"raw": b"\x01"})
    named = {"session.id": "s1", "user.id": "ada", "n": 1.0}
    points = [
        make_point(metric, time, 2, start=time - 1, attributes=attributes)
        for time in (1, 2, 3)
        for attributes in (named, {})
    ]
    write_points(path, points[:4], points[4:])
    assert read(path, "SELECT count(*) FROM _instruments") == [(1,)]
    assert read(path, "SELECT count(*) FROM _metric_series") == [(2,)]
    assert read(
        path,
        "SELECT name, kind, unit, temporality, is_monotonic, description, series, services, scope_name, metadata_types,"
        " metadata, first_time_unix_nano, last_time_unix_nano, first_time, late_points, refused_points FROM metrics",
    ) == [
        (
            *("requests", SUM, "{request}", DELTA, 1, "Requests", 2, '["shop"]', "tests", '{"/raw":"bytes"}'),
            *('{"raw":"AQ=="}', at(1), at(3), "2023-11-14T22:14:01.000000Z", 0, 0),
        )
    ]
    shown = (
        "SELECT session_id, user_id, attributes, value, delta, start_time, time FROM metric_points ORDER BY series_id"
    )
    assert read(path, shown)[0] == (
        *("s1", "ada", '{"n":1.0,"session.id":"s1","user.id":"ada"}', 2, 2),
        *("2023-11-14T22:14:00.000000Z", "2023-11-14T22:14:01.000000Z"),
    )


@pytest.mark.parametrize(
    ("kind", "distribution", "buckets"),
    [
        (
            histogram().kind,
            DistributionFields(3, 1.5, 0.25, 1, (0.5, 1), (1, 2, 0)),
            {"bounds": [0.5, 1], "counts": [1, 2, 0]},
        ),
        (histogram().kind, DistributionFields(3, 1.5), {"bounds": [], "counts": []}),
        (
            EXPONENTIAL_HISTOGRAM,
            DistributionFields(3, 4, scale=-1, zero_count=1, zero_threshold=0.5, positive=BucketFields(-2, (1, 2**64))),
            {
                **{"scale": -1, "zero_count": 1, "zero_threshold": 0.5, "negative": None},
                "positive": {"offset": -2, "counts": [1, str(2**64)]},
            },
        ),
        (
            SUMMARY,
            DistributionFields(3, 4.5, quantiles=((0.5, 1.0), (0.99, _NAN))),
            [{"quantile": 0.5, "value": 1.0}, {"quantile": 0.99, "value": "NaN"}],
        ),
    ],
)
def test_buckets_are_json_of_the_kind(path: Path, kind: str, distribution: DistributionFields, buckets: Any) -> None:
    write_points(path, [make_point(InstrumentFields("m", kind=kind), 1, distribution=distribution)])
    ((count, total, found, value),) = read(path, "SELECT count, sum, buckets, value FROM metric_points")
    assert (count, total, value) == (distribution.count, distribution.sum, None)
    assert json.loads(found) == buckets


@pytest.mark.parametrize(
    ("value", "shown", "value_type"),
    [
        *((5, 5, "integer"), (5.0, 5.0, "real"), (-(2**63), -(2**63), "integer"), (2**70, 2.0**70, "large")),
        *((_NAN, None, "nan"), (float("inf"), float("inf"), "real"), (float("-inf"), float("-inf"), "real")),
        *((None, None, None), (5e-324, 5e-324, "real"), ("no number", None, None)),
    ],
)
def test_a_value_is_a_number_as_it_came(path: Path, value: Any, shown: Any, value_type: str | None) -> None:
    write_points(path, [make_point(gauge(), 1, value, exemplars=[ExemplarFields(value, at(1), 0, 0, None)])])
    for view in ("metric_points", "exemplars"):
        ((found, kind),) = read(path, f"SELECT value, value_type FROM {view}")
        assert (found, type(found), kind) == (shown, type(shown), value_type)


def make_span(name: str, span_id: int, kind: SpanKind = SpanKind.INTERNAL, session: str | None = None) -> ReadableSpan:
    context = SpanContext(_TRACE, span_id, False, TraceFlags(1))
    attributes = {} if session is None else {"session.id": session}
    return ReadableSpan(name, context, None, Resource({}), attributes, kind=kind, start_time=at(0), end_time=at(1))


def test_an_exemplar_shows_the_span_that_measured_it_whenever_that_comes(path: Path) -> None:
    measured = [
        ExemplarFields(0.25, at(0.5), trace, span, attributes)
        for trace, span, attributes in (
            *((_TRACE, 1, {"n": 1}), (_TRACE, 2, None), (_TRACE, 3, None), (_TRACE, 4, None), (7, 1, None)),
            *((_TRACE, 0, None), (0, 0, None)),
        )
    ]
    with exporting(path) as exporter:
        exporter.export([make_span("earlier", 1, session="s1")])
        point = make_point(
            histogram(), 1, distribution=DistributionFields(1), exemplars=measured, attributes={"session.id": "s0"}
        )
        write_points(path, [point])
        query = "SELECT ordinal, span_name, session_id, attributes, trace_id IS NULL, span_id FROM exemplars ORDER BY 1"
        names = [name for _, name, *_ in read(path, query)]
        assert names == ["earlier", *[None] * 6]
        exporter.export([make_span("later", 2)])
        exporter.export([make_span("client", 3, SpanKind.CLIENT), make_span("server", 3, SpanKind.SERVER)])
    assert read(path, query) == [
        (0, "earlier", "s1", '{"n":1}', 0, "0000000000000001"),
        (1, "later", "s1", "{}", 0, "0000000000000002"),
        (2, "client", "s1", "{}", 0, "0000000000000003"),
        (3, None, "s0", "{}", 0, "0000000000000004"),
        (4, None, "s0", "{}", 0, "0000000000000001"),
        (5, None, "s0", "{}", 0, None),
        (6, None, "s0", "{}", 1, None),
    ]
    assert read(path, "SELECT count(*) FROM exemplars WHERE trace_id = ?", f"{_TRACE:032x}") == [(5,)]


def test_new_series_are_bounded_by_day_and_known_ones_go_on(path: Path) -> None:
    days: list[list[int]] = []
    with closing(open_file(resolve_settings(path))) as connection:

        def write(day: int, *series: int) -> WrittenPoints:
            batch = encode([make_point(counter(), day, 1, attributes={"n": n}) for n in series])
            with transaction(connection):
                return PointsBatch(connection, batch, KnownSeries(), 3).write(day * _DAY_NS)

        for day, series in ((1, (1, 2)), (1, (3, 4, 1, 5)), (1, (6,)), (2, (4, 5, 1)), (2, (6, 7))):
            found = write(day, *series)
            days.append([day, found.written, len(found.refused)])
            assert {*found.refused.values()} <= {BEYOND_LIMIT}
    assert days == [[1, 2, 0], [1, 1, 2], [1, 0, 1], [2, 3, 0], [2, 1, 1]]
    assert read(path, "SELECT day, series, refused_points FROM _new_series") == [(1, 3, 3), (2, 3, 1)]
    names = [json.loads(text)["n"] for (text,) in read(path, "SELECT attributes FROM _metric_series ORDER BY id")]
    assert names == [1, 2, 3, 4, 5, 6]


def test_what_others_remove_is_not_taken_for_known(path: Path) -> None:
    """A writer remembers the series that it wrote: but for a removal, by another connection or by its own."""
    writer = PointWriter(path)
    other = open_file(resolve_settings(path))
    removal = (
        *("DELETE FROM _metric_points", "DELETE FROM _metric_series", "DELETE FROM _instruments"),
        "DELETE FROM _histogram_bounds",
    )
    with closing(writer.connection), closing(other):
        for number, connection in enumerate((other, writer.connection, None, other)):
            points = [make_point(counter(), number, 1)]
            points += [make_point(histogram(), number, distribution=DistributionFields(1, bounds=[1], counts=[1, 0]))]
            writer.write(encode(points))
            if connection is not None:
                for statement in removal:
                    connection.execute(statement)
        writer.write(encode([make_point(counter(), 9, 1)]))
    assert read(path, "SELECT name, delta FROM metric_points") == [("requests", None)]
    assert read(path, "PRAGMA foreign_key_check") == []


def test_what_a_failed_batch_would_have_made_is_not_taken_for_known(path: Path) -> None:
    writer = PointWriter(path)
    writer.write(encode([make_point(counter(), 1, 1)]))
    fine = encode([make_point(counter(), 2, 1), make_point(gauge(), 2, 1)])
    bad = [fine[1], fine[0]._replace(row=fine[0].row._replace(value=2**70))]
    with closing(writer.connection):
        with pytest.raises((OverflowError, sqlite3.Error)):
            writer.write(bad)
        writer.write(fine)
        writer.write(encode([make_point(counter(), 1.5, 1)]))
    assert read(path, "SELECT name, series, late_points FROM metrics ORDER BY name") == [
        ("requests", 1, 1),
        ("temperature", 1, 0),
    ]


def test_a_point_without_a_time_has_that_of_its_arrival(path: Path) -> None:
    write_points(path, [make_point(gauge(), 1, 1)._replace(time=0)])
    assert read(path, "SELECT time_source, time FROM metric_points") == [("arrival", "2023-11-14T22:14:00.000000Z")]
