# SPDX-License-Identifier: Apache-2.0
"""An id that very many calls of one time name tells nothing of one call: none of them pairs by it, and a call costs the
same however many there are. Work is counted, never timed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read
from tests.integration.test_deep_traces import count_calls

_START = 1_795_000_000_000_000_000
_MOST = 16
_STEP = 1 << 36  # of the time in a response key
_CALLS = "SELECT count(*), sum(input_tokens), count(user_id) FROM complete_llm_interactions WHERE counted"
_SHOWN = "SELECT name, counted, response_id, user_id, duration_ms FROM complete_llm_interactions ORDER BY 1"
_ROWS = "SELECT id, twin, own_facts, is_repeat FROM _llm_interactions ORDER BY 1"


def _make(
    trace: int, response: str, *, start: int = 0, end: int = 1_000_000_000, more: dict[str, Any] | None = None
) -> ReadableSpan:
    usage = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "gen_ai.response.id": response}
    return ReadableSpan(
        name=f"call {trace}",
        context=SpanContext(trace, trace, False, TraceFlags(1)),
        attributes=attributes | usage | (more or {}),
        start_time=_START // _STEP * _STEP + start,
        end_time=_START // _STEP * _STEP + end,
    )


def _export(path: Path, batches: Iterable[Iterable[ReadableSpan]]) -> None:
    with exporting(path) as exporter:
        for batch in batches:
            assert exporter.export(list(batch)).name == "SUCCESS"


@pytest.mark.parametrize(("records", "calls"), [(2, 1), (_MOST, 1), (_MOST + 1, _MOST + 1)])
def test_an_id_of_too_many_calls_tells_nothing(path: Path, records: int, calls: int) -> None:
    _export(path, ([_make(trace, "one")] for trace in range(1, records + 1)))
    assert read(path, _CALLS) == [(calls, 7 * calls, 0)]


def test_a_call_that_names_another_id_in_the_end_leaves_the_others_as_they_would_be(path: Path) -> None:
    _export(path, ([_make(trace, "one")] for trace in range(1, _MOST + 2)))
    _export(path, [[_make(1, "other", end=1_000_000_001)]])
    assert read(path, _CALLS) == [(2, 14, 0)]


def _many(chance: random.Random) -> list[ReadableSpan]:
    """About as many calls of one id as may be, also in the time after, and some in two versions."""
    spans = []
    for trace in range(1, _MOST + chance.randrange(1, 7)):
        start = chance.choice([0, 0, 0, 5, _STEP - 5])
        more = {"user.id": "ada"} if chance.random() < 0.2 else {}
        response = "one" if chance.random() < 0.95 else "two"
        spans.append(_make(trace, response, start=start, end=start + 10, more=more))
        if chance.random() < 0.2:
            spans.append(_make(trace, chance.choice(["one", "two"]), start=start, end=start + 20, more=more))
    return spans


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_split_gives_the_same_calls(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    spans = _many(chance)
    other = spans + chance.choices(spans, k=3)
    chance.shuffle(other)
    _export(tmp_path / "one.db", [spans])
    _export(tmp_path / "other.db", (other[place : place + 3] for place in range(0, len(other), 3)))
    assert read(tmp_path / "one.db", _SHOWN) == read(tmp_path / "other.db", _SHOWN)
    before = read(tmp_path / "other.db", _ROWS)
    reindex(resolve_settings(tmp_path / "other.db"))
    assert read(tmp_path / "other.db", _ROWS) == before


def test_calls_that_are_sent_again_under_new_trace_ids_cost_the_same(path: Path) -> None:
    work = []
    with exporting(path) as exporter:
        for turn in range(60):
            batch = [_make(turn * 100 + number, f"response {number}") for number in range(1, 21)]
            work.append(count_calls(lambda batch=batch: exporter.export(batch)))  # type: ignore[misc]
    assert max(work[-20:]) < 1.1 * min(work[-40:-20])
