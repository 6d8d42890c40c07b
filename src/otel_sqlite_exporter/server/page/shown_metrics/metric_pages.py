# SPDX-License-Identifier: Apache-2.0
"""The pages of metrics: the list, and one metric over time."""

from __future__ import annotations

from otel_sqlite_exporter.server.page.page_answers import PageRoute
from otel_sqlite_exporter.server.page.shown_metrics.metric_list_page import LIST_PAGE
from otel_sqlite_exporter.server.page.shown_metrics.series_page import read_page, read_table
from otel_sqlite_exporter.server.page.shown_metrics.series_request import PARAMETERS

PAGES: tuple[PageRoute, ...] = (
    LIST_PAGE,
    PageRoute(
        "/series/{name}",
        "One metric over time, by its attributes: rates, levels or quantiles, how values are spread, and exemplars.",
        "series.html",
        read_page,
        PARAMETERS,
        ("series",),
        read_table,
    ),
)
