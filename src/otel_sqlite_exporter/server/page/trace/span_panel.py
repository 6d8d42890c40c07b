# SPDX-License-Identifier: Apache-2.0
"""What is known of one span: itself, what it recorded, and what hangs on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, SPANS, TOOL_INTERACTIONS, AskableView
from otel_sqlite_exporter.query.filter_values import fold_id
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
from otel_sqlite_exporter.server.api.record_answers import read_beside
from otel_sqlite_exporter.server.page.trace.typed_values import TypedValue, list_values
from otel_sqlite_exporter.server.page.trace.waterfall_lines import WaterfallLine
from otel_sqlite_exporter.server.page.trace.waterfall_rows import RowWriter, WaterfallRow
from otel_sqlite_exporter.show.units import format_ms
from otel_sqlite_exporter.sql.texts import read_query

_MOST_CHILDREN, _MOST_BESIDE, _MOST_ABOVE = 50, 100, 8
_EXCEPTION = ("exception.type", "exception.message", "exception.stacktrace")


class SpanEvent(NamedTuple):
    """One event of a span. An exception has its message and stack trace apart from the other attributes."""

    name: str
    after: str | None
    exception: tuple[Any, Any, Any] | None
    values: Sequence[TypedValue]


class SpanLink(NamedTuple):
    """A link to another span, or from one."""

    trace_id: str
    span_id: str
    name: str | None
    is_here: bool
    values: Sequence[TypedValue]


class SpanPanel(NamedTuple):
    """What is shown of one span. `row` is its row in the waterfall, `critical` the time that the end of the trace waits
    for it; `above` and `children` are other rows; `sharing` are other spans with the same id."""

    span: SpanSummary
    row: WaterfallRow
    critical: str | None
    above: Sequence[WaterfallRow]
    children: Sequence[WaterfallRow]
    children_in_all: int
    sharing: Sequence[WaterfallRow]
    missing_parent: str | None
    calls: Sequence[LLMInteractionSummary]
    tools: Sequence[ToolInteractionSummary]
    attributes: Sequence[TypedValue]
    resource: Sequence[TypedValue]
    scope: Sequence[TypedValue]
    events: Sequence[SpanEvent]
    links: Sequence[SpanLink]
    links_here: Sequence[SpanLink]
    logs: Sequence[LogSummary]
    records: Sequence[EventSummary]
    is_cut: bool


def find_position(skeleton: TraceSkeleton, prefix: str, row: int | None = None) -> int:
    """Return the position of the span whose id is `prefix` or begins with it; of several with one id that of `row`.

    Raises:
        NotFoundError: There is none, or spans with several ids begin with it.
    """
    wanted, ids = fold_id("span_id", prefix), skeleton.spans["span_id"]
    found = [at for at, span_id in enumerate(ids) if span_id == wanted]
    found = found or [at for at, span_id in enumerate(ids) if wanted and span_id.startswith(wanted)]
    if not found:
        raise NotFoundError(f"there is no span {prefix[:40]!r} in this trace: open one from its waterfall")
    if len({ids[at] for at in found}) > 1:
        raise NotFoundError(f"several spans of this trace begin with {prefix[:40]!r}: give more characters")
    return next((at for at in found if skeleton.spans["id"][at] == row), found[0])


def read_panel(backend: ApiBackend, skeleton: TraceSkeleton, at: int) -> SpanPanel:
    """Return what is shown of the span at a position."""
    spans, writer = skeleton.spans, RowWriter(skeleton)
    span_id, trace_id = spans["span_id"][at], skeleton.trace.trace_id
    (span,) = backend.file.read(_read_rows, SPANS, [spans["id"][at]])
    beside, is_cut = backend.file.read(read_beside, span.id)
    of_span: dict[str, Any] = {"trace_id": trace_id, "span_id": span_id}
    logs = backend.database.find_logs(**of_span, limit=_MOST_BESIDE, newest_first=False)
    here = backend.file.read(fetch, Select(read_query("find_links_to_span"), of_span | {"limit": _MOST_BESIDE}))
    children = [child for child, parent in enumerate(spans["parent"]) if parent == at]
    critical = spans["critical_ns"][at]

    def write(positions: Sequence[int]) -> list[WaterfallRow]:
        return [writer.write(WaterfallLine(one)) for one in positions]

    return SpanPanel(
        span=span,
        row=writer.write(WaterfallLine(at)),
        critical=None if critical is None else format_ms(critical / 1e6),
        above=write([*_list_above(skeleton, at)]),
        children=write(children[:_MOST_CHILDREN]),
        children_in_all=len(children),
        sharing=write([one for one, id in enumerate(spans["span_id"]) if id == span_id and one != at]),
        missing_parent=span.parent_span_id if spans["parent"][at] is None else None,
        calls=_read_recorded(backend, LLM_INTERACTIONS, skeleton.llm_interactions, at),
        tools=_read_recorded(backend, TOOL_INTERACTIONS, skeleton.tool_interactions, at),
        attributes=list_values(span.attributes, span.attribute_types),
        resource=list_values(span.resource_attributes, span.resource_attribute_types),
        scope=list_values(span.scope_attributes, span.scope_attribute_types),
        events=[_describe_event(event, span.start_time_unix_nano) for event in beside["events"]],
        links=[_describe_link(link, trace_id) for link in beside["links"]],
        links_here=[
            SpanLink(one["trace_id"], one["span_id"], one["name"], one["trace_id"] == trace_id, ()) for one in here
        ],
        logs=logs.records,
        records=backend.database.related(span),
        is_cut=is_cut or logs.cursor is not None,
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


def _describe_event(event: dict[str, Any], start: int) -> SpanEvent:
    attributes = event["attributes"]
    told = None
    if isinstance(attributes, dict) and any(name in attributes for name in _EXCEPTION):
        told = (attributes.get(_EXCEPTION[0]), attributes.get(_EXCEPTION[1]), attributes.get(_EXCEPTION[2]))
        attributes = {name: value for name, value in attributes.items() if name not in _EXCEPTION}
    after = format_ms((event["start_time_unix_nano"] - start) / 1e6)
    return SpanEvent(event["name"], after, told, list_values(attributes, event["attribute_types"]))


def _describe_link(link: dict[str, Any], trace_id: str) -> SpanLink:
    values = list_values(link["attributes"], link["attribute_types"])
    return SpanLink(link["linked_trace_id"], link["linked_span_id"], None, link["linked_trace_id"] == trace_id, values)
