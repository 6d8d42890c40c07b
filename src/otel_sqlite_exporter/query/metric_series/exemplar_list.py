# SPDX-License-Identifier: Apache-2.0
"""The list of exemplars, page by page, the newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import KINDS
from otel_sqlite_exporter.query.filter_values import fold_id, parse_texts, parse_time
from otel_sqlite_exporter.query.metric_series.chosen_series import choose_series
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarFilter, ExemplarSummary
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select, check_limit
from otel_sqlite_exporter.sql.texts import read_query

_OF_SERIES = ("kind", "unit", "user_id", "attributes")
_BEFORE = ("before_time", "before_series", "before_point", "before_start", "before_ordinal")


def find_exemplars(
    connection: sqlite3.Connection, *, limit: int, cursor: str | None, filters: Mapping[str, Any]
) -> Page[ExemplarSummary]:
    """Return a page of exemplars.

    Raises:
        FilterError: A filter is unknown, or the limit, the cursor or a value cannot be used.
    """
    parameters: dict[str, Any] = dict.fromkeys((*ExemplarFilter.__annotations__, "series", *_BEFORE))
    for argument, value in filters.items():
        if argument not in ExemplarFilter.__annotations__:
            known = ", ".join(ExemplarFilter.__annotations__)
            raise FilterError(argument, f"exemplars have no such filter: give {known}")
        if argument in _OF_SERIES:
            continue
        if value is not None and argument in ("since", "until"):
            parameters[argument] = parse_time(argument, value)
        elif value is not None:
            texts = [fold_id(argument, text) for text in parse_texts(argument, value)]
            parameters[argument] = json.dumps(texts)
    of_series = {name: filters[name] for name in _OF_SERIES if filters.get(name) is not None}
    if of_series:
        parameters["series"] = json.dumps([*_list_series(connection, filters.get("name"), of_series)])
    if cursor is not None:
        parameters |= dict(zip(_BEFORE, _decode(cursor), strict=True))
    parameters["limit"] = check_limit(limit) + 1
    rows = fetch(connection, Select(read_query("list_exemplars"), parameters))
    records = tuple(map(ExemplarSummary.from_row, rows[:limit]))
    following = _encode(records[-1]) if len(rows) > limit else None
    total = len(records) if following is None and cursor is None else None
    return Page(ExemplarSummary, records, total, following)


def _list_series(connection: sqlite3.Connection, names: Any, filters: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ids of the series of metrics that meet the filters."""
    if names is None:
        raise FilterError(next(iter(filters)), "it chooses series of a metric: give its name, too")
    given = dict(filters)
    kinds, units = given.pop("kind", None), given.pop("unit", None)
    kinds = None if kinds is None else parse_texts("kind", kinds, KINDS)
    units = None if units is None else parse_texts("unit", units)
    for name in parse_texts("name", names):
        for one in choose_series(connection, name, given)[0]:
            if (kinds is None or one.kind in kinds) and (units is None or one.unit in units):
                yield one.id


def _encode(last: ExemplarSummary) -> str:
    point = (last.series_id, last.point_time_unix_nano, last.point_start_time_unix_nano or 0, last.ordinal)
    return encode_position([ExemplarSummary.VIEW, last.time_unix_nano or 0, *point])


def _decode(cursor: str) -> tuple[int, ...]:
    match decode_position(cursor):
        case [ExemplarSummary.VIEW, int(time), int(series), int(point), int(start), int(ordinal)]:
            return time, series, point, start, ordinal
    raise FilterError("cursor", "it is not from a page of this list: give the `cursor` of such a page")
