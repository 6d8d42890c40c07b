# SPDX-License-Identifier: Apache-2.0
"""What is known of one span: itself, what it recorded, and what hangs on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, SPANS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.metric_series.exemplar_list import find_exemplars
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary
from otel_sqlite_exporter.query.pages import RowT
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton
from otel_sqlite_exporter.query.sql_builder import Select, build_newest
from otel_sqlite_exporter.query.summaries import (
    EventSummary,
    LLMInteractionSummary,
    LogSummary,
    SpanSummary,
    ToolInteractionSummary,
)
from otel_sqlite_exporter.server.api.api_backend import ApiBackend
from otel_sqlite_exporter.server.page.shown_metrics.older_files import read_or_none
from otel_sqlite_exporter.server.page.trace.waterfall_lines import WaterfallLine
from otel_sqlite_exporter.server.page.trace.waterfall_rows import RowWriter, WaterfallRow
from otel_sqlite_exporter.sql.texts import read_query

_MOST_CHILDREN, _MOST_BESIDE, _MOST_ABOVE = 50, 100, 8


class SpanBeside(NamedTuple):
    """What hangs on a span, as rows: its events, its links and those to it, and whether there are more."""

    events: Sequence[dict[str, Any]]
    links: Sequence[dict[str, Any]]
    links_here: Sequence[dict[str, Any]]
    is_cut: bool


class SpanPanel(NamedTuple):
    """What is read of one span.

    Attributes:
        row: Its row in the waterfall; `above` and `children` are others, `sharing` those of spans with the same id.
        critical_ms: How long the end of the trace waits for it; None: not at all.
        missing_parent: The id of its parent, if that is not in the file, or leads in a circle (`is_circle`).
        records: Its start and its finish.
        exemplars: Values of metrics that it measured, the newest first.
    """

    span: SpanSummary
    row: WaterfallRow
    critical_ms: float | None
    above: Sequence[WaterfallRow]
    children: Sequence[WaterfallRow]
    children_in_all: int
    sharing: Sequence[WaterfallRow]
    missing_parent: str | None
    is_circle: bool
    calls: Sequence[LLMInteractionSummary]
    tools: Sequence[ToolInteractionSummary]
    beside: SpanBeside
    logs: Sequence[LogSummary]
    records: Sequence[EventSummary]
    exemplars: Sequence[ExemplarSummary]
    is_cut: bool


def read_panel(backend: ApiBackend, skeleton: TraceSkeleton, at: int) -> SpanPanel:
    """Return what is shown of the span at a position."""
    spans, writer = skeleton.spans, RowWriter(skeleton)
    span_id, trace_id = spans["span_id"][at], skeleton.trace.trace_id
    (span,) = backend.file.read(_read_rows, SPANS, [spans["id"][at]])
    beside = backend.file.read(_read_beside, span)
    logs = backend.database.find_logs(trace_id=trace_id, span_id=span_id, limit=_MOST_BESIDE, newest_first=False)
    place = {"trace_id": trace_id, "span_id": span_id}
    exemplars = read_or_none(backend, find_exemplars, limit=_MOST_BESIDE, cursor=None, filters=place)
    children = [child for child, parent in enumerate(spans["parent"]) if parent == at]
    critical = spans["critical_ns"][at]

    def write(positions: Sequence[int]) -> list[WaterfallRow]:
        return [writer.write(WaterfallLine(one)) for one in positions]

    return SpanPanel(
        span=span,
        row=writer.write(WaterfallLine(at)),
        critical_ms=None if critical is None else critical / 1e6,
        above=write([*_list_above(skeleton, at)]),
        children=write(children[:_MOST_CHILDREN]),
        children_in_all=len(children),
        sharing=write([one for one, id in enumerate(spans["span_id"]) if id == span_id and one != at]),
        missing_parent=span.parent_span_id if spans["parent"][at] is None else None,
        is_circle=span.parent_span_id in spans["span_id"],
        calls=_read_recorded(backend, LLM_INTERACTIONS, skeleton.llm_interactions, at),
        tools=_read_recorded(backend, TOOL_INTERACTIONS, skeleton.tool_interactions, at),
        beside=beside,
        logs=logs.records,
        records=backend.database.related(span),
        exemplars=() if exemplars is None else exemplars.records,
        is_cut=beside.is_cut or logs.cursor is not None or (exemplars is not None and exemplars.cursor is not None),
    )


def _list_above(skeleton: TraceSkeleton, at: int) -> Iterator[int]:
    """Yield the positions of the spans above one, from the top, at most the nearest `_MOST_ABOVE`."""
    found: list[int] = []
    above = skeleton.spans["parent"][at]
    while above is not None and len(found) < _MOST_ABOVE:
        found.append(above)
        above = skeleton.spans["parent"][above]
    yield from reversed(found)


def _read_recorded(backend: ApiBackend, view: AskableView[RowT], records: Any, at: int) -> list[RowT]:
    """Return the calls or tools that the span at a position recorded."""
    ids = [id for span, id in zip(records["span"], records["id"], strict=True) if span == at]
    return backend.file.read(_read_rows, view, ids[:_MOST_BESIDE]) if ids else []


def _read_rows(connection: sqlite3.Connection, view: AskableView[RowT], ids: Sequence[int]) -> list[RowT]:
    rows = fetch(connection, build_newest(view, ("*",), {}, among=orjson.dumps(ids).decode(), limit=len(ids)))
    return [view.row_type.from_row(row) for row in reversed(rows)]


def _read_beside(connection: sqlite3.Connection, span: SpanSummary) -> SpanBeside:
    parameters: dict[str, Any] = {"spans": orjson.dumps([span.id]).decode()}
    here = {"trace_id": span.trace_id, "span_id": span.span_id, "limit": _MOST_BESIDE + 1}
    found = [
        fetch(connection, Select(read_query(query), asked))
        for query, asked in (
            ("find_events_of_spans", parameters),
            ("find_links_of_spans", parameters),
            ("find_links_to_span", here),
        )
    ]
    events, links, links_here = (rows[:_MOST_BESIDE] for rows in found)
    return SpanBeside(events, links, links_here, any(len(rows) > _MOST_BESIDE for rows in found))
