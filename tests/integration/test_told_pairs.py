# SPDX-License-Identifier: Apache-2.0
"""A start and its finish are one pair and one call, whether span events, log records, or both tell them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.encode.pairs import find_repeats
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import read
from tests.file_checks import check_links
from tests.integration.test_log_exporter import make_log
from tests.new_files import put_new_file

_T = 1_795_000_000_000_000_000
_MS = 1_000_000
_MINUTE = 60_000 * _MS
_CALL: dict[str, Any] = {"llm.vendor": "anthropic", "llm.model": "m-1"}
_DONE: dict[str, Any] = {**_CALL, "llm.response.usage.input_tokens": 7, "llm.response.usage.output_tokens": 3}
_TOLD: Sequence[tuple[str, int, dict[str, Any]]] = (
    ("llm.call.start", 1 * _MS, _CALL),
    ("llm.call.finish", 20 * _MINUTE, _DONE),
    ("tool.execution", 20 * _MINUTE + 1 * _MS, {"tool.name": "add"}),
    ("tool.result", 21 * _MINUTE, {"tool.name": "add"}),
)
# How each of the four records is told: by an event, by a log record, or by both.
_WAYS = ("eeee", "llll", "bbbb", "elel", "lele", "ebel", "bllb", "leeb")


def _make(way: str, *, late: int = 2 * _MS) -> tuple[ReadableSpan, list[ReadableLogRecord]]:
    events, logs = [], []
    for how, (name, at, attributes) in zip(way, _TOLD, strict=True):
        if how in "eb":
            events.append(Event(name, attributes, _T + at))
        if how in "lb":
            time = _T + at + (late if how == "b" else 0)
            logs.append(make_log(trace=1, span=1, event_name=name, timestamp=time, attributes=attributes))
    context = SpanContext(1, 1, False, TraceFlags(1))
    return ReadableSpan("work", context, events=events, start_time=_T, end_time=_T + 30 * _MINUTE), logs


def _write(path: Path, records: Sequence[ReadableSpan | Sequence[ReadableLogRecord]]) -> None:
    put_new_file(path)
    spans, logs = SQLiteSpanExporter(path), SQLiteLogRecordExporter(path)
    for record in records:
        if isinstance(record, ReadableSpan):
            assert spans.export([record]).name == "SUCCESS"
        else:
            assert logs.export(record).name == "SUCCESS"
    spans.shutdown()
    logs.shutdown()


def _show(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the views show, whoever told it."""
    with closing(sqlite3.connect(path)) as file:
        check_links(file)
    calls = "name, model, input_tokens, output_tokens, start_time_unix_nano, end_time_unix_nano, status, counted"
    tools = "name, tool_name, start_time_unix_nano, end_time_unix_nano, status"
    return {
        "calls": read(path, f"SELECT {calls} FROM complete_llm_interactions"),
        "tools": read(path, f"SELECT {tools} FROM complete_tool_interactions"),
        "pairs": read(
            path,
            "SELECT name, phase, start_time_unix_nano, duration_ms, link_method FROM events "
            "WHERE source <> 'span' AND link_method IS NOT 'repeat' ORDER BY start_time_unix_nano",
        ),
        "traces": read(path, "SELECT llm_calls, input_tokens, total_tokens FROM traces"),
        "health": read(path, "SELECT * FROM link_health"),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """What the views show where events alone tell all."""
    path = tmp_path_factory.mktemp("events") / "otel.db"
    _write(path, [*_make("eeee")])
    return _show(path)


@pytest.mark.parametrize("way", _WAYS)
def test_a_pair_is_the_same_whoever_tells_it(
    tmp_path: Path, way: str, expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    assert len(expected["calls"]) == len(expected["tools"]) == 1
    assert [row[-1] for row in expected["pairs"]] == ["span"] * 4
    span, logs = _make(way)
    orders: list[list[ReadableSpan | Sequence[ReadableLogRecord]]] = [
        [span, logs],
        [logs, span],
        [logs[:1], span, logs[1:]],
        [*([log] for log in reversed(logs)), span],
    ]
    for number, order in enumerate(orders):
        path = tmp_path / f"{number}.db"
        _write(path, order)
        assert _show(path) == expected
        before = read(path, "SELECT id, related_event_id, link_method FROM events")
        done = reindex(resolve_settings(path))
        assert (done.changed_spans, done.changed_logs) == (0, 0)
        assert read(path, "SELECT id, related_event_id, link_method FROM events") == before
        assert _show(path) == expected


def test_a_version_of_a_span_without_the_event_frees_the_log_record_that_repeated_it(tmp_path: Path) -> None:
    span, logs = _make("bbbb")
    assert span.context is not None
    bare = ReadableSpan("work", span.context, start_time=_T, end_time=_T + 31 * _MINUTE)
    _write(tmp_path / "logs.db", [bare, logs])
    _write(tmp_path / "replaced.db", [span, logs, bare])
    assert _show(tmp_path / "replaced.db") == _show(tmp_path / "logs.db")
    assert len(_show(tmp_path / "logs.db")["calls"]) == 1


def test_a_log_record_of_another_time_is_an_operation_of_its_own(tmp_path: Path) -> None:
    span, logs = _make("bbbb", late=2_000 * _MS)
    _write(tmp_path / "otel.db", [span, logs])
    assert len(_show(tmp_path / "otel.db")["calls"]) == 2
    assert read(tmp_path / "otel.db", "SELECT count(*) FROM events WHERE link_method = 'repeat'") == [(0,)]


def test_each_event_is_repeated_once_in_order_of_time() -> None:
    second = 10**9
    records = [("a", 0, False), ("a", 1, True), ("a", 2, True), ("b", 3, True), ("a", 3, False), ("a", 4, True)]
    assert find_repeats(records) == {1, 2}
    assert find_repeats([("a", 0, False), ("a", second + 1, True)]) == set()
    assert find_repeats([("a", 0, True), ("a", second, False)]) == {0}
    assert find_repeats([("a", 0, True), ("a", 1, True)]) == set()
    assert all(find_repeats(list(order)) == set() for order in permutations([("a", 0, False), ("b", 0, True)]))
