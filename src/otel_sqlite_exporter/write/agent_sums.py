# SPDX-License-Identifier: Apache-2.0
"""What the model calls of one batch add to their agents. Triggers in the file follow what changes later."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import orjson

from otel_sqlite_exporter.model.rows import LLMInteractionRow, ResourceRow
from otel_sqlite_exporter.write.statements import run_script

# Of one row, so that no sum is too large for an integer; the triggers have the same.
_MOST_TOKENS = 2**40
_NAME, _ID, _VERSION = "gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.agent.version"
_MARKS = (f'"{_ID}"', f'"{_VERSION}"')


class AgentBatch:
    """What one batch tells of agents, by service and agent name."""

    def __init__(self) -> None:
        # Name of the resource, id, version; first and last seen.
        self._seen: dict[tuple[str, str], list[Any]] = {}
        # Rows, calls, rows with usage, input, output and total tokens.
        self._sums: dict[tuple[str, str], list[int]] = {}
        self._parts: Counter[tuple[str, str, int]] = Counter()
        self._resources: dict[str, dict[str, Any]] = {}

    def see(self, llm: LLMInteractionRow, resource: ResourceRow, start: int, end: int, attributes: str) -> None:
        """Let a call tell who its agent is, and when it was seen; so does every version of a span that came, also one
        that is not kept, as it could not be taken back. `attributes` are those of the span or log record."""
        key = (resource.service_name, llm.agent_name or "")
        described = self._resources.get(resource.digest)
        if described is None:
            described = self._resources[resource.digest] = orjson.loads(resource.attributes)
        version = described.get(_VERSION) or described.get("service.version")
        named = [described.get(_NAME), described.get(_ID), version]
        if any(mark in attributes for mark in _MARKS):
            own = orjson.loads(attributes)
            named[1:] = own.get(_ID) or named[1], own.get(_VERSION) or named[2]
        texts = [None if value is None else str(value) for value in named]
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = [*texts, start, end]
            return
        for place, text in enumerate(texts):
            if text is not None and (seen[place] is None or text > seen[place]):
                seen[place] = text
        seen[3], seen[4] = min(seen[3], start), max(seen[4], end)

    def count(self, llm: LLMInteractionRow, resource: ResourceRow, trace_session: int) -> None:
        """Add a row that is written, as it is then."""
        key = (resource.service_name, llm.agent_name or "")
        sums = self._sums.setdefault(key, [0] * 6)
        sums[0] += 1
        self._parts[key[0], key[1], trace_session] += 1
        if llm.is_hidden:
            return
        usage = (llm.input_tokens, llm.output_tokens, llm.total_tokens)
        sums[1] += not llm.is_aggregate
        sums[2] += usage != (None, None, None)
        for place, tokens in enumerate(usage, 3):
            sums[place] += min(tokens or 0, _MOST_TOKENS)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all; to be called before the rows are written, as what that changes is followed by triggers."""
        if self._seen:
            none = [0] * 6
            agents = [[*key, *seen, *self._sums.get(key, none)] for key, seen in self._seen.items()]
            parts = [[*key, rows] for key, rows in self._parts.items()]
            run_script(connection, "add_to_agents", agents=agents, parts=parts)
