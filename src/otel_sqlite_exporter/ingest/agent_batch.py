# SPDX-License-Identifier: Apache-2.0
"""What the model calls of one batch add to their agents. Triggers in the file follow what changes later."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import orjson

from otel_sqlite_exporter.ingest.rows import LLMInteractionRow
from otel_sqlite_exporter.ingest.statements import run_script

# Of one row, so that no sum is too large for an integer; the triggers have the same.
_MOST_TOKENS = 2**40
_MARKS = ('"gen_ai.agent.id"', '"gen_ai.agent.version"')


class AgentBatch:
    """The sums of one batch, by resource and agent name."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], list[Any]] = {}
        self._parts: Counter[tuple[int, str, int]] = Counter()

    def add(
        self, llm: LLMInteractionRow, resource: int, trace_session: int, start: int, end: int, attributes: str
    ) -> None:
        """Add a model call, or what an agent reports, as it is written: `attributes` are those of its record."""
        key = (resource, llm.agent_name or "")
        id, version = _find_identity(attributes)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = [id, version, start, end, 0, 0, 0, 0, 0]
        else:
            sums[0] = max(filter(None, (sums[0], id)), default=None)
            sums[1] = max(filter(None, (sums[1], version)), default=None)
            sums[2], sums[3] = min(sums[2], start), max(sums[3], end)
        self._parts[resource, key[1], trace_session] += 1
        if llm.is_hidden:
            return
        usage = (llm.input_tokens, llm.output_tokens, llm.total_tokens)
        sums[4] += not llm.is_aggregate
        sums[5] += usage != (None, None, None)
        for place, tokens in enumerate(usage, 6):
            sums[place] += min(tokens or 0, _MOST_TOKENS)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add the sums; to be called before the rows are written, as what that changes is followed by triggers."""
        if self._sums:
            agents = [[*key, *sums] for key, sums in self._sums.items()]
            run_script(connection, "add_to_agents", agents=agents, parts=[[*key, n] for key, n in self._parts.items()])


def _find_identity(attributes: str) -> tuple[str | None, str | None]:
    """Return the id and the version of an agent that attributes name; most name neither."""
    if not any(mark in attributes for mark in _MARKS):
        return None, None
    known = orjson.loads(attributes)
    id, version = known.get("gen_ai.agent.id"), known.get("gen_ai.agent.version")
    return (str(id) if id is not None else None, str(version) if version is not None else None)
