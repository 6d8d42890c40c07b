# SPDX-License-Identifier: Apache-2.0
"""What the model calls and tool executions of each span of a skeleton are, in short. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from otel_sqlite_exporter.query.skeletons.trace_skeleton import TraceSkeleton


class RecordedSums(NamedTuple):
    """The calls and tools of one span: the model or the tool, the first call, and sums of those that count.

    Attributes:
        calls: Their number. An agent that tells its own usage is none.
        unpriced: Those that have no price, or only a part of one.
    """

    title: str
    tokens: int | None
    cost_usd: float | None
    call: int | None
    calls: int = 0
    unpriced: int = 0

    def add(self, other: RecordedSums) -> RecordedSums:
        """Return this with what another has; the title and the call stay."""
        return self._replace(
            tokens=_add(self.tokens, other.tokens),
            cost_usd=_add(self.cost_usd, other.cost_usd),
            calls=self.calls + other.calls,
            unpriced=self.unpriced + other.unpriced,
        )


NOTHING = RecordedSums("", None, None, None)


def sum_records(skeleton: TraceSkeleton) -> Mapping[int, RecordedSums]:
    """Return what each span recorded, by its position. Calls that sum up others that count are left out."""
    calls, tools, texts = skeleton.llm_interactions, skeleton.tool_interactions, skeleton.texts
    found: dict[int, RecordedSums] = {}
    names = ("span", "id", "model", "is_aggregate", "counted", "total_tokens", "cost_usd", "is_unpriced")
    rows = zip(*(calls[name] for name in names), strict=True)
    for at, id, model, is_aggregate, counted, tokens, cost, unpriced in rows:
        if at is None or (is_aggregate and not counted):
            continue
        before = found.get(at, NOTHING)
        title = before.title or texts["llm_model"][model] or ""
        own = RecordedSums(title, tokens, cost, id, int(not is_aggregate), unpriced) if counted else NOTHING
        found[at] = before._replace(title=title, call=before.call or id).add(own)
    for at, name in zip(tools["span"], tools["tool_name"], strict=True):
        if at is not None and at not in found:
            found[at] = RecordedSums(texts["tool_name"][name] or "", None, None, None)
    return found


def _add(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b
