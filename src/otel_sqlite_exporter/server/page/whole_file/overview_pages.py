# SPDX-License-Identifier: Apache-2.0
"""The pages about the file as a whole."""

from __future__ import annotations

from otel_sqlite_exporter.server.api.list_answers import LISTED
from otel_sqlite_exporter.server.api.parameters import make_filters
from otel_sqlite_exporter.server.page.page_answers import PageRoute
from otel_sqlite_exporter.server.page.whole_file import connect_page, health_page, overview_page, services_page

_TIMES = tuple(one for one in make_filters(LISTED["spans"].filter_type) if one.name in ("since", "until"))

PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/",
        "What runs now, the last failures, tokens and cost by day and model, who writes, size, growth and health.",
        "overview.html",
        overview_page.read_page,
        parts=("content", "now"),
        part_readers={"now": overview_page.read_now},
    ),
    PageRoute(
        "/services",
        "Which service calls which, with errors and p95, and the agents of each.",
        "services.html",
        services_page.read_page,
        _TIMES,
        read_table=services_page.read_table,
    ),
    PageRoute(
        "/connect",
        "How each coding agent and SDK sends its telemetry here, and what has come in the last minutes.",
        "connect.html",
        connect_page.read_page,
        parts=("arrivals",),
    ),
    PageRoute(
        "/health",
        "Counters of what was received and written, what waits or was kept aside, conflicts, findings and remedies.",
        "health.html",
        health_page.read_page,
        parts=("counters",),
        read_table=health_page.read_table,
    ),
)
