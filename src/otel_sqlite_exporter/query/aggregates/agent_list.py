# SPDX-License-Identifier: Apache-2.0
"""The agents of a file, page by page, in order of their service and name."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.pages import Page, ViewRow
from otel_sqlite_exporter.query.position_texts import decode_position, encode_position
from otel_sqlite_exporter.query.reading import fetch
from otel_sqlite_exporter.query.sql_builder import Select, check_limit
from otel_sqlite_exporter.sql.texts import read_query


@dataclass(frozen=True, slots=True, repr=False)
class AgentSummary(ViewRow):
    """One agent of a service. The columns are those of the view `agents`, but the numbers are those of the reports: a
    call that names no agent is of the one that the nearest span above names."""

    VIEW = "agents"
    JSON = frozenset()

    agent_id: str | None
    agent_name: str | None
    service_name: str
    version: str | None
    first_seen: str
    last_seen: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    sessions: int
    llm_calls: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    failed_calls: int


def read_agent_page(
    connection: sqlite3.Connection, *, limit: int = 50, cursor: str | None = None
) -> Page[AgentSummary]:
    """Return a page of agents. Each page takes one pass over all calls.

    Raises:
        FilterError: The limit or the cursor cannot be used.
    """
    service, agent, start = (None, None, None) if cursor is None else _decode(cursor)
    parameters = {"service": service, "agent": agent, "start": start, "limit": check_limit(limit) + 1}
    rows = fetch(connection, Select(read_query("list_agents"), parameters))
    records = tuple(map(AgentSummary.from_row, rows[:limit]))
    following = _encode(records[-1]) if len(rows) > limit else None
    total = len(records) if following is None and cursor is None else None
    return Page(AgentSummary, records, total, following)


def _encode(last: AgentSummary) -> str:
    return encode_position([AgentSummary.VIEW, last.service_name, last.agent_name or "", last.start_time_unix_nano])


def _decode(cursor: str) -> tuple[str, str, int]:
    match decode_position(cursor):
        case [AgentSummary.VIEW, str(service), str(agent), int(start)]:
            return service, agent, start
    raise FilterError("cursor", "it is not from a page of this list: give the `cursor` of such a page")
