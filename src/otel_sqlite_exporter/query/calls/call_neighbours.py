# SPDX-License-Identifier: Apache-2.0
"""The calls before and after a call in its session, and the one that its prompt goes on from."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.askable_views import LLM_INTERACTIONS, START
from otel_sqlite_exporter.query.reading import find_page
from otel_sqlite_exporter.query.sql_builder import encode_cursor
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary

_LOOKED_AT = 30
_COLUMNS = ("id", START, "is_aggregate", "agent_name", "conversation_id", "operation", "parent_span_id")


class CallNeighbours(NamedTuple):
    """Ids of calls that count, of the same session, or of the same trace if there is no session.

    Attributes:
        before, after: In order of time.
        continued: The call before of the same conversation, agent and operation, if there is one.
    """

    before: int | None
    after: int | None
    continued: int | None


def read_neighbours(connection: sqlite3.Connection, call: LLMInteractionSummary) -> CallNeighbours:
    """Return the calls around a call."""
    before = _list_calls(connection, call, newest_first=True, limit=_LOOKED_AT)
    after = _list_calls(connection, call, newest_first=False, limit=1)
    related = (one.id for one in before if _get_thread(one) == _get_thread(call))
    return CallNeighbours(before[0].id if before else None, after[0].id if after else None, next(related, None))


def _get_thread(call: LLMInteractionSummary) -> tuple[Any, ...]:
    return call.conversation_id, call.agent_name, call.operation


def _list_calls(
    connection: sqlite3.Connection, call: LLMInteractionSummary, *, newest_first: bool, limit: int
) -> list[LLMInteractionSummary]:
    within = "session_id" if call.session_id is not None else "trace_id"
    id = getattr(call, within)
    if id is None:
        return []
    position = {START: call.start_time_unix_nano, "id": call.id}
    cursor = encode_cursor(LLM_INTERACTIONS, position, newest_first=newest_first)
    filters = {within: id, "counted": True}
    page = find_page(
        connection, LLM_INTERACTIONS, filters, limit, cursor, newest_first, with_total=False, columns=_COLUMNS
    )
    return [one for one in page if not one.is_aggregate]
