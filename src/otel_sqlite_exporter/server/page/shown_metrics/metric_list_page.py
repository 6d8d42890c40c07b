# SPDX-License-Identifier: Apache-2.0
"""`/series`: the metrics of the file."""

from __future__ import annotations

import sqlite3
from http import HTTPStatus
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.metric_series.metric_list import find_metrics
from otel_sqlite_exporter.query.metric_series.metric_summaries import MetricSummary
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.description.api_route import CURSOR, LIMIT
from otel_sqlite_exporter.server.api.metric_answers.metric_lists import METRIC_LISTS, iterate_metric_rows
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.lists.faults import Fault, find_fault
from otel_sqlite_exporter.server.page.lists.list_layouts import TIMES, QuickFilter
from otel_sqlite_exporter.server.page.lists.list_links import ListLinks
from otel_sqlite_exporter.server.page.lists.list_reader import loosen
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_page
from otel_sqlite_exporter.server.page.shown_metrics.listed_metrics import MetricRow, make_rows

PATH = "/series"
_LISTED = METRIC_LISTS["metrics"]
_QUICK = (
    tuple(
        QuickFilter(label, "kind", kind)
        for kind, label in (
            *(("sum", "sum"), ("gauge", "gauge"), ("histogram", "histogram")),
            *(("exponential_histogram", "exponential"), ("summary", "summary")),
        )
    ),
    TIMES,
)


def read_page(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Read a page of the list. One whose filter cannot be used has no rows, and says what is wrong."""
    page: Page[MetricSummary] = Page(MetricSummary, (), 0, None)
    rows: list[MetricRow] = []
    fault: Fault | None = None
    try:
        page, rows = backend.file.read(_read_rows, arguments)
    except FilterError as error:
        fault = find_fault(error, None)
    links, cursor = ListLinks(PATH, arguments), arguments.get("cursor") or None
    values: dict[str, Any] = {
        "rows": rows,
        "amount": page.describe() if fault is None else None,
        "fault": fault,
        "links": links,
        "quick": _QUICK,
        "cursor": cursor,
        "following": None if page.cursor is None else links.link(cursor=page.cursor),
        "is_narrowed": bool(links.given.keys() - {"limit"}),
        "is_live": fault is None and cursor is None,
        "json_link": link_page("/api/v1/metrics", **_read_filters(links.given), cursor=cursor),
        "text": write_exact(arguments.get("q", "")),
    }
    return PageContent("Metrics", values, HTTPStatus.OK if fault is None else HTTPStatus.BAD_REQUEST)


def _read_rows(connection: sqlite3.Connection, arguments: Arguments) -> tuple[Page[MetricSummary], list[MetricRow]]:
    filters = _read_filters(arguments)
    cursor = arguments.get("cursor") or None
    page = find_metrics(connection, limit=arguments["limit"], cursor=cursor, filters=filters)
    return page, make_rows(connection, page.records, filters)


def _read_filters(arguments: Arguments) -> dict[str, Any]:
    """Return the filters that a page is asked for. A word in the box stands anywhere in the name."""
    given = {name: value for name, value in arguments.items() if name in _LISTED.filter_type.__annotations__}
    filters = {name: value for name, value in given.items() if value not in ("", [""])}
    if arguments.get("q", "").strip():
        filters["name"] = [f"*{arguments['q'].strip()}*"]
    return filters


def read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    """Read all rows of the list."""
    return CsvTable("metrics", _LISTED.columns, iterate_metric_rows(backend, "metrics", _read_filters(arguments)))


LIST_PAGE = PageRoute(
    PATH,
    "Metrics: kind, unit, series, services, and the latest value or rate of each.",
    "metric_list.html",
    read_page,
    (
        LIMIT,
        CURSOR,
        Parameter("q", "Only metrics with this in their name; `*` stands for any characters."),
        *(loosen(one) for one in _LISTED.filters if one.name != "name"),
    ),
    ("rows",),
    read_table,
)
