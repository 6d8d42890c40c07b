# SPDX-License-Identifier: Apache-2.0
"""The page of tools, and that of one execution."""

from __future__ import annotations

from otel_sqlite_exporter.query.aggregates.tool_summary import summarize_tools
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, TOOL_INTERACTIONS
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, ToolInteractionSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.api.record_answers import find_row
from otel_sqlite_exporter.server.page.lists.list_layouts import LAYOUTS
from otel_sqlite_exporter.server.page.lists.list_reader import (
    TEMPLATE,
    make_parameters,
    read_filters,
    read_list,
    read_list_table,
)
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance

_LAYOUT = LAYOUTS["tools"]
_SHOWN = 15
"""The most tools that are not folded."""


def _read_tools(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Return a line for each tool, and a page of executions. A part, and a later page, has no use for the lines."""
    content = read_list(backend, _LAYOUT, arguments)
    summary = None
    if content.values["rows"] and content.values["cursor"] is None:
        summary = backend.file.read(summarize_tools, read_filters(arguments))
    return content._replace(values={**content.values, "summary": summary, "shown": _SHOWN})


def _read_table(backend: ApiBackend, arguments: Arguments) -> CsvTable:
    return read_list_table(backend, _LAYOUT, arguments)


def _read_execution(backend: ApiBackend, arguments: Arguments) -> PageContent:
    """Return one execution, and the model call that asked for it."""
    tool = backend.file.read(find_row, TOOL_INTERACTIONS, "tool execution", arguments["id"])
    title = tool.tool_name if tool.tool_name is not None else tool.name
    link = f"/api/v1/tools/{tool.id}"
    values = {
        "tool": tool,
        "asked_by": _find_caller(backend, tool),
        "api_link": link,
        "allowance": PageAllowance(exact_link=link),
    }
    return PageContent(title, values)


def _find_caller(backend: ApiBackend, tool: ToolInteractionSummary) -> LLMInteractionSummary | None:
    if tool.asked_by_span_id is None or tool.trace_id is None:
        return None
    place = {"trace_id": tool.trace_id, "span_id": tool.asked_by_span_id}
    columns = ("id", "model", *LLM_INTERACTIONS.order)
    page = backend.file.read(find_page, LLM_INTERACTIONS, place, 1, None, True, columns=columns, with_total=False)
    return page[0] if page else None


PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/tools",
        "Each tool with its failures and durations, and its executions, the newest first or the longest.",
        TEMPLATE,
        _read_tools,
        make_parameters(_LAYOUT),
        ("rows",),
        _read_table,
    ),
    PageRoute(
        "/tools/{id}",
        "One tool execution: its arguments, its result, its error, and which call asked for it.",
        "tool.html",
        _read_execution,
        (Parameter("id", "The `id` of the row.", "integer", where="path", minimum=0),),
        ("tool",),
    ),
)
