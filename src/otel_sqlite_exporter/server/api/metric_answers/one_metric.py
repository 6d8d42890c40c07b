# SPDX-License-Identifier: Apache-2.0
"""The answers about one metric: what the file has of it, and its series over time."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.metric_series.series_answers import MetricSeriesResult
from otel_sqlite_exporter.server.api.api_answers import DataAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments

MOST_POINTS = 50_000
"""The most points of an answer, which are 4 MB."""


def get_metric(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with what the file has of a metric."""
    found = backend.database.get_metric(arguments["name"])
    note = None if found.is_whole else "services and attributes are those of a part of the series, as there are many"
    return DataAnswer(found.to_dict(), truncated=not found.is_whole, note=note)


def get_metric_series(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the lines of a metric over time."""
    result = read_series(backend, arguments)
    check_points(result)
    note = "; ".join(result.notes) or None
    return DataAnswer(result.to_dict(), total=result.total, truncated=bool(result.omitted), note=note)


def check_points(result: MetricSeriesResult) -> None:
    """Raise FilterError if lines have more points than an answer may have."""
    points = sum(len(line.points) for line in result.series)
    if points > MOST_POINTS:
        detail = f"these are {points:,} points, and an answer has at most {MOST_POINTS:,}: give a longer step, a "
        raise FilterError("step", f"{detail}shorter range by since, or a lower limit")


def read_series(backend: ApiBackend, arguments: Arguments) -> MetricSeriesResult:
    """Return the lines of a metric: the arguments are the keywords of `get_metric_series`."""
    keywords: dict[str, Any] = dict(arguments)
    return backend.database.get_metric_series(keywords.pop("name"), **keywords)
