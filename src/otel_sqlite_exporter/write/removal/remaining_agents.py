# SPDX-License-Identifier: Apache-2.0
"""What describes agents that lost calls, from the calls that they still have. Triggers follow their sums."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

import orjson

from otel_sqlite_exporter.write.statements import read_json, run_query, run_script
from otel_sqlite_exporter.write.sums import merge_description, start_description


def describe_again(connection: sqlite3.Connection, agents: Collection[int]) -> None:
    """Describe these agents (keys of `_agents`), which lost calls, by those that they still have; remove those that
    have none."""
    if not agents:
        return
    described: dict[int, list[Any]] = {}
    for agent, first, last, agent_id, version, resource in run_query(connection, "read_agents_again", agents=agents):
        own = {"gen_ai.agent.id": _load(agent_id), "gen_ai.agent.version": _load(version)}
        merge_description(described.setdefault(agent, start_description()), orjson.loads(resource), own, first, last)
    run_script(
        connection, "describe_agents", agents=[[agent, *columns] for agent, columns in described.items()], lost=agents
    )


def find_agents(connection: sqlite3.Connection, spans: Collection[int], logs: Collection[int]) -> Collection[int]:
    """Return the agents (keys of `_agents`) of the calls that these rows of `_spans` and `_logs` hold."""
    (agents,) = read_json(connection, "find_agents_of_records", spans=spans, logs=logs)
    found: Collection[int] = agents
    return found


def _load(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)
