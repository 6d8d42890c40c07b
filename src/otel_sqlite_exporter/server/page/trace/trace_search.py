# SPDX-License-Identifier: Apache-2.0
"""Finds spans of a trace by a text: in their names, ids and services, and the models and tools that they recorded. The
same rule is in `waterfall.js`, which searches without asking the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton


def find_matches(skeleton: TraceSkeleton, text: str) -> list[int]:
    """Return the positions of the spans that have `text` in one of these, in any case; all begin of an id match."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    spans = skeleton.spans
    names, services = (_find_texts(skeleton.texts[column], wanted) for column in ("name", "service"))
    told: set[int] = set()
    for records, column, texts in (
        (skeleton.llm_interactions, "model", "llm_model"),
        (skeleton.tool_interactions, "tool_name", "tool_name"),
    ):
        found = _find_texts(skeleton.texts[texts], wanted)
        told |= {span for span, value in zip(records["span"], records[column], strict=True) if value in found}
    return [
        at
        for at, (name, service, span_id) in enumerate(
            zip(spans["name"], spans["service"], spans["span_id"], strict=True)
        )
        if name in names or service in services or at in told or span_id.startswith(wanted)
    ]


def _find_texts(texts: Sequence[Any], wanted: str) -> set[int]:
    return {number for number, text in enumerate(texts) if text is not None and wanted in str(text).lower()}
