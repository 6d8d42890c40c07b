# SPDX-License-Identifier: Apache-2.0
"""The page of tools, and that of one execution."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.query.aggregates.tool_summary import summarize_tools
from otel_sqlite_exporter.server.api.api_answers import encode_json
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.api.record_answers import get_tool
from otel_sqlite_exporter.server.page.lists.list_layouts import LAYOUTS
from otel_sqlite_exporter.server.page.lists.list_reader import (
    TEMPLATE,
    make_parameters,
    read_filters,
    read_list,
    read_list_table,
)
from otel_sqlite_exporter.server.page.page_answers import CsvTable, PageContent, PageRoute
from otel_sqlite_exporter.show.html_text import Html, element

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
    tool = get_tool(backend, arguments).data
    title = tool["tool_name"] if tool["tool_name"] is not None else tool["name"]
    shown = {f"{name}_html": _show(tool[name]) for name in ("arguments", "result")}
    return PageContent(title, {"tool": tool, "asked_by": _find_caller(backend, tool), **shown})


def _show(value: Any) -> Html:
    if value is None:
        return element("p", "Not recorded.", class_="quiet")
    return element("pre", value if isinstance(value, str) else encode_json(value).decode())


def _find_caller(backend: ApiBackend, tool: dict[str, Any]) -> Any:
    if tool["asked_by_span_id"] is None or tool["trace_id"] is None:
        return None
    place = {"trace_id": tool["trace_id"], "span_id": tool["asked_by_span_id"]}
    calls = backend.database.find_llm_interactions(**place, limit=1)
    return calls[0] if calls else None


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
    ),
)
