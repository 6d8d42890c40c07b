# SPDX-License-Identifier: Apache-2.0
"""Spans as the file holds them, with what was derived from each."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.origin_rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.model.rows import (
    EncodedSpan,
    EventRow,
    Interactions,
    LinkRow,
    LLMInteractionRow,
    MessagesRow,
    Naming,
    SpanRow,
    ToolCallRow,
    ToolInteractionRow,
    ToolResultRow,
)
from otel_sqlite_exporter.write.statements import read_rows


class ShownNaming(NamedTuple):
    """The trace of a record (key of `_traces`), and the attributes that name the session of the trace, its user and the
    session of the record itself, with their rank in the list of such attributes."""

    trace: int
    session_rank: int | None
    session_source: str | None
    user_rank: int | None
    user_source: str | None
    own_rank: int | None
    own_source: str | None


class StoredSpan(NamedTuple):
    """A span in the file; `resource` and `scope` are the keys of `resource_row` and `scope_row`. `own_session` is the
    session that it names itself. If it `pairs_with_logs`, its events may be in pairs with its log records. Interactions
    and messages of its events come with the index of the event, its own with None; `tool_interactions` also say whether
    the row is a call that an answer requests."""

    id: int
    trace_id: str
    row: SpanRow
    resource: int
    scope: int | None
    resource_row: ResourceRow
    scope_row: ScopeRow | None
    shown: ShownNaming
    own_session: str | None
    events: Sequence[EventRow]
    pairs_with_logs: bool
    links: Sequence[LinkRow]
    llm_interactions: Sequence[tuple[int | None, LLMInteractionRow]]
    tool_interactions: Sequence[tuple[int | None, int, ToolInteractionRow]]
    tool_results: Sequence[ToolResultRow]
    messages: Sequence[tuple[int, MessagesRow]]

    def encode(self) -> EncodedSpan:
        """Return the span for writing it again. It names no session or user of its trace: they know it already."""
        name, shown = self.own_session, self.shown
        by_event = {index: Interactions(llm=llm) for index, llm in self.llm_interactions}
        calls = []
        for index, is_request, tool in self.tool_interactions:
            if is_request:
                calls.append(ToolCallRow(tool.tool_call_id, tool.tool_name, tool.arguments))
            else:
                by_event[index] = Interactions(tool=tool)
        own = by_event.pop(None, Interactions())._replace(tool_calls=calls, tool_results=self.tool_results)
        return EncodedSpan(
            trace_id=self.trace_id,
            row=self.row,
            resource=self.resource_row,
            scope=self.scope_row,
            own_session=None if name is None else Naming(shown.own_rank or 0, 0, 0, name, shown.own_source or ""),
            session=None,
            user=None,
            events=self.events,
            links=self.links,
            repaired=0,
            interactions=own,
            record_interactions=sorted((index, one) for index, one in by_event.items() if index is not None),
            record_messages=self.messages,
        )


def read_spans(connection: sqlite3.Connection, ids: Collection[int]) -> Iterator[StoredSpan]:
    """Yield these rows of `_spans`, in the order of their ids."""
    for row in read_rows(connection, "read_stored_spans", ids=ids):
        events, links, llm_interactions, tool_interactions, tool_results, messages = (
            orjson.loads(row[name])
            for name in ("events", "links", "llm_interactions", "tool_interactions", "tool_results", "messages")
        )
        index_of = {id: index for index, (id, *_) in enumerate(events)}
        yield StoredSpan(
            id=row["id"],
            trace_id=row["trace_id"],
            row=SpanRow._make(row[name] for name in SpanRow._fields),
            resource=row["resource"],
            scope=row["scope"],
            resource_row=ResourceRow(*orjson.loads(row["resource_row"])),
            scope_row=None if row["scope"] is None else ScopeRow(*orjson.loads(row["scope_row"])),
            shown=ShownNaming._make(row[name] for name in ShownNaming._fields),
            own_session=row["own_session"],
            events=[EventRow(*columns) for _, *columns in events],
            pairs_with_logs=bool(row["pairs_with_logs"]),
            links=[LinkRow(*columns) for columns in links],
            llm_interactions=[(index_of.get(id), make_call_row(*columns)) for id, *columns in llm_interactions],
            tool_interactions=[
                (index_of.get(id), is_request, ToolInteractionRow(*columns))
                for id, is_request, *columns in tool_interactions
            ],
            tool_results=[ToolResultRow(*columns) for columns in tool_results],
            messages=[(index, MessagesRow(*texts)) for index, texts in messages],
        )


def make_call_row(own_facts: str | None, *columns: Any) -> LLMInteractionRow:
    """Return what was derived from the record of a call, without the facts that the row has from other records of it:
    a row of the view `_derived_calls`."""
    row = LLMInteractionRow(*columns)
    if own_facts is None:
        return row
    row = row._replace(**orjson.loads(own_facts))
    return row if row.cost_status in (None, "reported") else row._replace(cost_usd=None, cost_status=None)
