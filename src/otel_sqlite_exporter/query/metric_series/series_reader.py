# SPDX-License-Identifier: Apache-2.0
"""Reads the series of a metric as lines over time."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.query.filter_values import parse_time
from otel_sqlite_exporter.query.metric_series.series_answers import MetricLine, MetricSeriesResult, SeriesPoint
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select
from otel_sqlite_exporter.sql.texts import read_query


def read_metric_series(
    connection: sqlite3.Connection,
    name: str,
    *,
    since: Any,
    until: Any,
    step: Any,
    aggregate: Any,
    group_by: Sequence[str],
    limit: int,
    timezone: str,
    filters: Mapping[str, Any],
) -> MetricSeriesResult:
    """Return the lines of a metric.

    Raises:
        FilterError: An argument cannot be used.
        NotFoundError: There is no such metric.
    """
    begin = 0 if since is None else parse_time("since", since)
    end = LARGEST if until is None else parse_time("until", until)
    rows = fetch(connection, Select(read_query("read_metric_points"), {"name": name, "since": begin, "until": end}))
    if not rows:
        raise NotFoundError(f"there is no metric {name!r}: `metrics` lists them")
    first = rows[0]
    step_s = 60 if step is None else int(step)
    kind = first["kind"]
    aggregates = (aggregate or ("last" if kind == "gauge" else "rate"),)
    groups: dict[tuple[Any, ...], dict[int, float]] = defaultdict(dict)
    for row in rows:
        labels = tuple(orjson.loads(row["attributes"]).get(key) for key in group_by)
        at = row["time_unix_nano"] // (step_s * 10**9) * step_s * 10**9
        value = row["value"] if kind == "gauge" else row["delta"] if kind == "sum" else row["count_delta"]
        cells = groups[labels]
        cells[at] = value if kind == "gauge" else cells.get(at, 0) + (value or 0)
    lines = [
        MetricLine(
            dict(zip(group_by, labels, strict=True)),
            *(aggregates[0], first["unit"], False, 1),
            tuple(
                SeriesPoint(at, value / step_s if aggregates[0] == "rate" else value)
                for at, value in sorted(cells.items())
            ),
        )
        for labels, cells in groups.items()
    ]
    return MetricSeriesResult(
        *(name, kind, first["unit"], "", first["temporality"], first["is_monotonic"], aggregates, step_s),
        *(rows[0]["time_unix_nano"], rows[-1]["time_unix_nano"] + 1, tuple(lines[:limit])),
        *(max(0, len(lines) - limit), len(lines), ()),
    )
