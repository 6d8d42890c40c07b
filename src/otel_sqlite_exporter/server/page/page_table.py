# SPDX-License-Identifier: Apache-2.0
"""Every page, once. The routing, the checks of arguments and the table of docs/page.md come from here."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.server.page.call import call_pages
from otel_sqlite_exporter.server.page.compare import compare_pages
from otel_sqlite_exporter.server.page.console import sql_pages
from otel_sqlite_exporter.server.page.lists import list_pages, search_pages, tool_pages
from otel_sqlite_exporter.server.page.page_answers import PageRoute
from otel_sqlite_exporter.server.page.session import session_pages, share_page
from otel_sqlite_exporter.server.page.shown_metrics import metric_pages
from otel_sqlite_exporter.server.page.shown_reports import report_pages
from otel_sqlite_exporter.server.page.trace import trace_pages
from otel_sqlite_exporter.server.page.whole_file import overview_pages

PAGES: tuple[PageRoute, ...] = (
    *overview_pages.PAGES,
    *list_pages.PAGES,
    *tool_pages.PAGES,
    *session_pages.PAGES,
    *share_page.PAGES,
    *trace_pages.PAGES,
    *call_pages.PAGES,
    *search_pages.PAGES,
    *sql_pages.PAGES,
    *metric_pages.PAGES,
    *report_pages.PAGES,
    *compare_pages.PAGES,
)


class MenuEntry(NamedTuple):
    """A page that every page leads to."""

    path: str
    label: str


MENU: tuple[MenuEntry, ...] = tuple(
    MenuEntry(path, label)
    for path, label in (
        ("/", "Overview"),
        ("/sessions", "Sessions"),
        ("/traces", "Traces"),
        ("/calls", "Calls"),
        ("/tools", "Tools"),
        ("/logs", "Logs"),
        ("/series", "Metrics"),
        ("/scores", "Scores"),
        ("/reports", "Reports"),
        ("/search", "Search"),
        ("/compare", "Compare"),
        ("/services", "Services"),
        ("/sql", "SQL"),
        ("/connect", "Connect"),
        ("/health", "Health"),
    )
    if path in {page.path for page in PAGES}
)
