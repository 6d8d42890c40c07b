# SPDX-License-Identifier: Apache-2.0
"""A later version of a span may begin or cease to be a tool, a model call, or anything: the spans around it and inside
it show the same executions as if the last version alone had come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from tests.conftest import exporting, read

_T, _SECOND = 1_795_000_000_000_000_000, 10**9
_TOOL = {"gen_ai.operation.name": "execute_tool"}
_KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "call": {"gen_ai.operation.name": "chat"},
    "tool": {**_TOOL, "gen_ai.tool.name": "add", "gen_ai.tool.call.arguments": '{"n":1}'},
    "nameless tool that failed": _TOOL,
}
_ROWS = """
    SELECT trace_id, span_id, tool_name, arguments, status, counted FROM complete_tool_interactions
    ORDER BY trace_id, span_id"""


def _make_span(
    trace: int, depth: int, kind: str, version: int | None, start: Mapping[str, Any] | None = None
) -> ReadableSpan:
    """The span at a depth of a chain, each inside the one before. `version` None: it has not ended. `start` are
    attributes that it had then."""
    contexts = [SpanContext(trace, number, False, TraceFlags(1)) for number in (depth, depth + 1)]
    return ReadableSpan(
        name=f"depth {depth}",
        context=contexts[1],
        parent=contexts[0] if depth else None,
        resource=Resource({"service.name": "app"}),
        attributes={**(start or {}), **_KINDS[kind]},
        status=Status(StatusCode.ERROR if kind.endswith("failed") else StatusCode.UNSET),
        start_time=_T + depth * _SECOND,
        end_time=None if version is None else _T + (30 - 2 * depth + version) * _SECOND,
    )


def _show(path: Path, batches: Sequence[Sequence[ReadableSpan]]) -> list[tuple[Any, ...]]:
    with exporting(path) as exporter:
        for batch in batches:
            is_open = any(span.end_time is None for span in batch)
            assert (exporter.export_open if is_open else exporter.export)(batch).name == "SUCCESS"
    return read(path, _ROWS)


@pytest.mark.parametrize("depth", range(3))
@pytest.mark.parametrize("is_open", [True, False])
def test_a_version_of_another_kind_leaves_nothing_of_the_one_before(tmp_path: Path, depth: int, is_open: bool) -> None:
    """One trace for each choice of what the spans of a chain are, and of what the first version of one of them was."""
    first: list[ReadableSpan] = []
    last, others, alone = first.copy(), first.copy(), first.copy()
    for trace, (was, *chain) in enumerate(product(_KINDS, repeat=4), 1):
        first.append(_make_span(trace, depth, was, None if is_open else 0))
        for place, kind in enumerate(chain):
            (last if place == depth else others).append(_make_span(trace, place, kind, 1))
        alone.append(_make_span(trace, depth, chain[depth], 1, _KINDS[was] if is_open else None))
    expected = _show(tmp_path / "alone.db", [[*others, *alone]])
    assert len({row[2:] for row in expected}) >= 3
    for number, batches in enumerate(([others, first, last], [first, others, last], [last, first, others])):
        shown = _show(tmp_path / f"{number}.db", batches)
        assert [pair for pair in zip(expected, shown, strict=False) if pair[0] != pair[1]][:3] == []
        assert len(shown) == len(expected)
