# SPDX-License-Identifier: Apache-2.0
"""What the model calls and tool executions of each span of a skeleton are, in short. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton


class RecordedSums(NamedTuple):
    """The calls and tools of one span: the model or the tool, sums over the calls that count, and the first call."""

    title: str
    tokens: int | None
    cost_usd: float | None
    call: int | None


NOTHING = RecordedSums("", None, None, None)


def sum_records(skeleton: TraceSkeleton) -> Mapping[int, RecordedSums]:
    """Return what each span recorded, by its position. Calls that sum up others are left out."""
    calls, tools, texts = skeleton.llm_interactions, skeleton.tool_interactions, skeleton.texts
    found: dict[int, RecordedSums] = {}
    names = ("span", "id", "model", "is_aggregate", "counted", "total_tokens", "cost_usd")
    for at, id, model, is_aggregate, counted, tokens, cost in zip(*(calls[name] for name in names), strict=True):
        if at is None or is_aggregate:
            continue
        before = found.get(at, NOTHING)
        title = before.title or texts["llm_model"][model] or ""
        own = (tokens, cost) if counted else (None, None)
        found[at] = RecordedSums(title, _add(before.tokens, own[0]), _add(before.cost_usd, own[1]), before.call or id)
    for at, name in zip(tools["span"], tools["tool_name"], strict=True):
        if at is not None and at not in found:
            found[at] = RecordedSums(texts["tool_name"][name] or "", None, None, None)
    return found


def _add(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b
