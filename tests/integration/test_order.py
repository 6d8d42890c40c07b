# SPDX-License-Identifier: Apache-2.0
"""The same spans give the same file contents for any order, split into batches, and repetition; also when some of them
were written before they had ended."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.file_checks import check_links
from tests.new_files import put_new_file

pytestmark = pytest.mark.core

_VIEWS = (
    "agents",
    "spans",
    "events",
    "links",
    "traces",
    "sessions",
    "complete_llm_interactions",
    "complete_tool_interactions",
    "agent_tree",
    "session_conflicts",
    "link_health",
)
_RESOURCES = (Resource({"service.name": "one"}), Resource({"service.name": "two", "session.id": "of the resource"}))
_WINDOW_MS = 20
_ENDS = ("end_time_unix_nano", "end_time", "response_timestamp", "duration_ms")
# Coarse times, so that ties, overlaps and gaps beyond the window are all common.
_times = st.integers(1, 12).map(lambda step: 1_795_000_000_000_000_000 + step * 7_000_000)
_attributes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "session.id": st.sampled_from(["A", "B", "", 7]),
        "gen_ai.conversation.id": st.sampled_from(["A", "C"]),
        "user.id": st.sampled_from(["ada", "bob"]),
        "gen_ai.operation.name": st.sampled_from(["chat", "invoke_agent", "execute_tool", "embeddings"]),
        "gen_ai.usage.input_tokens": st.integers(0, 50),
        "and": st.none(),
        "gen_ai.response.id": st.sampled_from(["one", "two"]),
        "gen_ai.tool.name": st.sampled_from(["add", "search"]),
    },
)
_events = st.lists(
    st.tuples(st.sampled_from(["call.start", "call.finish", "call.error", "tool.start", "tool.end", "note"]), _times),
    max_size=4,
)


@st.composite
def span_versions(draw: st.DrawFn) -> list[ReadableSpan]:
    spans: list[ReadableSpan] = []
    for number in range(draw(st.integers(1, 9))):
        trace = draw(st.integers(1, 3))
        times = sorted([draw(_times), draw(_times)])
        versions = draw(st.integers(1, 4)) == 1  # some spans exist in two versions, as after a fork
        common: dict[str, Any] = {
            "name": f"span {number}",
            "context": _context(trace, number + 1),
            "parent": draw(st.sampled_from([None, *map(partial(_context, trace), (1, 2, 3, 5)), _REMOTE[trace]])),
            "resource": draw(st.sampled_from(_RESOURCES)),
            "kind": draw(st.sampled_from([SpanKind.CLIENT, SpanKind.SERVER])),
            "start_time": times[0],
        }
        sides = {span.kind for span in spans if span.context is spans[0].context}
        if draw(st.integers(1, 3)) == 1 and spans and common["kind"] not in sides:
            common["context"] = spans[0].context  # both sides of one call, as Zipkin has them
        for later in range(2 if versions else 1):
            spans.append(
                ReadableSpan(
                    **common,
                    attributes=draw(_attributes),
                    events=[Event(name, {"n": number}, time) for name, time in draw(_events)],
                    status=draw(st.sampled_from([Status(StatusCode.UNSET), Status(StatusCode.ERROR)])),
                    end_time=times[1] + draw(st.integers(0, 1)) * later * 5_000_000,
                )
            )
        if not versions and draw(st.booleans()):
            spans.append(_open_version(draw, spans[-1]))
            if draw(st.integers(1, 4)) == 1:
                del spans[-2]  # it has not ended yet
    return spans


def _open_version(draw: st.DrawFn, span: ReadableSpan) -> ReadableSpan:
    """The span as it was before it ended; some attributes are of then alone, or were of another value."""
    assert span.attributes is not None
    attributes = {key: value for key, value in span.attributes.items() if draw(st.booleans())}
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        kind=span.kind,
        start_time=span.start_time,
        attributes=attributes | draw(st.one_of(st.just({"gone/later": float("inf"), "and": "this"}), _attributes)),
        events=[event for event in span.events if draw(st.booleans())],
        status=draw(st.sampled_from([Status(StatusCode.UNSET), Status(StatusCode.ERROR)])),
    )


def _context(trace: int, span: int, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(trace, span, is_remote, TraceFlags(1))


_REMOTE = {trace: _context(trace, 99, is_remote=True) for trace in (1, 2, 3)}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(spans=span_versions(), seed=st.integers(0, 2**32))
def test_order_split_and_repetition_do_not_change_any_view(spans: list[ReadableSpan], seed: int) -> None:
    chance = random.Random(seed)
    other = spans + chance.choices(spans, k=chance.randrange(4))
    chance.shuffle(other)
    assert _contents([spans]) == _contents(_split(other, chance))


def _split(spans: list[ReadableSpan], chance: random.Random) -> list[list[ReadableSpan]]:
    batches: list[list[ReadableSpan]] = [[]]
    for span in spans:
        if batches[-1] and chance.random() < 0.4:
            batches.append([])
        batches[-1].append(span)
    return batches


def _contents(batches: Sequence[Sequence[ReadableSpan]]) -> dict[str, list[Any]]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "otel.db")
        put_new_file(path)
        exporter = SQLiteSpanExporter(path, pairing_window_ms=_WINDOW_MS)
        for batch in batches:
            for is_open, spans in groupby(batch, key=lambda span: span.end_time is None):
                export = exporter.export_open if is_open else exporter.export
                assert export(list(spans)).name == "SUCCESS"
        exporter.shutdown()
        with closing(sqlite3.connect(path)) as file:
            file.row_factory = sqlite3.Row
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
            check_links(file)
            (counts,) = file.execute("SELECT * FROM exporter_health").fetchall()
            assert counts["quarantined"] == 0
            finished = [span for batch in batches for span in batch if span.end_time is not None]
            assert counts["received"] == counts["written"] + counts["duplicate"] == len(finished)
            # Ids are the file's own; a record is known by its place in its span.
            known = {
                row["id"]: (row["trace_id"], row["span_id"], row["source"], row["phase"], row["ordinal"], row["kind"])
                for row in file.execute(
                    "SELECT e.*, s.kind FROM events AS e LEFT JOIN _events AS r ON r.id = e.id "
                    "LEFT JOIN _spans AS s ON s.id = r.span OR e.id IN (s.id, s.finish_record)"
                )
            }
            ids = ("id", "related_event_id", "start_id", "finish_id")
            return {
                view: sorted(
                    repr(
                        {
                            key: known.get(row[key]) if key in ids else row[key]
                            for key in row.keys()  # noqa: SIM118
                            if (key, view) == ("id", "events") or key != "id"
                            # A span that runs is known to have run until its exporter last wrote.
                            if (key not in _ENDS or "status" not in row.keys() or row["status"] != "running")  # noqa: SIM118
                            and (key != "id" or view == "events")
                        }
                    )
                    for row in file.execute(f"SELECT * FROM {view}")
                )
                for view in _VIEWS
            }
