# SPDX-License-Identifier: Apache-2.0
"""Knows by their names the span events and log records that tell of calls, tools or agents. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from otel_sqlite_exporter.genai.event_content import MESSAGE_RECORDS
from otel_sqlite_exporter.genai.rules import load_rules
from otel_sqlite_exporter.model.dialect import Dialect
from otel_sqlite_exporter.redact.content_names import CONTENT_RECORDS


class TellingNames:
    """The names that these dialects know, and all names that begin as one that a shipped dialect knows: a package that
    writes `codex.sse_event` also writes `codex.user_prompt`. Thread-safe."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        known = MESSAGE_RECORDS | CONTENT_RECORDS
        self._names = known.union(*map(_find_names, dialects))
        shipped = known.union(*map(_find_names, load_rules().dialects))
        self._families = tuple({f"{name.partition('.')[0]}." for name in shipped if "." in name})

    def know(self, name: str) -> bool:
        """Whether a dialect, or content, knows a record of exactly this name."""
        return name in self._names

    def tell(self, names: Collection[str]) -> bool:
        """Whether a record of these names tells of a call, a tool or an agent."""
        return any(name in self._names or name.startswith(self._families) for name in names)


def _find_names(dialect: Dialect) -> Iterator[str]:
    yield from dialect.records
    yield from dialect.events
    yield from dialect.first_token_events
