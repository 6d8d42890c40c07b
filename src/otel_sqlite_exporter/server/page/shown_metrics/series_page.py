# SPDX-License-Identifier: Apache-2.0
"""`/series/NAME`: one metric over time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.metric_records.metric_signals import EXPONENTIAL_HISTOGRAM, HISTOGRAM
from otel_sqlite_exporter.query.metric_arithmetic.time_steps import RAW
from otel_sqlite_exporter.query.metric_series.exemplar_list import find_exemplars
from otel_sqlite_exporter.query.metric_series.metric_aggregates import (
    BUCKETS,
    DISTRIBUTION,
    KNOWN,
    QUANTILES,
    find_family,
    parse_aggregates,
)
from otel_sqlite_exporter.query.metric_series.metric_description import InstrumentFacts, describe_metric
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricDescription
from otel_sqlite_exporter.query.metric_series.series_answers import MetricSeriesResult
from otel_sqlite_exporter.query.metric_series.series_reader import read_metric_series
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.metric_answers.one_metric import check_points
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent
from otel_sqlite_exporter.server.page.page_links import change_link, link_page, link_series
from otel_sqlite_exporter.server.page.shown_metrics.exemplar_rows import make_exemplar_rows, make_marks
from otel_sqlite_exporter.server.page.shown_metrics.listed_metrics import describe_kind
from otel_sqlite_exporter.server.page.shown_metrics.same_question import write_command, write_sql
from otel_sqlite_exporter.server.page.shown_metrics.series_request import (
    ALL_TIME,
    LIMITS,
    STEPS,
    SeriesRequest,
    read_request,
)
from otel_sqlite_exporter.server.page.shown_metrics.series_table import make_figures
from otel_sqlite_exporter.server.page.shown_metrics.spread_values import draw_spread, split_buckets
from otel_sqlite_exporter.show.units import format_ms

_EXEMPLARS = 20
_DISTRIBUTIONS = (HISTOGRAM, EXPONENTIAL_HISTOGRAM)
_QUANTILES = ("p50", "p90", "p95", "p99")
_RANGES = {"1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days", "30d": "30 days", ALL_TIME: "all time"}
_TEXT_FILTERS = {"service_name": "service", "session_id": "session", "user_id": "user", "attributes": "attribute"}
_MOST_KEYS = 100


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read the page. A question that cannot be answered is said on the page, whose form stays.

    Raises:
        NotFoundError: There is no such metric.
    """
    return backend.file.read(_read_page, arguments, backend.settings.path)


def _read_page(connection: sqlite3.Connection, arguments: Arguments, path: str) -> PageContent:
    metric = describe_metric(connection, arguments["name"])
    values: dict[str, Any] = {
        "metric": metric,
        "instruments": [(one, describe_kind(one)) for one in metric.instruments],
        "choices": [*_list_choices(metric, arguments)],
        "kinds": sorted({one.kind for one in metric.instruments}),
        "aggregates": _list_aggregates(metric),
        "keys": _list_keys(metric),
        "steps": STEPS,
        "limits": LIMITS,
        "filters": [
            (name, label, [*map(write_exact, arguments.get(name, ()))]) for name, label in _TEXT_FILTERS.items()
        ],
        "kept": [(name, write_exact(one)) for name in ("kind", "unit") for one in arguments.get(name, ()) if one != ""],
        **{"request": None, "result": None, "problem": None, "figures": [], "spread": None, "exemplars": []},
        **{"ranges": [], "is_live": False, "more_exemplars": None, "write_exact": write_exact},
    }
    try:
        request = read_request(connection, metric, arguments)
        values |= _show_form(request, arguments)
        values |= _show_result(connection, metric, request, path)
    except FilterError as error:
        problem = error.message if error.argument in ("step", "kind", "unit") else f"{error.argument}: {error.message}"
        return PageContent(metric.name, {**values, "problem": problem}, 400)
    return PageContent(metric.name, values)


def _show_form(request: SeriesRequest, arguments: Arguments) -> dict[str, Any]:
    """Return what the form and the links of the page are made of."""
    path = link_series(request.name)
    kept = {name: value for name, value in arguments.items() if name not in ("name", "range", "since", "until")}
    given = {name: value for name, value in kept.items() if value not in ("", [], [""]) and (name, value) != _NO_LIMIT}
    api = link_page(f"/api/v1/metrics{path.removeprefix('/series')}/series", **request.list_arguments())
    whole = {name: value for name, value in arguments.items() if name != "name" and value not in ("", [], [""])}
    return {
        "request": request,
        "path": path,
        "ranges": [
            (label, change_link(path, given, range=age), request.range == age) for age, label in _RANGES.items()
        ],
        "is_live": request.range != "" or not arguments.get("until", "").strip(),
        "part_url": change_link(path, whole, part="series"),
        "csv_link": change_link(path, whole, format="csv"),
        "json_link": api,
        "all_link": change_link(path, given, range=ALL_TIME),
    }


