# SPDX-License-Identifier: Apache-2.0
"""Sums and times that a batch changes beside its own rows: those of agents, and those of rows of `_trace_sessions` that
must be computed again.

The times of a row of `_trace_sessions` may be wider than those of its records, as it may have lost some to another row
of its trace. If both rows show one session, the visible times cannot change, so the rescan is skipped.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from otel_sqlite_exporter.model.rows import LLMInteractionRow, ResourceRow
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import read_json, run_script

_SUMS = 10
_LOWER_BITS = 2**32 - 1
_NAME, _ID, _VERSION = "gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.agent.version"
_MARKS = (f'"{_ID}"', f'"{_VERSION}"')


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


class AgentSums:
    """What the model calls of one batch add to their agents, by service and agent name. Triggers in the file follow
    what changes later."""

    def __init__(self) -> None:
        # Name of the resource, id, version; first and last seen.
        self._described: dict[tuple[str, str], list[Any]] = {}
        # Rows, calls, failed calls, rows with usage; the upper and the lower 32 bits of input, output and total tokens.
        self._sums: dict[tuple[str, str], list[int]] = {}
        self._trace_sessions: Counter[tuple[str, str, int]] = Counter()
        self._resources: dict[str, dict[str, Any]] = {}

    def describe(self, llm: LLMInteractionRow, resource: ResourceRow, start: int, end: int, attributes: str) -> None:
        """Note the agent that a call names, and when it ran. Every version of a span counts, also one that is not kept,
        as it could not be taken back. `attributes` are those of the span or log record."""
        key = (resource.service_name, llm.agent_name or "")
        named = self._resources.get(resource.digest)
        if named is None:
            named = self._resources[resource.digest] = orjson.loads(resource.attributes)
        version = named.get(_VERSION) or named.get("service.version")
        columns = [named.get(_NAME), named.get(_ID), version]
        if any(mark in attributes for mark in _MARKS):
            own = orjson.loads(attributes)
            columns[1:] = own.get(_ID) or columns[1], own.get(_VERSION) or columns[2]
        texts = [None if value is None else str(value) for value in columns]
        described = self._described.get(key)
        if described is None:
            self._described[key] = [*texts, start, end]
            return
        for column, text in enumerate(texts):
            if text is not None and (described[column] is None or text > described[column]):
                described[column] = text
        described[3], described[4] = min(described[3], start), max(described[4], end)

    def add_call(
        self, llm: LLMInteractionRow, service_name: str, trace_session: int, *, has_failed: bool, is_repeat: bool
    ) -> None:
        """Add a row of `_llm_interactions` that is written, as it is then."""
        key = (service_name, llm.agent_name or "")
        sums = self._sums.setdefault(key, [0] * _SUMS)
        sums[0] += 1
        self._trace_sessions[key[0], key[1], trace_session] += 1
        if llm.is_hidden or is_repeat:
            return
        usage = (llm.input_tokens, llm.output_tokens, llm.total_tokens)
        sums[1] += not llm.is_aggregate
        sums[2] += has_failed and not llm.is_aggregate
        sums[3] += usage != (None, None, None)
        for kind, tokens in enumerate(usage):
            if tokens:
                sums[4 + 2 * kind] += tokens >> 32
                sums[5 + 2 * kind] += tokens & _LOWER_BITS

    def write(self, connection: sqlite3.Connection) -> None:
        """Add everything. Call this before the rows are written: triggers follow what they change."""
        if self._described:
            none = [0] * _SUMS
            agents = [[*key, *columns, *self._sums.get(key, none)] for key, columns in self._described.items()]
            trace_sessions = [[*key, rows] for key, rows in self._trace_sessions.items()]
            run_script(connection, "add_to_agents", agents=agents, trace_sessions=trace_sessions)
