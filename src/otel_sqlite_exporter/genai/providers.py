# SPDX-License-Identifier: Apache-2.0
"""Maps recorded provider names to OpenTelemetry's. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import orjson

from otel_sqlite_exporter.model.dialect import Dialect

VOCABULARY: dict[str, Any] = orjson.loads(files(__package__).joinpath("vocabulary.json").read_bytes())
"""OpenTelemetry's names of operations and providers, with other names of the providers."""
_ALIASES: dict[str, str] = {
    alias: name for name, aliases in VOCABULARY["providers"].items() for alias in (name, *aliases)
}
_FRAMEWORKS = frozenset(VOCABULARY["frameworks"])
_MOST_PROVIDERS = 1_000


class Providers(dict[str, str | None]):
    """Maps a recorded provider to OpenTelemetry's name for it; a framework maps to None."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._named = {name.lower(): provider for dialect in dialects for name, provider in dialect.providers.items()}

    def __missing__(self, recorded: str) -> str | None:  # noqa: D105
        name = recorded.lower()
        found: str | None = recorded
        if name in self._named:
            found = self._named[name]
        elif name in _FRAMEWORKS:
            found = None
        else:
            # In `openai.responses` the first word is the provider, in `gcp.vertex_ai` it is not.
            alias = next((part for part in _shorten(name) if part in _ALIASES), None)
            found = recorded if alias is None else _ALIASES[alias]
        if len(self) < _MOST_PROVIDERS:
            self[recorded] = found
        return found


def _shorten(name: str) -> Iterable[str]:
    """Yield `a.b.c`, `a.b`, `a`: the name, and then without its last word each time."""
    while name:
        yield name
        name = name.rpartition(".")[0]
