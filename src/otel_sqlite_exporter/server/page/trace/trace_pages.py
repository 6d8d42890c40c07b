# SPDX-License-Identifier: Apache-2.0
"""The pages of one trace: its waterfall with one of its spans beside it, what was said, log records, services, and
earlier traces of the same name."""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import TRACES
from otel_sqlite_exporter.query.conversations.turn_window import read_window
from otel_sqlite_exporter.query.metric_series.exemplar_list import find_exemplars
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary
from otel_sqlite_exporter.query.pages import Page
from otel_sqlite_exporter.query.reading import get_by_prefix
from otel_sqlite_exporter.query.skeletons.span_search import find_span
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton
from otel_sqlite_exporter.query.summaries import TraceSummary
from otel_sqlite_exporter.server.api.api_backend import ApiBackend, Arguments
from otel_sqlite_exporter.server.api.description.api_route import CURSOR
from otel_sqlite_exporter.server.api.parameters import Parameter
from otel_sqlite_exporter.server.page.marking.given_scores import read_scores
from otel_sqlite_exporter.server.page.page_answers import PageContent, PageRoute
from otel_sqlite_exporter.server.page.page_links import link_trace
from otel_sqlite_exporter.server.page.session.conversation_tab import (
    TURNS_OF_A_PAGE,
    make_allowance,
    show_turn,
)
from otel_sqlite_exporter.server.page.session.lane_chart import shorten_name
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance
from otel_sqlite_exporter.server.page.shown_metrics.exemplar_rows import make_exemplar_rows
from otel_sqlite_exporter.server.page.shown_metrics.older_files import read_or_none
from otel_sqlite_exporter.server.page.trace.panel_contents import show_contents, show_log, show_raw
from otel_sqlite_exporter.server.page.trace.span_panel import read_panel
from otel_sqlite_exporter.server.page.trace.trace_liveness import is_live
from otel_sqlite_exporter.server.page.trace.trace_services import sum_services
from otel_sqlite_exporter.server.page.trace.waterfall_view import WaterfallView

_MOST_RECORDS, _MOST_EARLIER = 100, 30
_TABS = ("waterfall", "messages", "logs", "services", "earlier", "exemplars")


def _read_trace(backend: ApiBackend, arguments: Arguments) -> PageContent:
    trace = backend.file.read(get_by_prefix, TRACES, "trace_id", arguments["id"])
    tab = arguments["tab"]
    values = _READERS[tab](backend, trace, arguments)
    tabs = [
        (name.capitalize(), link_trace(trace.trace_id, tab=None if name == "waterfall" else name), name == tab)
        for name in _TABS
        if name != "exemplars" or name == tab or _find_exemplars(backend, trace, 1)
    ]
    title = shorten_name(trace.name or f"Trace {trace.trace_id[:8]}")
    is_followed = is_live(trace)
    given = {"from_": arguments["from"] or None, "cursor": arguments.get("cursor"), "view": arguments["view"]}
    live = {
        "is_live": is_followed,
        "is_tab_live": is_followed and values.get("is_last", False),
        "tab_url": link_trace(trace.trace_id, tab=tab, **given, part="content"),
    }
    scores = backend.file.read(read_scores, "trace_id", trace.trace_id)
    shown = {"trace": trace, "scores": scores, "tab": tab, "tabs": tabs, **live, **values}
    return PageContent(title, shown, values.get("answered", 200))


