# SPDX-License-Identifier: Apache-2.0
"""Reads what a list shows, and no other columns."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.filter_language.filter_fields import fields_of
from otel_sqlite_exporter.query.filter_values import parse_attribute_text
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.session_parts.first_prompts import read_first_prompts
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.csv_rows import iterate_list
from otel_sqlite_exporter.server.api.description.api_route import CURSOR, LIMIT
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.lists.faults import Fault, find_fault
from otel_sqlite_exporter.server.page.lists.list_layouts import ListLayout
from otel_sqlite_exporter.server.page.lists.list_links import DEFAULTS, ListLinks
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent

TEMPLATE = "list.html"
_NO_FILTERS = frozenset(("limit", "cursor", "sort"))
_FLAGS = {"true": True, "false": False, "all": None}


def make_parameters(layout: ListLayout) -> tuple[Parameter, ...]:
    """Return the arguments of the page of a list."""
    parameters = [LIMIT, CURSOR]
    if layout.sorts:
        parameters.append(Parameter("sort", "The order.", choices=layout.sorts, default=DEFAULTS["sort"]))
    return (*parameters, *map(loosen, make_filters(layout.view.filter_type)))


def loosen(parameter: Parameter) -> Parameter:
    """Return a filter as a page takes it: a text that cannot be used is said on the page itself."""
    if parameter.name == "counted":
        choices = tuple(_FLAGS)
        return parameter._replace(kind="string", choices=choices, default=DEFAULTS["counted"])
    return parameter._replace(kind="string" if parameter.kind == "attribute" else parameter.kind, choices=())


def read_filters(arguments: Arguments) -> dict[str, Any]:
    """Return the arguments of a page that are filters, as the reader takes them.

    Raises:
        FilterError: A condition on an attribute cannot be read.
    """
    filters = {name: value for name, value in arguments.items() if name not in _NO_FILTERS and value not in ("", [""])}
    if "counted" in filters:
        filters["counted"] = _FLAGS[filters["counted"]]
    if "attributes" in filters:
        filters["attributes"] = [parse_attribute_text("attributes", text) for text in filters["attributes"]]
    return filters


def read_list(backend: ApiBackend, layout: ListLayout, arguments: Arguments) -> PageContent:
    """Return the page of a list. One whose filter cannot be used has no rows, and says what is wrong."""
    page: Page[Any] = Page(layout.view.row_type, (), 0, None)
    prompts: Mapping[str, str] = {}
    fault = None
    try:
        page = _find(backend, layout, arguments)
        prompts = _read_prompts(backend, layout, page)
    except FilterError as error:
        fault = find_fault(error, arguments.get("filter"))
    status = HTTPStatus.OK if fault is None else HTTPStatus.BAD_REQUEST
    return PageContent(layout.title, {**_describe(layout, arguments, page, fault), "prompts": prompts}, status)


def _read_prompts(backend: ApiBackend, layout: ListLayout, page: Page[Any]) -> Mapping[str, str]:
    """Return what was asked first in each row that can be compared, by its id."""
    if layout.of is None:
        return {}
    column = layout.of[1]
    return backend.file.read(read_first_prompts, column, [getattr(row, column) for row in page])


def _find(backend: ApiBackend, layout: ListLayout, arguments: Arguments) -> Page[Any]:
    return backend.file.read(
        find_page,
        layout.view,
        read_filters(arguments),
        arguments["limit"],
        arguments.get("cursor") or None,
        True,
        arguments.get("sort", DEFAULTS["sort"]),
        columns=layout.needs,
    )


def _describe(layout: ListLayout, arguments: Arguments, page: Page[Any], fault: Fault | None) -> Mapping[str, Any]:
    links, cursor = ListLinks(layout.path, arguments), arguments.get("cursor") or None
    sort = arguments.get("sort", DEFAULTS["sort"])
    is_narrowed = bool(links.given.keys() - {"limit", "sort", "counted"})
    return {
        "layout": layout,
        "rows": [*map(layout.show, page)],
        "amount": page.describe() if fault is None else None,
        "fault": fault,
        "links": links,
        "sort": sort,
        "cursor": cursor,
        "following": None if page.cursor is None else links.link(cursor=page.cursor),
        "is_narrowed": is_narrowed,
        "is_live": fault is None and cursor is None and sort == DEFAULTS["sort"],
        "json_link": links.link_json(layout, cursor),
        "fields": fields_of(layout.view),
        "filter_text": write_exact(arguments.get("filter", "")),
        "write_exact": write_exact,
        "summary": None,
    }


def read_list_table(backend: ApiBackend, layout: ListLayout, arguments: Arguments) -> CsvTable:
    """Return all rows of a list, and what it shows of each."""
    filters, sort = read_filters(arguments), arguments.get("sort", DEFAULTS["sort"])
    rows = iterate_list(backend, layout.name, filters, newest_first=True, sort=sort, columns=layout.needs)
    return CsvTable(layout.name, layout.needs, rows)
