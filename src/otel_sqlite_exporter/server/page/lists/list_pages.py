# SPDX-License-Identifier: Apache-2.0
"""The pages that are lists."""

from __future__ import annotations

from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.csv_rows import iterate_list, list_columns
from otel_sqlite_exporter.server.api.list_answers import LISTED, find_rows
from otel_sqlite_exporter.server.api.parameters import make_filters
from otel_sqlite_exporter.server.api.route_table import CURSOR, LIMIT
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute


def _read_sessions(backend: ApiBackend, arguments: Arguments) -> PageContent:
    page = find_rows(backend, "sessions", arguments)
    return PageContent("Sessions", {"rows": page.records})


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    filters = {name: value for name, value in arguments.items() if name not in ("limit", "cursor")}
    return CsvTable("sessions", list_columns("sessions"), iterate_list(backend, "sessions", filters, newest_first=True))


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/sessions",
        "Sessions, the newest first.",
        "session_list.html",
        _read_sessions,
        (LIMIT, CURSOR, *make_filters(LISTED["sessions"].filter_type)),
        ("rows",),
        _read_table,
    ),
)