def _read_waterfall(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    view = WaterfallView(backend, trace.trace_id, arguments)
    values: dict[str, Any] = {"view": view, "panel": None, "fault": None, "exemplars": []}
    if "span" not in arguments:
        return values
    try:
        return values | _read_span_of(backend, backend.read_skeleton(trace.trace_id), arguments)
    except NotFoundError as error:  # the trace is shown all the same
        return values | {"fault": str(error), "answered": 404}


def _read_messages(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    id, first, is_raw = trace.trace_id, arguments["from"], arguments["view"] == "raw"
    window = backend.file.read(read_window, f"trace:{id}", first=first, limit=TURNS_OF_A_PAGE)
    kept = {"tab": "messages", "view": "raw" if is_raw else None}
    after = window.first + len(window.turns)
    allowance = make_allowance(is_raw=is_raw)
    return {
        "window": window,
        "turns": [show_turn(turn, trace.start_time_unix_nano, allowance, is_raw=is_raw) for turn in window.turns],
        "is_raw": is_raw,
        "is_last": after >= window.total,
        "raw_link": link_trace(id, tab="messages", from_=first or None, view=None if is_raw else "raw"),
        "before": link_trace(id, **kept, from_=max(first - TURNS_OF_A_PAGE, 0) or None) if first else None,
        "after": link_trace(id, **kept, from_=after) if window.turns and after < window.total else None,
    }


def _read_logs(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    cursor, id = arguments.get("cursor"), trace.trace_id
    page = backend.database.find_logs(trace_id=id, limit=_MOST_RECORDS, cursor=cursor, newest_first=False)
    allowance = PageAllowance()
    return {"page": page, "logs": [show_log(log, allowance) for log in page], "is_last": page.cursor is None}


def _read_services(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    return {"services": sum_services(backend.read_skeleton(trace.trace_id)), "is_last": True}


def _read_earlier(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    if trace.name is None:
        return {"page": None}
    before, cursor = trace.start_time_unix_nano, arguments.get("cursor")
    return {"page": backend.database.find_traces(name=trace.name, until=before, limit=_MOST_EARLIER, cursor=cursor)}


def _read_exemplars(backend: ApiBackend, trace: TraceSummary, arguments: Arguments) -> dict[str, Any]:
    page = _find_exemplars(backend, trace, _MOST_RECORDS, arguments.get("cursor") or None)
    rows = [] if page is None else make_exemplar_rows(page)
    return {"exemplars": rows, "cursor": page and page.cursor, "is_last": page is None or page.cursor is None}


def _find_exemplars(
    backend: ApiBackend, trace: TraceSummary, limit: int, cursor: str | None = None
) -> Page[ExemplarSummary] | None:
    """Return the values of metrics that spans of a trace measured; None: the file is too old to have any."""
    return read_or_none(backend, find_exemplars, limit=limit, cursor=cursor, filters={"trace_id": trace.trace_id})


_READERS = {
    "waterfall": _read_waterfall,
    "messages": _read_messages,
    "logs": _read_logs,
    "services": _read_services,
    "earlier": _read_earlier,
    "exemplars": _read_exemplars,
}


def _read_span(backend: ApiBackend, arguments: Arguments) -> PageContent:
    skeleton = backend.read_skeleton(arguments["id"])
    values = _read_span_of(backend, skeleton, arguments)
    return PageContent(shorten_name(values["panel"].span.name), {"trace": skeleton.trace, **values})


def _read_span_of(backend: ApiBackend, skeleton: TraceSkeleton, arguments: Arguments) -> dict[str, Any]:
    panel = read_panel(backend, skeleton, find_span(skeleton, arguments["span"], arguments.get("row")))
    if arguments["view"] == "raw":
        return {"panel": panel, "raw": show_raw(panel), "contents": None, "exemplars": []}
    exemplars = make_exemplar_rows(panel.exemplars)
    return {"panel": panel, "raw": None, "contents": show_contents(panel), "exemplars": exemplars}


_TRACE = Parameter("id", "The trace, or a unique prefix of its id.", where="path")
_ROW = Parameter("row", "The `id` of the span, where several have one id.", "integer", minimum=0)
_VIEW = Parameter("view", "What is recognised, or all as it was recorded.", choices=("read", "raw"), default="read")
PAGES: tuple[PageRoute, ...] = (
    PageRoute(
        "/traces/{id}",
        "One trace: waterfall, messages, log records, services, earlier traces of its name, values of metrics.",
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
            Parameter(
                "from", "The number of lines, or of turns, that are left out at first.", "integer", default=0, minimum=0
            ),
            CURSOR,
        ),
        ("head", "content"),
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
