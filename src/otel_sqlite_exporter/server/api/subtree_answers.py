# SPDX-License-Identifier: Apache-2.0
"""The answer about a span and all below it, as a person or a language model reads it: depth first, with times in
milliseconds, what was recorded, and the attributes, of which long values are cut."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.query.askable_views import SPANS
from otel_sqlite_exporter.query.pages import decode_json
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.skeletons.recorded_sums import NOTHING, sum_records
from otel_sqlite_exporter.query.skeletons.span_places import find_ends
from otel_sqlite_exporter.query.skeletons.span_search import find_span
from otel_sqlite_exporter.query.skeletons.trace_skeleton import ROLES, STATUSES, TraceSkeleton
from otel_sqlite_exporter.query.sql_builder import build_newest
from otel_sqlite_exporter.server.api.api_answers import DataAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments

_MOST_TEXT = 500
"""The most characters of a value."""
_COLUMNS = ("id", "status_description", "attributes")


def get_subtree(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with a span and those below it."""
    skeleton = backend.read_skeleton(arguments["id"])
    at = find_span(skeleton, arguments["span"])
    end = find_ends(skeleton.spans["depth"])[at]
    places = range(at, min(end, at + arguments["limit"]))
    rows = backend.file.read(_read_rows, [skeleton.spans["id"][place] for place in places])
    spans = [*_describe_spans(skeleton, places, rows)]
    is_cut = end - at > len(spans)
    note = f"of {end - at:,} spans; values are cut at {_MOST_TEXT} characters"
    data = {"trace_id": skeleton.trace.trace_id, "spans": spans}
    return DataAnswer(data, total=end - at, truncated=is_cut, note=note)


def _read_rows(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    among = orjson.dumps(ids).decode()
    return {row["id"]: row for row in fetch(connection, build_newest(SPANS, _COLUMNS, {}, among=among, limit=len(ids)))}


def _describe_spans(
    skeleton: TraceSkeleton, places: Sequence[int], rows: Mapping[int, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    spans, texts, sums = skeleton.spans, skeleton.texts, sum_records(skeleton)
    for at in places:
        row, told = rows.get(spans["id"][at], {}), sums.get(at, NOTHING)
        critical = spans["critical_ns"][at]
        found = {
            "depth": spans["depth"][at] - spans["depth"][places[0]],
            "span_id": spans["span_id"][at],
            "name": texts["name"][spans["name"][at]],
            "role": ROLES[spans["role"][at]],
            "service": texts["service"][spans["service"][at]],
            "status": STATUSES[spans["status"][at]],
            "status_description": _cut(row.get("status_description")),
            "start_ms": spans["start_ns"][at] / 1e6,
            "duration_ms": spans["duration_ns"][at] / 1e6,
            "self_ms": spans["self_ns"][at] / 1e6,
            "critical_ms": None if critical is None else critical / 1e6,
            "recorded": told.title or None,
            "tokens": told.tokens,
            "cost_usd": told.cost_usd,
            "attributes": _cut(decode_json(row.get("attributes"))) or None,
        }
        yield {name: value for name, value in found.items() if value is not None}


def _cut(value: Any) -> Any:
    """Return a value with its long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= _MOST_TEXT else f"{value[:_MOST_TEXT]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    if isinstance(value, list):
        text = orjson.dumps(value, default=str).decode()
        return value if len(text) <= _MOST_TEXT else _cut(text)
    return value
