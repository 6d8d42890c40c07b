# SPDX-License-Identifier: Apache-2.0
"""The pages of one trace: its waterfall with one of its spans beside it, what was said, log records, services, and
earlier traces of the same name."""

from __future__ import annotations

from itertools import islice
from typing import Any

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import TRACES
from otel_sqlite_exporter.query.reading import get_by_prefix
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton
from otel_sqlite_exporter.query.summaries import TraceSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.api.route_table import CURSOR
from otel_sqlite_exporter.server.page.page_answers import PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_trace
from otel_sqlite_exporter.server.page.trace.span_panel import find_position, read_panel
from otel_sqlite_exporter.server.page.trace.trace_search import find_matches
from otel_sqlite_exporter.server.page.trace.trace_services import sum_services
from otel_sqlite_exporter.server.page.trace.waterfall_lines import FoldingRules, list_lines
from otel_sqlite_exporter.server.page.trace.waterfall_rows import RowWriter, make_ticks

MOST_ROWS, PAGE_ROWS = 1_000, 250
"""The most rows of a waterfall that are shown as a whole, and the rows of a page of a larger one. A script shows all."""
_MOST_RECORDS, _MOST_EARLIER, _MOST_TURNS = 100, 30, 200
_TABS = ("waterfall", "messages", "logs", "services", "earlier")


def _read_trace(backend: ApiBackend, arguments: Arguments) -> PageContent:
    tab = arguments["tab"]
    if tab == "waterfall":
        skeleton = backend.read_skeleton(arguments["id"])
        trace, values = skeleton.trace, _read_waterfall(backend, skeleton, arguments)
    else:
        trace = backend.file.read(get_by_prefix, TRACES, "trace_id", arguments["id"])
        values = _READERS[tab](backend, trace, arguments)
    tabs = [
        (name.capitalize(), link_trace(trace.trace_id, tab=None if name == "waterfall" else name), name == tab)
        for name in _TABS
    ]
    title = trace.name or f"Trace {trace.trace_id[:8]}"
    return PageContent(title, {"trace": trace, "tab": tab, "tabs": tabs, **values}, values.get("answered", 200))


def _read_waterfall(backend: ApiBackend, skeleton: TraceSkeleton, arguments: Arguments) -> dict[str, Any]:
    query = arguments.get("q", "")
    matches = find_matches(skeleton, query)
    is_folding = arguments.get("repeats", False)
    rules = FoldingRules(arguments.get("depth"), is_folding, frozenset(matches) if query.strip() else None)
    lines, first = [*list_lines(skeleton, rules)], arguments["from"]
    most = MOST_ROWS if len(lines) <= MOST_ROWS else PAGE_ROWS
    writer = RowWriter(skeleton, matches)
    values: dict[str, Any] = {
        **{"skeleton": skeleton, "matches": len(matches), "first": first, "lines": len(lines)},
        "rows": [writer.write(line) for line in islice(lines, first, first + most)],
        "following": first + most if first + most < len(lines) else None,
        "before": max(0, first - most) if first else None,
        "ticks": make_ticks(writer.whole_ns),
        "levels": max(skeleton.spans["depth"], default=0) + 1,
        "services": sum_services(skeleton),
        "kept": {
            **{"q": query or None, "depth": arguments.get("depth"), "repeats": arguments.get("repeats")},
            "from_": first or None,
        },
        **{"panel": None, "fault": None},
    }
    if "span" in arguments:
        values |= _read_span_beside(backend, skeleton, arguments)
    return values


def _read_span_beside(backend: ApiBackend, skeleton: TraceSkeleton, arguments: Arguments) -> dict[str, Any]:
    """Return the panel of a span, or what is wrong with its id: the trace is shown all the same."""
    try:
        at = find_position(skeleton, arguments["span"], arguments.get("row"))
    except NotFoundError as error:
        return {"fault": str(error), "answered": 404}
    return {"panel": read_panel(backend, skeleton, at)}


def _read_messages(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    return {"conversation": backend.database.get_conversation(f"trace:{trace.trace_id}", limit=_MOST_TURNS)}


def _read_logs(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    cursor = arguments.get("cursor")
    page = backend.database.find_logs(trace_id=trace.trace_id, limit=_MOST_RECORDS, cursor=cursor, newest_first=False)
    return {"page": page}


def _read_services(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    return {"services": sum_services(backend.read_skeleton(trace.trace_id))}


def _read_earlier(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    if trace.name is None:
        return {"page": None}
    page = backend.database.find_traces(
        name=trace.name, until=trace.start_time_unix_nano, limit=_MOST_EARLIER, cursor=arguments.get("cursor")
    )
    return {"page": page}


_READERS = {"messages": _read_messages, "logs": _read_logs, "services": _read_services, "earlier": _read_earlier}


def _read_span(backend: ApiBackend, arguments: Arguments) -> PageContent:
    skeleton = backend.read_skeleton(arguments["id"])
    panel = read_panel(backend, skeleton, find_position(skeleton, arguments["span"], arguments.get("row")))
    return PageContent(panel.span.name, {"trace": skeleton.trace, "panel": panel})


_TRACE = Parameter("id", "The trace, or a unique prefix of its id.", where="path")
_ROW = Parameter("row", "The `id` of the span, where several have one id.", "integer", minimum=0)
_VIEW = Parameter("view", "What is recognised, or all as it was recorded.", choices=("read", "raw"), default="read")
PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/traces/{id}",
        "One trace: waterfall, messages, log records, services, earlier traces of its name.",
        "trace.html",
        _read_trace,
        (
            _TRACE,
            Parameter("tab", "What is shown.", choices=_TABS, default="waterfall"),
            Parameter("span", "The span that is shown beside, or a unique prefix of its id."),
            _ROW,
            _VIEW,
            Parameter("q", "Only spans with this in their name, service, model, tool or id, and those above them."),
            Parameter("depth", "Spans this deep are folded.", "integer", minimum=0),
            Parameter("repeats", "Alike spans in a row are folded.", "boolean"),
            Parameter("from", "The first line.", "integer", default=0, minimum=0),
            CURSOR,
        ),
        ("waterfall", "head"),
    ),
    PageRoute(
        "/traces/{id}/spans/{span}",
        "One span of a trace.",
        "span.html",
        _read_span,
        (_TRACE, Parameter("span", "The span, or a unique prefix of its id.", where="path"), _ROW, _VIEW),
        ("panel",),
    ),
)
