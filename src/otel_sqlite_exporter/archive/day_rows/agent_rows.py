# SPDX-License-Identifier: Apache-2.0
"""What the calls of a day's traces say of their agents, as rows of a dataset."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.archive.dataset_format.dataset_tables import AGENTS
from otel_sqlite_exporter.archive.dataset_format.part_files import make_batch
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.write.sums import merge_description, start_description

_ID, _VERSION = "gen_ai.agent.id", "gen_ai.agent.version"
_COUNTS = 4
"""The numbers before those of tokens, which come as their upper and their lower 32 bits."""


class _AgentOfTrace(NamedTuple):
    service_name: str
    agent_name: str
    trace_id: str
    session_id: str


def read_agents(
    connection: sqlite3.Connection,
    since_unix_nano: int,
    until_unix_nano: int,
    traces: Collection[str] | None = None,
) -> Iterator[Any]:
    """Yield record batches of the table agents: of the traces that start in a range of time (or of those of `traces`
    alone), and of log records without a trace."""
    values = {
        "since": since_unix_nano,
        "until": until_unix_nano,
        "traces": None if traces is None else orjson.dumps([*traces]).decode(),
    }
    described: dict[_AgentOfTrace, list[Any]] = {}
    sums: dict[_AgentOfTrace, list[int]] = {}
    for trace_id, session_id, service, agent, first, last, *columns in connection.execute(
        read_query("archive_agents"), values
    ):
        agent_id, version, resource, *numbers = columns
        key = _AgentOfTrace(service, agent, trace_id, session_id or "")
        own = {_ID: _load(agent_id), _VERSION: _load(version)}
        merge_description(described.setdefault(key, start_description()), orjson.loads(resource), own, first, last)
        before = sums.get(key, [0] * len(numbers))
        sums[key] = [one + more for one, more in zip(before, numbers, strict=True)]
    if described:
        yield make_batch(AGENTS, [_make_row(key, described[key], sums[key]) for key in sorted(described)])


def _make_row(key: _AgentOfTrace, described: list[Any], numbers: list[int]) -> tuple[Any, ...]:
    named, agent_id, version, first, last = described
    high, low = numbers[_COUNTS::2], numbers[_COUNTS + 1 :: 2]
    tokens = [min((upper << 32) + lower, LARGEST) for upper, lower in zip(high, low, strict=True)]
    names = (key.trace_id, key.session_id or None, key.service_name, key.agent_name or None)
    return *names, named, agent_id, version, first, last, *numbers[:_COUNTS], *tokens


def _load(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)
