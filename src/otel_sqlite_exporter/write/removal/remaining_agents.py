# SPDX-License-Identifier: Apache-2.0
"""What describes agents that lost calls, from the calls that they still have. Triggers follow their sums.

Mostly the first call of an agent is among the first of the file, and its newest, which tells its version, among the
last. Where they are not, all calls of the file are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.statements import encode_parameters, run_query, run_script
from otel_sqlite_exporter.write.sums import merge_description, start_description

_WINDOW = 1_000
"""Calls at each end of the file that are looked at for those of an agent."""
_TEXTS, _FIRST, _LAST = slice(0, 3), 3, 4


class LosingAgent(NamedTuple):
    """An agent that loses calls: its key in `_agents`; what describes it in the file, and what describes the calls that
    it loses, as `start_description` has it."""

    id: int
    noted: list[Any]
    lost: list[Any]

    def has_lost_text(self) -> bool:
        """Whether a call that it loses gave one of its texts."""
        pairs = zip(self.noted[_TEXTS], self.lost[_TEXTS], strict=True)
        return any(noted is not None and noted == lost for noted, lost in pairs)

    def has_lost_first(self) -> bool:
        """Whether it loses its first call."""
        return bool(self.lost[_FIRST] <= self.noted[_FIRST])

    def has_lost_last(self) -> bool:
        """Whether it loses the call that ended last."""
        return bool(self.lost[_LAST] >= self.noted[_LAST])


def find_losing_agents(
    connection: sqlite3.Connection, spans: Collection[int], logs: Collection[int]
) -> list[LosingAgent]:
    """Return the agents of the calls that these rows of `_spans` and `_logs` hold, before these are removed."""
    agents: dict[int, LosingAgent] = {}
    rows = run_query(connection, "find_agents_of_records", spans=spans, logs=logs)
    for id, first, last, agent_id, version, resource, *noted in rows:
        agent = agents.setdefault(id, LosingAgent(id, noted, start_description()))
        _merge(agent.lost, first, last, agent_id, version, resource)
    return [*agents.values()]


def describe_again(connection: sqlite3.Connection, agents: Collection[LosingAgent]) -> list[int]:
    """Describe these agents by the calls that they still have, as far as few calls tell it; remove those that have
    none. Returns the keys of the others, which `describe_by_all_calls` describes."""
    if not agents:
        return []
    run_script(connection, "forget_agents", agents=[agent.id for agent in agents])
    concerned = {
        agent.id: agent for agent in agents if agent.has_lost_first() or agent.has_lost_last() or agent.has_lost_text()
    }
    values: dict[str, Any] = {**encode_parameters({"agents": concerned.keys()}), "window": _WINDOW}
    known, unknown = [], []
    for id, first, *described in connection.execute(read_query("find_agents_ends"), values).fetchall():
        agent, newest = concerned[id], start_description()
        noted = agent.noted.copy()
        if described[-1] is not None:
            _merge(newest, first or 0, 0, *described)
        if agent.has_lost_first() and first is not None:
            noted[_FIRST] = first
        is_known = not agent.has_lost_last() and not (agent.has_lost_first() and first is None)
        if agent.has_lost_text() and newest[_TEXTS] != noted[_TEXTS]:
            is_known = False
        if is_known:
            known.append([id, *noted])
        else:
            unknown.append(id)
    if known:
        run_script(connection, "describe_agents", agents=known)
    return unknown


class AllCalls:
    """What all calls of these agents (keys of `_agents`) say about them. Reading a call twice changes nothing."""

    def __init__(self, connection: sqlite3.Connection, agents: Collection[int]) -> None:
        self._connection, self._agents = connection, agents
        self._described: dict[int, list[Any]] = {}

    def read(self, call: int = 0, record: int = LARGEST) -> None:
        """Read the calls after the id `call`, and those of spans that ended after the id `record`."""
        values: dict[str, Any] = {**encode_parameters({"agents": self._agents}), "call": call, "record": record}
        for agent, *columns in self._connection.execute(read_query("read_agents_again"), values):
            _merge(self._described.setdefault(agent, start_description()), *columns)

    def write(self) -> None:
        """Describe the agents by the calls that were read."""
        agents = [[agent, *columns] for agent, columns in self._described.items()]
        run_script(self._connection, "describe_agents", agents=agents)


def describe_by_all_calls(connection: sqlite3.Connection, agents: Collection[int]) -> None:
    """Describe these agents (keys of `_agents`) by all calls that they have."""
    if agents:
        calls = AllCalls(connection, agents)
        calls.read()
        calls.write()


def _merge(
    described: list[Any], first: int, last: int, agent_id: str | None, version: str | None, resource: str
) -> None:
    own = {"gen_ai.agent.id": _load(agent_id), "gen_ai.agent.version": _load(version)}
    merge_description(described, orjson.loads(resource), own, first, last)


def _load(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)
