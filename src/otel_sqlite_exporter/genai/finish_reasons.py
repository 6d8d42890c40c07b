# SPDX-License-Identifier: Apache-2.0
"""The reasons why a model ended its answer, by the names of OpenTelemetry's GenAI messages schema. Pure."""

from __future__ import annotations

import re

from otel_sqlite_exporter.genai.providers import VOCABULARY

_OTHERS = re.compile("[^a-z]")


def _squash(reason: str) -> str:
    """Return the letters of a reason alone: `tool-calls`, `TOOL_CALLS` and `FinishReason.TOOL_CALLS` are one."""
    return _OTHERS.sub("", reason.rpartition(".")[2].lower())


REASONS = frozenset(VOCABULARY["finish_reasons"])
"""The names of OpenTelemetry."""
_NAMES: dict[str, str] = {
    _squash(reason): name for name, others in VOCABULARY["finish_reasons"].items() for reason in (name, *others)
}
_EXACT: dict[str, str] = {
    reason: name for name, others in VOCABULARY["finish_reasons"].items() for reason in (name, *others)
}


def name_reason(reason: str) -> str:
    """Return OpenTelemetry's name of a reason: `stop`, `length`, `content_filter`, `tool_call` or `error`. A reason
    that has none stays as it is."""
    return _EXACT.get(reason) or _NAMES.get(_squash(reason), reason)
