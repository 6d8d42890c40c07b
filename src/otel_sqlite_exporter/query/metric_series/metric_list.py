# SPDX-License-Identifier: Apache-2.0
"""The list of metrics, page by page, in order of their names."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.filter_values import parse_texts, parse_time
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricFilter, MetricSummary
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select, check_limit
from otel_sqlite_exporter.sql.texts import read_query

_PARAMETERS = {
    **{"name": "names", "kind": "kinds", "unit": "units"},
    **{"service_name": "services", "session_id": "sessions", "user_id": "users", "since": "since", "until": "until"},
}


def find_metrics(
    connection: sqlite3.Connection, *, limit: int, cursor: str | None, filters: Mapping[str, Any]
) -> Page[MetricSummary]:
    """Return a page of instruments.

    Raises:
        FilterError: A filter is unknown, or the limit, the cursor or a value cannot be used.
    """
    name, id = ("", -1) if cursor is None else _decode(cursor)
    parameters = {**_read_filters(filters), "after_name": name, "after_id": id, "limit": check_limit(limit) + 1}
    rows = fetch(connection, Select(read_query("list_metrics"), parameters))
    records = tuple(map(MetricSummary.from_row, rows[:limit]))
    following = encode_position([MetricSummary.VIEW, records[-1].name, records[-1].id]) if len(rows) > limit else None
    total = len(records) if following is None and cursor is None else None
    return Page(MetricSummary, records, total, following)


def _read_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = dict.fromkeys(_PARAMETERS.values())
    for argument, value in filters.items():
        if argument not in MetricFilter.__annotations__:
            raise FilterError(argument, f"metrics have no such filter: give {', '.join(MetricFilter.__annotations__)}")
        if value is None:
            continue
        if argument in ("since", "until"):
            parameters[argument] = parse_time(argument, value)
        else:
            texts = parse_texts(argument, value)
            patterns = [_make_pattern(text) for text in texts] if argument == "name" else texts
            parameters[_PARAMETERS[argument]] = json.dumps(patterns)
    return parameters


def _make_pattern(text: str) -> str:
    """Return the GLOB pattern of a text in which `*` alone stands for other characters."""
    return "".join(f"[{one}]" if one in "[?" else one for one in text)


def _decode(cursor: str) -> tuple[str, int]:
    match decode_position(cursor):
        case [MetricSummary.VIEW, str(name), int(id)]:
            return name, id
    raise FilterError("cursor", "it is not from a page of this list: give the `cursor` of such a page")
