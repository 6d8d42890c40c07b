# SPDX-License-Identifier: Apache-2.0
"""Start and finish records in a real file: linked both ways, whatever the order in which they arrive."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import SQLiteSpanExporter
from tests.new_files import put_new_file

_SECOND = 1_000_000_000
_NOON = 1_795_000_000 * _SECOND


class _File:
    def __init__(self, path: Path) -> None:
        self.path = path
        put_new_file(path)
        self.exporter = SQLiteSpanExporter(path, pairing_window_ms=10_000)

    def write(self, *spans: ReadableSpan) -> None:
        assert self.exporter.export(spans).name == "SUCCESS"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as file:
            file.execute("PRAGMA foreign_keys = ON")
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
            return file.execute(sql).fetchall()

    def links(self) -> list[tuple[str, str, str]]:
        """(span of the start, span of the finish, method) of every linked event."""
        return self.rows(
            """
            SELECT s.span_id, f.span_id, s.link_method FROM events AS s
            JOIN events AS f ON f.id = s.related_event_id AND f.related_event_id = s.id
            WHERE s.source = 'event' AND s.phase = 'start' ORDER BY s.start_time_unix_nano, s.span_id
            """
        )


@pytest.fixture
def file(tmp_path: Path) -> Iterator[_File]:
    file = _File(tmp_path / "otel.db")
    yield file
    file.exporter.shutdown()


def _span(
    number: int, events: Sequence[tuple[str, float]], *, trace: int = 1, session: str | None = None
) -> ReadableSpan:
    return ReadableSpan(
        name=f"span {number}",
        context=SpanContext(trace, number, False, TraceFlags(1)),
        attributes={"session.id": session} if session else {},
        events=[Event(name, {}, _NOON + round(at * _SECOND)) for name, at in events],
        start_time=_NOON,
        end_time=_NOON + _SECOND,
    )


def _id(number: int) -> str:
    return f"{number:016x}"


def test_every_span_has_two_records_that_point_at_each_other(file: _File) -> None:
    file.write(_span(1, []), _span(2, []))
    rows = file.rows(
        """
        SELECT s.span_id, s.link_method, f.start_time_unix_nano - s.start_time_unix_nano, s.duration_ms, f.duration_ms
        FROM events AS s JOIN events AS f ON f.id = s.related_event_id AND f.related_event_id = s.id
        WHERE s.source = 'span' AND s.phase = 'start' AND f.phase = 'finish' AND f.span_id = s.span_id
        """
    )
    assert rows == [(_id(number), "span", _SECOND, 1000.0, 1000.0) for number in (1, 2)]


def test_events_of_one_span_pair_by_name(file: _File) -> None:
    file.write(_span(1, [("a.finish", 2), ("b.start", 1), ("a.start", 1), ("b.error", 3), ("c.start", 1)]))
    assert file.links() == [(_id(1), _id(1), "span")] * 2
    health = file.rows("SELECT records, linked, linked_by_span, orphan_starts, orphan_finishes FROM link_health")
    assert health == [(7, 6, 6, 1, 0)]


@pytest.mark.parametrize("finish_first", [False, True])
def test_a_finish_links_also_when_it_arrives_before_its_start(file: _File, finish_first: bool) -> None:
    batches = [[_span(1, [("a.start", 1)])], [_span(2, [("a.finish", 2)])]]
    for batch in reversed(batches) if finish_first else batches:
        file.write(*batch)
    assert file.links() == [(_id(1), _id(2), "temporal")]
    assert file.rows("SELECT success_rate FROM link_health") == [(1.0,)]


def test_a_nearer_finish_that_arrives_later_takes_the_link(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)]), _span(2, [("a.finish", 5)]))
    file.write(_span(3, [("a.finish", 3)]))
    assert file.links() == [(_id(1), _id(3), "temporal")]
    assert file.rows("SELECT span_id FROM events WHERE source = 'event' AND related_event_id IS NULL") == [(_id(2),)]


def test_records_further_apart_than_the_window_stay_alone(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)]), _span(2, [("a.finish", 11.5)]))
    assert file.links() == []


def test_another_trace_of_the_session_takes_what_the_trace_leaves_over(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)], trace=1, session="S"))
    file.write(_span(2, [("a.finish", 2)], trace=2, session="S"))
    assert file.links() == [(_id(1), _id(2), "temporal")]


def test_records_of_one_trace_pair_also_where_their_spans_name_different_sessions(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)], session="S"))
    file.write(_span(2, [("a.finish", 2)], session="T"))
    assert file.links() == [(_id(1), _id(2), "temporal")]


def test_a_link_inside_a_trace_stands_when_another_trace_joins_its_session(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)], session="S"), _span(2, [("a.finish", 2)], session="T"))
    file.write(_span(3, [("a.start", 1)], trace=2, session="T"))
    assert file.links() == [(_id(1), _id(2), "temporal")]


def test_nothing_pairs_across_sessions_or_between_traces_without_one(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)], trace=1), _span(2, [("a.finish", 2)], trace=2))
    file.write(_span(3, [("b.start", 1)], trace=3, session="S"), _span(4, [("b.finish", 2)], trace=4, session="T"))
    assert file.links() == []


def test_a_session_that_becomes_known_late_links_and_unlinks(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)], trace=1), _span(2, [("a.finish", 2)], trace=2))
    file.write(_span(3, [], trace=1, session="S"))
    assert file.links() == []
    file.write(_span(4, [], trace=2, session="S"))
    assert file.links() == [(_id(1), _id(2), "temporal")]


def test_repeated_records_are_stored_and_linked_once(file: _File) -> None:
    spans = [_span(1, [("a.start", 1)]), _span(2, [("a.finish", 2)]), _span(3, [("b.start", 1), ("b.end", 2)])]
    for _ in range(3):
        file.write(*spans)
    assert file.links() == [(_id(1), _id(2), "temporal"), (_id(3), _id(3), "span")]
    assert file.rows("SELECT count(*) FROM events") == [(10,)]
    assert file.rows("SELECT written, duplicate FROM exporter_health") == [(3, 6)]


def test_a_later_version_of_a_span_frees_the_partners_of_its_old_records(file: _File) -> None:
    file.write(_span(1, [("a.start", 1)]), _span(2, [("a.finish", 2)]))
    later = _span(2, [("b.finish", 2)])
    later._end_time = _NOON + 2 * _SECOND
    file.write(later)
    assert file.links() == []
    assert file.rows("SELECT count(*) FROM events WHERE name = 'a.finish'") == [(0,)]
    assert (
        file.rows(f"SELECT duration_ms FROM events WHERE source = 'span' AND span_id = '{_id(2)}'") == [(2000.0,)] * 2
    )
