# SPDX-License-Identifier: Apache-2.0
"""Restores the data points of metrics that name sessions, with their exemplars."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, groupby
from typing import Any

import orjson

from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.archive.dataset_format.manifests import Manifest, read_manifests
from otel_sqlite_exporter.archive.dataset_format.part_files import check_parts
from otel_sqlite_exporter.archive.restoring.part_reader import PartReader, Row
from otel_sqlite_exporter.encode.resources import digest_row
from otel_sqlite_exporter.imports.merging.merged_hours import choose_points, split_hours
from otel_sqlite_exporter.model.metric_records.metric_rows import (
    EncodedPoint,
    EncodedSeries,
    ExemplarRow,
    InstrumentRow,
    PointRow,
    SeriesRow,
    StoredNumber,
)
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM, SUMMARY
from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.values import EncodedAttributes
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.writer import Writer

_TABLES = ("metrics", "exemplars")
_Exemplars = Mapping[tuple[int, int], Sequence[ExemplarRow]]
"""By the time and the start of their point."""


def add_points(
    dataset: DatasetFolder, manifests: Sequence[Manifest], settings: Settings, sessions: Sequence[str]
) -> int:
    """Write the data points that name `sessions` to the file of `settings`, and return how many are new.

    Raises:
        DamagedFileError: A part cannot be read.
        sqlite3.Error, OSError: The file cannot be written.
    """
    if not sessions:
        return 0
    added = 0
    with (
        PartReader(dataset, manifests, _TABLES, one_by_one=True) as reader,
        closing(open_file(settings)) as target,
    ):
        for manifest in manifests:
            check_parts(dataset, manifest, _TABLES)
            reader.choose(manifest)
            for points, counts in _read_series(reader, sessions):
                added += _write(target, settings, points, counts)
    return added


def add_histograms(
    dataset: DatasetFolder, settings: Settings, is_wanted: Callable[[str], bool], until_unix_nano: int
) -> int:
    """Write the data points before a time of some histograms to the file of `settings`, without exemplars, and return
    how many these are. `is_wanted` is asked with the name of each.

    Raises:
        DamagedFileError: A part cannot be read.
        sqlite3.Error, OSError: The file cannot be written.
    """
    added = 0
    with (
        PartReader(dataset, read_manifests(dataset), ["metrics"]) as reader,
        closing(open_file(settings)) as target,
        transaction(target),
    ):
        writer = Writer(target, settings)
        found = chain.from_iterable(reader.read("names_of_histograms"))
        names = [row["name"] for row in found if is_wanted(row["name"])]
        rows = chain.from_iterable(reader.read("restored_histograms", names=names, until=until_unix_nano))
        for _, of_series in groupby(rows, lambda row: row["series_id"]):
            first = next(of_series)
            series = _make_series(first)
            points = [_make_point(series, row, {}) for row in chain([first], of_series)]
            added += writer.add_copied_points(choose_points(target, split_hours(points)))
    return added


def _write(
    target: sqlite3.Connection, settings: Settings, points: Sequence[EncodedPoint], counts: Mapping[str, Any]
) -> int:
    with transaction(target):
        added = Writer(target, settings).add_copied_points(choose_points(target, split_hours(points)))
        target.execute(read_query("merge_series_counts"), counts)
    return added


def _read_series(reader: PartReader, sessions: Sequence[str]) -> Iterator[tuple[list[EncodedPoint], Mapping[str, Any]]]:
    """Yield the points of each series, and its counters."""
    rows = chain.from_iterable(reader.read("restored_points", sessions=[*sessions]))
    for id, of_series in groupby(rows, lambda row: row["series_id"]):
        found = [*of_series]
        series, exemplars = _make_series(found[0]), _read_exemplars(reader, id)
        counts = {"late": found[-1]["_late_points"] or 0, "refused": found[-1]["_refused_points"] or 0}
        yield (
            [_make_point(series, row, exemplars) for row in found],
            {"digest": series.row.digest, "hourly_until": 0, **counts},
        )


def _make_series(row: Row) -> EncodedSeries:
    attributes = EncodedAttributes(row["resource_attributes"], row["resource_attribute_types"], 0)
    url = row["resource_schema_url"]
    resource = ResourceRow(digest_row(attributes, url), row["service_name"], url, attributes.types, attributes.text)
    scope = _make_scope(row)
    is_monotonic = row["is_monotonic"]
    metadata = EncodedAttributes(row["metadata"], row["metadata_types"], 0)
    columns = [row[name] for name in ("name", "description", "unit", "kind", "temporality")]
    texts = (*columns, None if is_monotonic is None else str(is_monotonic), None if scope is None else scope.digest)
    instrument = InstrumentRow._make(
        (digest_row(metadata, *texts), *columns, is_monotonic, metadata.types, metadata.text)
    )
    own = EncodedAttributes(row["attributes"], row["attribute_types"], 0)
    names = row["session_id"], row["user_id"]
    digest = digest_row(own, instrument.digest, resource.digest, *names)
    return EncodedSeries(SeriesRow(digest, *names, own.types, own.text), instrument, resource, scope)


def _make_scope(row: Row) -> ScopeRow | None:
    if row["scope_name"] is None:
        return None
    attributes = EncodedAttributes(row["scope_attributes"], row["scope_attribute_types"], 0)
    texts = row["scope_name"], row["scope_version"], row["scope_schema_url"]
    return ScopeRow(digest_row(attributes, *texts), *texts, attributes.types, attributes.text)


def _make_point(series: EncodedSeries, row: Row, exemplars: _Exemplars) -> EncodedPoint:
    if row["_point"] is None:
        others = (_store(row[name]) for name in ("sum", "min", "max"))
        numbers = [_read_value(row["value"], row["value_type"]), row["count"], *others]
    else:
        numbers = orjson.loads(row["_point"])
    time, start = row["time_unix_nano"], row["start_time_unix_nano"] or 0
    source = None if row["time_source"] == "point" else row["time_source"]
    bounds, buckets = _split_buckets(series.instrument.kind, row["buckets"])
    point = PointRow._make((time, start, source, row["flags"], *numbers, buckets, row["raw_points"]))
    return EncodedPoint(series, point, bounds, exemplars.get((time, start), ()), 0)


def _read_value(value: float | None, kind: str | None) -> StoredNumber:
    """Return a number as it was stored, where a double and its type tell that."""
    if kind == "nan":
        return "NaN"
    return int(value) if kind == "integer" and value is not None else _store(value)


def _store(value: float | None) -> StoredNumber:
    if value is None or not math.isinf(value):
        return value
    return "Infinity" if value > 0 else "-Infinity"


def _split_buckets(kind: str, text: str | None) -> tuple[str | None, str | None]:
    """Return the bounds and the buckets of a point as the tables have them."""
    if text is None:
        return None, None
    shown = orjson.loads(text)
    if kind == HISTOGRAM:
        return _dump(shown["bounds"]), _dump(shown["counts"])
    if kind == EXPONENTIAL_HISTOGRAM:
        signs = [shown[name] or {"offset": None, "counts": None} for name in ("positive", "negative")]
        numbers = [shown[name] for name in ("scale", "zero_count", "zero_threshold")]
        return None, _dump([*numbers, *(sign[name] for sign in signs for name in ("offset", "counts"))])
    if kind == SUMMARY:
        return None, _dump([[one["quantile"], one["value"]] for one in shown])
    return None, text


def _dump(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _read_exemplars(reader: PartReader, series: int) -> _Exemplars:
    found: defaultdict[tuple[int, int], list[ExemplarRow]] = defaultdict(list)
    for row in chain.from_iterable(reader.read("restored_exemplars", series=[series])):
        stored = row["stored"]
        if stored is None:
            stored = _read_value(row["value"], row["value_type"])
        elif row["value_type"] == "integer":
            stored = int(stored)
        columns = (row[name] for name in ("trace_id", "span_id", "attribute_types", "attributes"))
        exemplar = ExemplarRow(row["time_unix_nano"], stored, *columns)
        found[row["point_time_unix_nano"], row["point_start_time_unix_nano"]].append(exemplar)
    return found
