# SPDX-License-Identifier: Apache-2.0
"""The conversations and the agents of all spans of a trace at once, as the views have them.

The views go up from each span on its own: in a chain of 50,000 spans they would look at 50 million.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Mapping

from otel_sqlite_exporter.sql.texts import read_query

_FARTHEST = 1_000
"""The spans up to the one that names a conversation or an agent: the limit of the views `_span_conversations` and
`_agent_names`."""


def read_conversations(connection: sqlite3.Connection, trace_id: str) -> Mapping[int, str]:
    """Return, by the key of the span, the conversation that it names, or else the nearest span above it does."""
    return _read_nearest(connection, "find_named_conversations", trace_id)


def read_agents(connection: sqlite3.Connection, trace_id: str) -> Mapping[int, str]:
    """Return, by the key of the span, the agent that its call names, or else that of the nearest span above it does."""
    return _read_nearest(connection, "find_named_agents", trace_id)


def _read_nearest(connection: sqlite3.Connection, query: str, trace_id: str) -> Mapping[int, str]:
    found: dict[int, str] = {}
    parents: list[tuple[int, str]] = []
    below: dict[str, list[str]] = {}
    nearest: dict[str, tuple[str, int]] = {}
    rows = connection.execute(read_query(query), {"trace_id": trace_id})
    for key, span_id, parent_id, _, named in rows:
        if named is not None:
            found[key] = named
            nearest.setdefault(span_id, (named, 0))
        elif parent_id is not None:
            parents.append((key, parent_id))
            below.setdefault(parent_id, []).append(span_id)
    waiting = deque(nearest)
    while waiting:  # those that name one, then the spans below them, then those below these
        above = waiting.popleft()
        named, distance = nearest[above]
        for span_id in below.get(above, ()):
            if span_id not in nearest:
                nearest[span_id] = named, distance + 1
                waiting.append(span_id)
    for key, parent_id in parents:
        named, distance = nearest.get(parent_id, ("", _FARTHEST))
        if distance < _FARTHEST:
            found[key] = named
    return found
