# SPDX-License-Identifier: Apache-2.0
"""The page of the search in what was said and what tools did."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.model.search_terms import split_terms
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, SearchFilter
from otel_sqlite_exporter.query.filter_language.filter_fields import fields_of
from otel_sqlite_exporter.query.pages import field_types
from otel_sqlite_exporter.query.search import SearchHit, SearchResult, search
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.description.api_route import LIMIT
from otel_sqlite_exporter.server.api.parameters import Parameter, make_filters
from otel_sqlite_exporter.server.page.lists.exact_values import write_exact
from otel_sqlite_exporter.server.page.lists.faults import find_fault
from otel_sqlite_exporter.server.page.lists.list_layouts import TIMES, QuickFilter
from otel_sqlite_exporter.server.page.lists.list_links import ListLinks
from otel_sqlite_exporter.server.page.lists.list_reader import loosen, read_filters
from otel_sqlite_exporter.server.page.lists.term_marks import mark_terms
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_call, link_page
from otel_sqlite_exporter.show.html_text import Html, element, join_html

_AROUND = 160
"""Characters of the excerpt on each side of the first hit."""
_MOST_ROWS = 500
_KINDS = {"call": "llm", "tool": "tool"}
_QUICK = (
    (QuickFilter("model calls", "kind", "call"), QuickFilter("tools", "kind", "tool")),
    (QuickFilter("failed", "status", "error"),),
    TIMES,
)


class FoundRow(NamedTuple):
    """A hit, as the page shows it."""

    hit: SearchHit
    link: str
    excerpt: Html


def _read(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Return the hits of a search; before there is something to search for, none."""
    text, fault, result = arguments.get("q", ""), None, None
    try:
        if text.strip():
            result = _search(backend, arguments, arguments["limit"])
    except FilterError as error:
        fault = find_fault(error, arguments.get("filter"))
    links = ListLinks("/search", arguments)
    values = {
        "links": links,
        "quick": _QUICK,
        "fault": fault,
        "text": write_exact(text),
        "filter_text": write_exact(arguments.get("filter", "")),
        "fields": fields_of(LLM_INTERACTIONS),
        "result": result,
        "rows": [] if result is None else _make_rows(result, text),
        "note": None if result is None or result.note is None else _write_note(result.note),
        "json_link": _link_json(arguments),
        "is_narrowed": bool(links.given.keys() - {"q", "limit"}),
    }
    status = HTTPStatus.OK if fault is None else HTTPStatus.BAD_REQUEST
    return PageContent(f"Search: {text}" if text else "Search", values, status)


def _search(backend: ApiBackend, arguments: Arguments, limit: int) -> SearchResult:
    filters = {name: value for name, value in read_filters(arguments).items() if name not in ("q", "kind")}
    kind = _KINDS.get(arguments.get("kind", ""))
    return backend.file.read(search, arguments["q"], limit=limit, filters=filters, kind=kind, around=_AROUND)


def _make_rows(result: SearchResult, text: str) -> list[FoundRow]:
    # A snippet has one space for each run of them.
    terms = tuple(dict.fromkeys(" ".join(term.split()) for term in split_terms(text)))
    return [FoundRow(hit, _link(hit), mark_terms(hit.snippet, terms)) for hit in result]


def _link(hit: SearchHit) -> str:
    return link_call(hit.id) if hit.kind == "llm" else link_page(f"/tools/{hit.id}")


def _write_note(note: str) -> Html:
    """Return a note with the command in it as code."""
    parts = note.split("`")
    return join_html(*(element("code", part) if place % 2 else part for place, part in enumerate(parts)))


def _link_json(arguments: Arguments) -> str:
    given = {name: value for name, value in arguments.items() if name not in ("q", "kind") and value != ""}
    return link_page("/api/v1/search", text=arguments.get("q"), **given)


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    """Return the hits, at most as many as the API answers with at once."""
    columns = tuple(field_types(SearchHit))
    if not arguments.get("q", "").strip():
        return CsvTable("search", columns, ())
    hits: Any = _search(backend, arguments, _MOST_ROWS)
    return CsvTable("search", columns, ([getattr(hit, column) for column in columns] for hit in hits))


def _list_parameters() -> tuple[Parameter, ...]:
    filters = [loosen(one) for one in make_filters(SearchFilter) if one.name != "counted"]
    return (
        Parameter("q", "Words, and phrases in double quotes; all must occur."),
        Parameter("kind", "Only model calls, or only tool executions.", choices=tuple(_KINDS)),
        LIMIT,
        *filters,
    )


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/search",
        "Model calls and tool executions that contain a text.",
        "search.html",
        _read,
        _list_parameters(),
        read_table=_read_table,
    ),
)
