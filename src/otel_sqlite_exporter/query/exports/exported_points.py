# SPDX-License-Identifier: Apache-2.0
"""Exports the data points of metrics as lines of OTLP JSON, series by series, so that memory stays bounded."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.encode.metric_encoding.point_numbers import read_number
from otel_sqlite_exporter.errors import MigrationRequiredError
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    EXPONENTIAL_HISTOGRAM,
    GAUGE,
    HISTOGRAM,
    SUM,
    BucketFields,
    DistributionFields,
    ExemplarFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.model.signals import ResourceFields, ScopeFields
from otel_sqlite_exporter.model.values import LARGEST, decode_value
from otel_sqlite_exporter.otlp.metric_messages.metric_encoder import encode_metrics
from otel_sqlite_exporter.otlp.otlp_encoder import Row
from otel_sqlite_exporter.otlp.redacted_rows import RowRedactor
from otel_sqlite_exporter.query.exports.alike_series import AlikeSeries
from otel_sqlite_exporter.query.exports.exported_pieces import PAGE, ExportedPiece
from otel_sqlite_exporter.query.reading import TelemetryFile, fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query

_MOST_SERIES = 4 * PAGE
"""The most series that one transaction looks at."""


class _ExportPlace(NamedTuple):
    """How far the export is: the place of a series in the list, and the time and start of its last point."""

    series: int = 0
    time: int = -1
    start: int = -1


class _SeriesFields(NamedTuple):
    """What the points of a series have in common."""

    instrument: InstrumentFields
    attributes: dict[Any, Any]
    resource: ResourceFields
    scope: ScopeFields | None


def read_metric_points(
    file: TelemetryFile, filters: Mapping[str, Any], redactor: RowRedactor | None
) -> Iterator[ExportedPiece]:
    """Yield the data points that meet the filters, those of a series together. A session has those of the series that
    name it, and a trace has none. A file of before metrics has none either. Series that `redactor` makes alike are told
    apart by an attribute."""
    if filters["trace_id"] is not None:
        return
    try:
        series = file.read(_list_series, filters["session_id"])
    except MigrationRequiredError:
        return
    place = _ExportPlace()
    alike = None if redactor is None else AlikeSeries(redactor)
    while place.series < len(series):
        points, place = file.read(_read_page, series, place, filters)
        if points:
            shown = [point if alike is None else alike.redact_point(id, point) for id, point in points]
            yield ExportedPiece(encode_metrics(shown) + b"\n", points=len(points))


def _list_series(connection: sqlite3.Connection, session_id: str | None) -> array[int]:
    if session_id is None:
        found = connection.execute(read_query("list_exported_series"))
    else:
        found = connection.execute(read_query("list_series_of_session"), {"session_id": session_id})
    return array("q", (id for (id,) in found))


def _read_page(
    connection: sqlite3.Connection, series: array[int], place: _ExportPlace, filters: Mapping[str, Any]
) -> tuple[list[tuple[int, PointFields]], _ExportPlace]:
    """Return the next points, each with the id of its series, and where they end."""
    rows: list[tuple[int, Row]] = []
    last = min(len(series), place.series + _MOST_SERIES)
    until = filters["until"]
    asked = {"since": filters["since"] or 0, "last": LARGEST if until is None else until - 1}
    while place.series < last and len(rows) < PAGE:
        id, limit = series[place.series], PAGE - len(rows)
        asked |= {"series": id, "time": place.time, "start": place.start, "limit": limit}
        found = fetch(connection, Select(read_query("find_exported_points"), asked))
        rows += [(id, row) for row in found]
        if len(found) < limit:
            place = _ExportPlace(place.series + 1)
        else:
            place = _ExportPlace(place.series, found[-1]["time_unix_nano"], found[-1]["start_time_unix_nano"])
    ids = [id for id, _ in rows]
    return [*zip(ids, _read_points(connection, rows), strict=True)], place


def _read_points(connection: sqlite3.Connection, rows: Sequence[tuple[int, Row]]) -> list[PointFields]:
    """Return the fields of points, each given with the id of its series."""
    known = _read_series(connection, [*{id: None for id, _ in rows}])
    keys = [(id, row["time_unix_nano"], row["start_time_unix_nano"]) for id, row in rows]
    exemplars = _read_exemplars(connection, keys)
    points = []
    for number, (id, row) in enumerate(rows):
        instrument, attributes, resource, scope = known[id]
        points.append(
            PointFields(
                instrument,
                attributes,
                row["start_time_unix_nano"],
                row["time_unix_nano"],
                row["flags"],
                _read_stored(row["value"]) if instrument.kind in (GAUGE, SUM) else None,
                None if instrument.kind in (GAUGE, SUM) else _read_distribution(instrument.kind, row),
                exemplars.get(number, ()),
                resource,
                scope,
            )
        )
    return points


def _read_series(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, _SeriesFields]:
    """Return what points have in common, by the id of their series. Those of one metric share the object of it, and
    those of one resource or scope that of this."""
    instruments: dict[int, InstrumentFields] = {}
    resources: dict[int, ResourceFields] = {}
    scopes: dict[int | None, ScopeFields | None] = {None: None}
    found = {}
    for row in fetch(connection, Select(read_query("find_exported_series"), {"series": orjson.dumps(ids).decode()})):
        instrument, resource, scope = row["instrument"], row["resource"], row["scope"]
        if instrument not in instruments:
            is_monotonic = None if row["is_monotonic"] is None else bool(row["is_monotonic"])
            metadata = _decode(row["metadata"], row["metadata_types"])
            texts = row["name"], row["description"], row["unit"], row["kind"]
            instruments[instrument] = InstrumentFields(*texts, row["temporality"], is_monotonic, metadata)
        if resource not in resources:
            attributes = _decode(row["resource_attributes"], row["resource_attribute_types"])
            resources[resource] = ResourceFields(attributes, row["resource_schema_url"])
        if scope not in scopes:
            attributes = _decode(row["scope_attributes"], row["scope_attribute_types"])
            scopes[scope] = ScopeFields(row["scope_name"], row["scope_version"], row["scope_schema_url"], attributes)
        attributes = _decode(row["attributes"], row["attribute_types"])
        found[row["id"]] = _SeriesFields(instruments[instrument], attributes, resources[resource], scopes[scope])
    return found


def _read_exemplars(
    connection: sqlite3.Connection, keys: Sequence[tuple[int, int, int]]
) -> dict[int, list[ExemplarFields]]:
    """Return the exemplars of points, by the place of the point."""
    found: dict[int, list[ExemplarFields]] = {}
    for row in fetch(
        connection, Select(read_query("find_exported_exemplars"), {"points": orjson.dumps(keys).decode()})
    ):
        exemplar = ExemplarFields(
            _read_stored(row["value"]),
            row["time_unix_nano"],
            _read_id(row["trace_id"]),
            _read_id(row["span_id"]),
            _decode(row["attributes"], row["attribute_types"]),
        )
        found.setdefault(row["point"], []).append(exemplar)
    return found


def _read_distribution(kind: str, row: Row) -> DistributionFields:
    numbers = {name: _read_stored(row[name]) for name in ("sum", "min", "max")}
    buckets = [] if row["buckets"] is None else orjson.loads(row["buckets"])
    count = _read_stored(row["value_count"])
    if kind == HISTOGRAM:
        bounds = [] if row["bounds"] is None else orjson.loads(row["bounds"])
        return DistributionFields(count, **numbers, bounds=[*map(_read_stored, bounds)], counts=_read_counts(buckets))
    if kind == EXPONENTIAL_HISTOGRAM:
        scale, zero_count, threshold, *signs = buckets
        positive, negative = (
            None if counts is None else BucketFields(offset, _read_counts(counts))
            for offset, counts in (signs[:2], signs[2:])
        )
        zero = {"zero_count": _read_stored(zero_count), "zero_threshold": _read_stored(threshold)}
        return DistributionFields(count, **numbers, scale=scale, **zero, positive=positive, negative=negative)
    quantiles = [(_read_stored(quantile), _read_stored(value)) for quantile, value in buckets]
    return DistributionFields(count, **numbers, quantiles=quantiles)


def _read_counts(counts: Sequence[Any]) -> list[Any]:
    return [*map(_read_stored, counts)]


def _read_stored(stored: Any) -> Any:
    return None if stored is None else read_number(stored)


def _read_id(text: str | None) -> int:
    return 0 if text is None else int(text, 16)


def _decode(text: str, types: str | None) -> dict[Any, Any]:
    attributes: dict[Any, Any] = decode_value(text, types, restore_keys=True)
    return attributes
