# SPDX-License-Identifier: Apache-2.0
"""The routes about metrics."""

from __future__ import annotations

from otel_sqlite_exporter.query.metric_series.metric_summaries import SeriesFilter
from otel_sqlite_exporter.server.api.description import metric_shapes
from otel_sqlite_exporter.server.api.description.answer_shapes import list_of
from otel_sqlite_exporter.server.api.description.api_route import CURSOR, LIMIT, SINCE, UNTIL, ApiRoute
from otel_sqlite_exporter.server.api.metric_answers.metric_lists import (
    METRIC_LISTS,
    list_metric_rows,
    make_metric_filters,
)
from otel_sqlite_exporter.server.api.metric_answers.one_metric import get_metric, get_metric_series
from otel_sqlite_exporter.server.api.parameters import Parameter

NAME = Parameter("name", "The name of the metric.", where="path")
SERIES_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("step", "Seconds, a text such as 30s, 5m or 1h, or raw; what suits the range if left out."),
    Parameter(
        "aggregate",
        "sum, increase, rate, last, avg, min, max, count, p50 or another pN, buckets; what suits the kind if left out.",
        is_list=True,
    ),
    Parameter(
        "group_by", "A key of attributes, service_name, session_id, user_id, or * for each series.", is_list=True
    ),
    Parameter("limit", "The most groups.", "integer", default=20, minimum=1, maximum=500),
    Parameter("most_steps", "The most steps if step is left out.", "integer", default=120, minimum=1, maximum=5_000),
    Parameter("timezone", "That of days and weeks.", default="UTC"),
    SINCE,
    UNTIL,
    *make_metric_filters(SeriesFilter),
)


def _list(name: str, about: str) -> ApiRoute:
    listed = METRIC_LISTS[name]
    parameters = (LIMIT, CURSOR, *listed.filters)
    return ApiRoute(f"/{name}", about, list_metric_rows(name), parameters, list_of(listed.row_type))


METRIC_ROUTES: tuple[ApiRoute, ...] = (
    _list("metrics", "Metrics: instruments, in the order of their names; `*` in `name` stands for any characters."),
    ApiRoute(
        "/metrics/{name}",
        "What the file has of a metric: its instruments, services, and the attributes of its series.",
        get_metric,
        (NAME,),
        metric_shapes.METRIC,
    ),
    ApiRoute(
        "/metrics/{name}/series",
        "A metric over time: a line for each group of series and aggregate.",
        get_metric_series,
        (NAME, *SERIES_PARAMETERS),
        metric_shapes.SERIES,
    ),
    _list("exemplars", "Exemplars: single values that metrics count, with their spans, the newest first."),
)
