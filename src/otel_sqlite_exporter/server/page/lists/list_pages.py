# SPDX-License-Identifier: Apache-2.0
"""The pages that are lists."""

from __future__ import annotations

from functools import partial

from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.page.lists.list_layouts import LAYOUTS, ListLayout
from otel_sqlite_exporter.server.page.lists.list_reader import TEMPLATE, make_parameters, read_list, read_list_table
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute


def _read(layout: ListLayout, backend: ApiBackend, arguments: Arguments) -> PageContent:
    return read_list(backend, layout, arguments)


def _read_table(layout: ListLayout, backend: ApiBackend, arguments: Arguments) -> CsvTable:
    return read_list_table(backend, layout, arguments)


def _page(name: str, about: str) -> PageRoute:
    layout = LAYOUTS[name]
    return PageRoute(
        layout.path,
        about,
        TEMPLATE,
        partial(_read, layout),
        make_parameters(layout),
        ("rows",),
        partial(_read_table, layout),
    )


PAGES: tuple[PageRoute, ...] = (
    _page("sessions", "Sessions, the newest first: which run, which failed, what they cost."),
    _page("traces", "Traces, the newest first, or the longest, or the dearest."),
    _page("calls", "Model calls, the newest first, or the slowest, or the dearest."),
    _page("logs", "Log records, the newest first."),
    _page("scores", "Scores, the newest first: what was said of answers, traces and sessions."),
)