_NO_LIMIT = ("limit", LIMITS[0])


def _show_result(
    connection: sqlite3.Connection, metric: MetricDescription, request: SeriesRequest, path: str
) -> dict[str, Any]:
    whole = _read(connection, request, _add_buckets(metric, request))
    result, buckets = split_buckets(whole)
    exemplars = _find_exemplars(connection, request, result)
    rows = make_exemplar_rows(exemplars)
    return {
        "result": result,
        "figures": make_figures(result, make_marks(rows)),
        "spread": draw_spread(buckets, result.unit, result.step_s or 0),
        "exemplars": rows,
        "more_exemplars": exemplars.cursor,
        "exemplar_link": link_page("/api/v1/exemplars", name=request.name, **request.texts),
        "command": write_command(request, path),
        "sql": write_sql(request, result),
        "sql_link": link_page("/sql", sql=write_sql(request, result)),
        "step": None if result.step_s is None else format_ms(result.step_s * 1e3),
    }


def _add_buckets(metric: MetricDescription, request: SeriesRequest) -> Sequence[str] | None:
    """Return what is asked of each step: of histograms also their buckets, which are read along with the rest."""
    kinds = {one.kind for one in metric.instruments}
    if not kinds <= {*_DISTRIBUTIONS} or request.step == RAW:
        return request.aggregates
    return (*(request.aggregates or parse_aggregates(None, metric.name, DISTRIBUTION, ())), BUCKETS)


def _read(
    connection: sqlite3.Connection, request: SeriesRequest, aggregates: Sequence[str] | None
) -> MetricSeriesResult:
    result = read_metric_series(connection, request.make_question(aggregates))
    check_points(result)
    return result


def _find_exemplars(connection: sqlite3.Connection, request: SeriesRequest, result: MetricSeriesResult) -> Page[Any]:
    filters: dict[str, Any] = {
        "name": request.name,
        "since": result.since_unix_nano,
        "until": result.until_unix_nano,
        **request.filters,
    }
    return find_exemplars(connection, limit=_EXEMPLARS, cursor=None, filters=filters)


def _list_choices(metric: MetricDescription, arguments: Arguments) -> Iterator[tuple[str, str, bool]]:
    """Yield the kinds and units of a name that stands for several things, with links that choose one."""
    pairs = [*dict.fromkeys((one.kind, one.unit) for one in metric.instruments)]
    if len(pairs) > 1:
        for kind, unit in pairs:
            label = f"{kind.replace('_', ' ')}{f' in {unit}' if unit else ''}"
            is_set = (arguments.get("kind"), arguments.get("unit")) == ([kind], [unit])
            yield label, link_series(metric.name, kind=kind, unit=unit), is_set


def _list_aggregates(metric: MetricDescription) -> list[str]:
    """Return what a form offers: buckets are drawn in any case."""
    facts = (
        InstrumentFacts(one.id, one.kind, one.unit, one.temporality, one.is_monotonic, one.description)
        for one in metric.instruments
    )
    families = dict.fromkeys(find_family([one]) for one in facts)
    known = dict.fromkeys(one for family in families for one in KNOWN[family])
    return [name for one in known if one != BUCKETS for name in (_QUANTILES if one == QUANTILES else (one,))]


def _list_keys(metric: MetricDescription) -> list[tuple[str, str]]:
    """Return what lines can be grouped by, with how many values each has."""
    keys = [(facet.field, _count(len(facet.values) + facet.others)) for facet in metric.attributes[:_MOST_KEYS]]
    return [*keys, ("service_name", _count(len(metric.services.values) + metric.services.others)), *_OTHERS]


_OTHERS = (("session_id", ""), ("user_id", ""), ("*", "each series"))


def _count(values: int) -> str:
    return f"{values} value{'' if values == 1 else 's'}"


def read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    """Read the values of the lines: a row for each time and line."""
    result = backend.file.read(_read_values, arguments)
    rows = (
        [point.time_unix_nano, line.aggregate, orjson.dumps(dict(line.labels)).decode(), point.value, line.unit]
        for line in result.series
        for point in line.points
    )
    return CsvTable("series", ("time_unix_nano", "aggregate", "labels", "value", "unit"), rows)


def _read_values(connection: sqlite3.Connection, arguments: Arguments) -> MetricSeriesResult:
    request = read_request(connection, describe_metric(connection, arguments["name"]), arguments)
    return _read(connection, request, request.aggregates)
