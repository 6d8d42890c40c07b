# SPDX-License-Identifier: Apache-2.0
"""Spans, their events and log records that report the same calls give the same views in any order, split and
repetition of the spans, also where a late record names another session; `reindex` finds nothing to change in the file.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.mixed_records import Record, export_batches, make_log, make_span, mixed_records, read_views

_USAGE = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 4}
_CHAT, _AGENT, _TOOL = ({"gen_ai.operation.name": name} for name in ("chat", "invoke_agent", "execute_tool"))
_MODEL = {"gen_ai.request.model": "m"}
_CALLED = {"gen_ai.tool.call.id": "call_1"}
_RESULT = '{"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": 3}]}'
_ANSWERED = {"gen_ai.input.messages": f"[{_RESULT}]"}
_WEAK, _STRONG = "gen_ai.conversation.id", "session.id"
_FAMILIES: dict[str, list[Record]] = {
    "a trace leaves the session of an agent": [
        make_span(1, 1, (0, 9), {**_AGENT, **_USAGE, _STRONG: "x"}),
        make_span(2, 2, (2, 3), {**_CHAT, **_USAGE}, 4),
        make_span(2, 3, (1, 4), {_WEAK: "x"}, 4),
        make_span(2, 4, (1, 5), {_STRONG: "z"}),
    ],
    "a trace comes to the session of an agent": [
        make_span(1, 1, (0, 9), {**_AGENT, **_USAGE, _WEAK: "x"}),
        make_span(2, 2, (2, 3), {**_CHAT, **_USAGE, _WEAK: "z"}, 3),
        make_span(2, 3, (1, 5), {_STRONG: "x"}),
    ],
    "an agent leaves a session": [
        make_span(1, 1, (0, 9), {**_AGENT, **_USAGE, _WEAK: "x"}, 2),
        make_span(1, 2, (0, 10), {_STRONG: "z"}),
        make_span(2, 3, (2, 3), {**_CHAT, **_USAGE, _STRONG: "x"}),
    ],
    "a call of another service": [
        make_span(1, 1, (0, 9), {**_AGENT, **_USAGE, _STRONG: "x"}),
        make_span(2, 2, (2, 3), {**_CHAT, **_USAGE, _STRONG: "x"}, resource=Resource({"service.name": "other"})),
    ],
    "a resource names the session that a trace leaves": [
        make_span(1, 1, (0, 9), {**_AGENT, **_USAGE, _STRONG: "x"}),
        make_span(2, 2, (2, 3), {**_CHAT, **_USAGE}, 3, resource=Resource({_STRONG: "x"})),
        make_span(2, 3, (1, 5), {_STRONG: "z"}),
    ],
    "a tool of two sessions": [
        make_span(1, 1, (0, 2), {**_TOOL, _WEAK: "x"}),
        make_span(1, 2, (3, 9), {**_TOOL, **_CALLED, _WEAK: "z"}, 1),
        make_span(2, 3, (5, 6), {**_CHAT, **_ANSWERED, _WEAK: "x"}),
    ],
    "a result leaves the session of its tool": [
        make_span(1, 1, (0, 2), {**_TOOL, **_CALLED, _STRONG: "x"}),
        make_span(2, 2, (5, 6), {**_CHAT, **_ANSWERED, _WEAK: "x"}, 3),
        make_span(2, 3, (4, 7), {_STRONG: "z"}),
    ],
    "a call below both sides of another": [
        make_span(1, 1, (0, 5), _CHAT),
        make_span(1, 1, (1, 4), {**_CHAT, **_USAGE}, kind=SpanKind.SERVER),
        make_span(1, 2, (2, 3), _CHAT, 1),
    ],
    "records of a call at one time": [
        make_span(1, 1, (1, 3), {**_CHAT, "gen_ai.response.id": "r", "gen_ai.usage.output_tokens": 4}),
        make_span(2, 1, (1, 3), {**_CHAT, "gen_ai.response.id": "r", "gen_ai.usage.output_tokens": 2}),
    ],
    "two log records that fit a call alike": [
        make_span(1, 1, (0, 5), _MODEL),
        make_log(1 * 10**9, _MODEL, name="claude_code.api_request"),
        make_log(3 * 10**9, _MODEL, name="claude_code.api_request"),
    ],
}


@pytest.mark.parametrize("records", _FAMILIES.values(), ids=_FAMILIES.keys())
def test_a_late_name_changes_what_it_changes_in_one_export(records: list[Record]) -> None:
    whole = _contents([[records]])
    for last in range(len(records)):
        early = [*records[last + 1 :], *records[:last]]
        assert _contents([[early, [records[last]]]]) == whole


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(records=mixed_records(), seed=st.integers(0, 2**32))
def test_records_give_the_same_views_in_any_order(records: list[Record], seed: int) -> None:
    chance = random.Random(seed)
    assert _contents([_shuffle(records, chance)]) == _contents([[[record] for record in records]])


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(records=mixed_records(), seed=st.integers(0, 2**32))
def test_several_writers_at_once_give_the_same_views(records: list[Record], seed: int) -> None:
    chance = random.Random(seed)
    batches = _shuffle(records, chance)
    assert _contents([batches[0::3], batches[1::3], batches[2::3]]) == _contents([[records]])


def _shuffle(records: Sequence[Record], chance: random.Random) -> list[list[Record]]:
    """The records in batches, in another order; some of the spans twice."""
    spans = [record for record in records if isinstance(record, ReadableSpan)]
    other = [*records, *chance.choices(spans, k=chance.randrange(3))]
    chance.shuffle(other)
    batches: list[list[Record]] = [[]]
    for record in other:
        if batches[-1] and chance.random() < 0.5:
            batches.append([])
        batches[-1].append(record)
    return batches


def _contents(writers: Sequence[Sequence[Sequence[Record]]]) -> dict[str, list[str]]:
    """The views of a file that threads wrote, each its batches through exporters of its own; also as `reindex` leaves
    them."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        with ThreadPoolExecutor(len(writers)) as threads:
            list(threads.map(partial(export_batches, path), writers))
        before = read_views(path)
        result = reindex(resolve_settings(path))
        assert (result.changed_spans, result.changed_logs, result.recounted_calls) == (0, 0, 0)
        assert read_views(path) == before
        return before
