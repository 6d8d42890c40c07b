# SPDX-License-Identifier: Apache-2.0
"""Sums and times that a batch changes beside its own rows: those of agents, and those of rows of `_trace_sessions` that
must be computed again.

The times of a row of `_trace_sessions` may be wider than those of its records, as it may have lost some to another row
of its trace. If both rows show one session, the visible times cannot change, so the rescan is skipped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import orjson

from otel_sqlite_exporter.model.origin_rows import ResourceRow
from otel_sqlite_exporter.model.rows import LLMInteractionRow
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.batch_lookup import NO_TIMES
from otel_sqlite_exporter.write.statements import read_json, run_script

_SUMS = 10
_LOWER_BITS = 2**32 - 1
_NAME, _ID, _VERSION = "gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.agent.version"
_MARK, _MARKS = '"gen_ai.agent.', (f'"{_ID}"', f'"{_VERSION}"')
_FIRST, _LAST = 3, 4
_get_usage = attrgetter("input_tokens", "output_tokens", "total_tokens")
_NO_USAGE = (None, None, None)


@dataclass(slots=True)
class OutdatedSums:
    """Rows of `_trace_sessions`, by key. `replaced` lost or got a span that another version replaces: all their sums
    are computed again. `left` lost records to a row that shows another session. `restarted` have a span that no
    longer covers the time at which it started, so no row of their trace may keep that time."""

    replaced: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    restarted: set[int] = field(default_factory=set)

    def update(self, connection: sqlite3.Connection, moved: Iterable[int], lost: Collection[int]) -> None:
        """Compute these sums again, after the rows of the batch were written. `moved` are the rows that show another
        session than before, `lost` the sessions that they showed."""
        left = self.left.union(moved)
        if left or self.restarted:
            (wide,) = read_json(connection, "find_wide_times", left=left, restarted=self.restarted)
            self.replaced.update(wide)
        recount(connection, self.replaced, lost)


def recount(connection: sqlite3.Connection, trace_sessions: Collection[int], sessions: Collection[int] = ()) -> None:
    """Compute sums and times of these rows of `_trace_sessions` again from their records, and then the times of their
    traces, of the sessions that they show, and of these `sessions`."""
    if trace_sessions:
        run_script(connection, "recount_replaced", trace_sessions=trace_sessions)
    if trace_sessions or sessions:
        run_script(connection, "update_session_times", ids=sessions, trace_sessions=trace_sessions)


def repair_sessions(connection: sqlite3.Connection) -> None:
    """Let records that name no session show that of their trace, and compute the times of all sessions again."""
    changed = connection.execute(read_query("repair_sessions")).fetchall()
    sessions = connection.execute("SELECT id FROM _sessions").fetchall()
    recount(connection, [id for (id,) in changed], [id for (id,) in sessions])


def start_description() -> list[Any]:
    """Return what describes an agent of which nothing is known: name of the resource, id, version; first and last
    seen."""
    return [None, None, None, *NO_TIMES]


def merge_description(
    described: list[Any], resource: Mapping[str, Any], own: Mapping[str, Any], first: int, last: int
) -> None:
    """Add to what describes an agent the attributes of a resource, those that a record has of its own, and when the
    agent was seen. Of two texts the greater is kept."""
    version = own.get(_VERSION) or resource.get(_VERSION) or resource.get("service.version")
    for column, value in enumerate((resource.get(_NAME), own.get(_ID) or resource.get(_ID), version)):
        text = None if value is None else str(value)
        if text is not None and (described[column] is None or text > described[column]):
            described[column] = text
    described[_FIRST], described[_LAST] = min(first, described[_FIRST]), max(last, described[_LAST])


class AgentSums:
    """What the model calls of one batch add to their agents, by service and agent name. Triggers in the file follow
    what changes later."""

    def __init__(self) -> None:
        # Name of the resource, id, version; first and last seen.
        self._described: dict[tuple[str, str], list[Any]] = {}
        # The same lists, of calls that say no more of their agent than their resource does, by its digest.
        self._plain: dict[tuple[str, str | None], list[Any]] = {}
        # Rows, calls, failed calls, rows with usage; the upper and the lower 32 bits of input, output and total tokens.
        self._sums: dict[tuple[str, str], list[int]] = {}
        self._rows: dict[tuple[str, str, int], int] = {}
        self._resources: dict[str, dict[str, Any]] = {}

    def describe(self, llm: LLMInteractionRow, resource: ResourceRow, start: int, end: int, attributes: str) -> None:
        """Note the agent that a call names, and when it ran. Every version of a span counts, also one that is not kept,
        as it could not be taken back. `attributes` are those of the span or log record."""
        agent_name = llm.agent_name
        if _MARK in attributes and any(mark in attributes for mark in _MARKS):
            described = self._merge(resource, agent_name, orjson.loads(attributes))
        else:
            found = self._plain.get((resource.digest, agent_name))
            if found is None:
                found = self._plain[resource.digest, agent_name] = self._merge(resource, agent_name, {})
            described = found
        if start < described[_FIRST]:
            described[_FIRST] = start
        if end > described[_LAST]:
            described[_LAST] = end

    def _merge(self, resource: ResourceRow, agent_name: str | None, own: dict[str, Any]) -> list[Any]:
        """Return what describes an agent, after the attributes of a resource, and those that a record has of its own,
        were added to it."""
        named = self._resources.get(resource.digest)
        if named is None:
            named = self._resources[resource.digest] = orjson.loads(resource.attributes)
        key = (resource.service_name, agent_name or "")
        described = self._described.setdefault(key, start_description())
        merge_description(described, named, own, *NO_TIMES)
        return described

    def add_call(
        self, llm: LLMInteractionRow, service_name: str, trace_session: int, *, has_failed: bool, is_repeat: bool
    ) -> None:
        """Add a row of `_llm_interactions` that is written, as it is then."""
        agent_name = llm.agent_name or ""
        sums = self._sums.get((service_name, agent_name))
        if sums is None:
            sums = self._sums[service_name, agent_name] = [0] * _SUMS
        sums[0] += 1
        row_key = (service_name, agent_name, trace_session)
        self._rows[row_key] = self._rows.get(row_key, 0) + 1
        if llm.is_hidden or is_repeat:
            return
        if not llm.is_aggregate:
            sums[1] += 1
            sums[2] += has_failed
        usage = _get_usage(llm)
        sums[3] += usage != _NO_USAGE
        place = 4
        for tokens in usage:
            if tokens:
                sums[place] += tokens >> 32
                sums[place + 1] += tokens & _LOWER_BITS
            place += 2

    def write(self, connection: sqlite3.Connection) -> None:
        """Add everything. Call this before the rows are written: triggers follow what they change."""
        if self._described:
            none = [0] * _SUMS
            agents = [[*key, *columns, *self._sums.get(key, none)] for key, columns in self._described.items()]
            trace_sessions = [[*key, rows] for key, rows in self._rows.items()]
            run_script(connection, "add_to_agents", agents=agents, trace_sessions=trace_sessions)
