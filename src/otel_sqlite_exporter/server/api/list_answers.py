# SPDX-License-Identifier: Apache-2.0
"""The answers that are lists: pages of views, facets, agents, services, hits of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from otel_sqlite_exporter.query.aggregates.agent_list import read_agent_page
from otel_sqlite_exporter.query.aggregates.facets import SCANNED, count_facets, list_facets
from otel_sqlite_exporter.query.aggregates.service_calls import LOOKED_AT, read_service_calls
from otel_sqlite_exporter.query.askable_views import (
    EVENTS,
    LLM_INTERACTIONS,
    LOGS,
    SCORES,
    SESSIONS,
    SORTS,
    SPANS,
    TOOL_INTERACTIONS,
    TRACES,
    AskableView,
)
from otel_sqlite_exporter.query.filter_language.filter_fields import fields_of
from otel_sqlite_exporter.query.pages import Page, field_types
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.server.api.api_answers import DataAnswer
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments

LISTED: Mapping[str, AskableView[Any]] = {
    "sessions": SESSIONS,
    "traces": TRACES,
    "spans": SPANS,
    "calls": LLM_INTERACTIONS,
    "tools": TOOL_INTERACTIONS,
    "logs": LOGS,
    "events": EVENTS,
    "scores": SCORES,
}
"""The lists by their names in the API."""
_FINDERS: Mapping[str, str] = {
    "sessions": "find_sessions",
    "traces": "find_traces",
    "spans": "find_spans",
    "calls": "find_llm_interactions",
    "tools": "find_tool_interactions",
    "logs": "find_logs",
    "events": "find_events",
    "scores": "find_scores",
}


def find_rows(backend: ApiBackend, name: str, arguments: Arguments) -> Page[Any]:
    """Return a page of the list `name`: the arguments are the keywords of its `find_` method."""
    page: Page[Any] = getattr(backend.database, _FINDERS[name])(**arguments)
    return page


def list_sorts(name: str) -> tuple[str, ...]:
    """Return what the list `name` can be sorted by; none: only by its own order."""
    if "sort" not in signature(getattr(TelemetryDatabase, _FINDERS[name])).parameters:
        return ()
    return tuple(sort for sort, column in SORTS.items() if column in field_types(LISTED[name].row_type))


def list_rows(name: str) -> Callable[[ApiBackend, Arguments], DataAnswer]:
    """Return what answers with a page of the list `name`."""

    def answer(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
        page = find_rows(backend, name, arguments)
        is_sorted = arguments.get("sort", "start") != "start"
        is_cut = page.cursor is not None or (is_sorted and page.total != len(page))
        return DataAnswer(page.to_dicts(), page.cursor, page.total, is_cut)

    return answer


def list_agents(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with a page of agents."""
    page = backend.file.read(read_agent_page, limit=arguments["limit"], cursor=arguments.get("cursor"))
    return DataAnswer(page.to_dicts(), page.cursor, page.total, page.cursor is not None)


def list_services(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the pairs of services that call each other."""
    found = backend.file.read(read_service_calls, **arguments)
    total = len(found.pairs) if found.is_whole else None
    note = None if found.is_whole else f"of the newest {LOOKED_AT:,} spans that have a parent, up to the limit"
    return DataAnswer([pair.to_dict() for pair in found.pairs], None, total, not found.is_whole, note)


def count_values(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with facets."""
    filters = dict(arguments)
    view, fields, limit = LISTED[filters.pop("of")], filters.pop("field"), filters.pop("limit")
    found = backend.file.read(count_facets, view, fields, filters, limit=limit)
    is_cut = not found.is_whole or any(facet.others for facet in found.facets)
    note = None if found.is_whole else f"of the newest {found.rows:,} rows: at most {SCANNED:,} are counted, for 1 s"
    data = {"rows": found.rows, "facets": [facet.to_dict() for facet in found.facets]}
    return DataAnswer(data, None, None, is_cut, note)


def list_fields(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the fields that a filter of a list can have."""
    view = LISTED[arguments["of"]]
    facets = list_facets(view)
    fields = [
        {
            "name": field.name,
            "type": field.type,
            "meaning": field.meaning,
            "choices": list(field.choices),
            "facet": column if (column := field.get_column(view)) in facets else None,
        }
        for field in fields_of(view)
    ]
    return DataAnswer(fields, total=len(fields))


def search_rows(backend: ApiBackend, arguments: Arguments) -> DataAnswer:
    """Answer with the hits of a search."""
    filters = dict(arguments)
    result = backend.database.search(filters.pop("text"), **filters)
    is_cut = result.total is None or result.total > len(result)
    return DataAnswer(result.to_dicts(), None, result.total, is_cut, result.note)
