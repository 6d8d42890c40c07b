# SPDX-License-Identifier: Apache-2.0
"""How providers are spelled: what OpenTelemetry calls whatever a dialect recorded. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import orjson

from otel_sqlite_exporter.model.dialect import Dialect

VOCABULARY: dict[str, Any] = orjson.loads(files(__package__).joinpath("vocabulary.json").read_bytes())
"""The words of OpenTelemetry that all dialects are brought to: operations, and providers with their other names."""
_ALIASES: dict[str, str] = {
    alias: name for name, aliases in VOCABULARY["providers"].items() for alias in (name, *aliases)
}
_FRAMEWORKS = frozenset(VOCABULARY["frameworks"])
_MOST_PROVIDERS = 1_000


class Providers(dict[str, str | None]):
    """From what is recorded as a provider to how OpenTelemetry spells it; None for what is a framework."""

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
            # Of `openai.responses` the first word is the provider, of `gcp.vertex_ai` it is not.
            known = next((part for part in _shorten(name) if part in _ALIASES), None)
            found = recorded if known is None else _ALIASES[known]
        if len(self) < _MOST_PROVIDERS:
            self[recorded] = found
        return found


def _shorten(name: str) -> Iterable[str]:
    """Yield the name, then without its last word, and so on: `a.b.c`, `a.b`, `a`."""
    while name:
        yield name
        name = name.rpartition(".")[0]
