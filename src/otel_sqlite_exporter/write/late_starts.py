# SPDX-License-Identifier: Apache-2.0
"""Starts of spans that came after their finish: a finished span that lacks attributes of its start is written again,
from what the file holds, so that it becomes what it would be had its start come first."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_sqlite_exporter.encode.open_spans import merge_attributes
from otel_sqlite_exporter.model.rows import (
    EncodedSpan,
    EventRow,
    Interactions,
    LinkRow,
    LLMInteractionRow,
    MessagesRow,
    Naming,
    ResourceRow,
    ScopeRow,
    SpanRow,
    ToolCallRow,
    ToolInteractionRow,
    ToolResultRow,
)
from otel_sqlite_exporter.write.batch import Batch
from otel_sqlite_exporter.write.span_versions import Repeated
from otel_sqlite_exporter.write.statements import read_rows, run_query


def find_late(connection: sqlite3.Connection, batch: Batch, replacing: Sequence[Repeated]) -> list[Repeated]:
    """Return the spans, as the file holds them, to which their starts in the batch have something to add: finished ones
    without a version among `replacing`. The batch merges both."""
    replaced = {one.known.id for one in replacing}
    late = {one.known.id: one for one in batch.late_starts if one.known.is_finished and one.known.id not in replaced}
    if not late:
        return []
    (found,) = run_query(connection, "read_origins", ids=late.keys()).fetchone()
    origins = {span: origin for span, *origin in orjson.loads(found)}
    repeated = []
    for columns in read_rows(connection, "read_stored_spans", ids=late.keys()):
        start, known = late[columns["id"]]
        row = SpanRow._make(columns[name] for name in SpanRow._fields)
        if merge_attributes(row.attributes, row.attribute_types, start.row.attributes, start.row.attribute_types):
            resource, scope = origins[known.id]
            batch.origins.know(columns["resource"], resource[0], columns["scope"], scope and scope[0])
            origin = ResourceRow(*resource), scope and ScopeRow(*scope)
            repeated.append(Repeated(_make_span(start.trace_id, row, *origin, columns), known))
    return repeated


def _make_span(
    trace_id: str, row: SpanRow, resource: ResourceRow, scope: ScopeRow | None, columns: Mapping[str, Any]
) -> EncodedSpan:
    """Return a span of the columns of queries/read_stored_spans.sql. It has made its bids when it was written."""
    events, links, llm_interactions, tool_interactions, tool_results, messages = (
        orjson.loads(columns[name])
        for name in ("events", "links", "llm_interactions", "tool_interactions", "tool_results", "messages")
    )
    own = None
    if columns["own_session"] is not None:
        own = Naming(columns["own_rank"] or 0, 0, 0, columns["own_session"], columns["own_source"] or "")
    places = {event[-1]: place for place, event in enumerate(events)}
    found: dict[int | None, Interactions] = {None: Interactions()}
    for event, *llm in llm_interactions:
        found[places.get(event)] = Interactions(llm=LLMInteractionRow(*llm))
    calls = []
    for event, is_request, *values in tool_interactions:
        tool = ToolInteractionRow(*values)
        if is_request:
            calls.append(ToolCallRow(tool.tool_call_id, tool.tool_name, tool.arguments))
        else:
            found[places.get(event)] = Interactions(tool=tool)
    results = [ToolResultRow(*result) for result in tool_results]
    return EncodedSpan(
        trace_id=trace_id,
        row=row,
        resource=resource,
        scope=scope,
        own_session=own,
        session=None,
        user=None,
        events=[
            EventRow(phase, name, time, source, mate, stem, dropped, types, text)
            for name, time, source, dropped, types, text, phase, stem, mate, _ in events
        ],
        links=[LinkRow(*link) for link in links],
        repaired=0,
        interactions=found.pop(None)._replace(tool_calls=calls, tool_results=results),
        record_interactions=sorted((place, one) for place, one in found.items() if place is not None),
        record_messages=[(place, MessagesRow(*texts)) for place, texts in messages],
    )
