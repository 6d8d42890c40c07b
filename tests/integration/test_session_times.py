# SPDX-License-Identifier: Apache-2.0
"""Sessions and traces show the times of their records, also when records have gone to another session."""

from __future__ import annotations

from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from tests.conftest import exporting, read
from tests.integration.test_log_exporter import logging_to, make_log

_RESOURCE = Resource({"service.name": "one"})
_SESSIONS = "SELECT session_id, spans, logs, start_time_unix_nano, end_time_unix_nano FROM sessions ORDER BY session_id"
_TRACES = "SELECT start_time_unix_nano, end_time_unix_nano FROM traces"


def make_span(number: int, start: int, end: int | None, session: str | None = None) -> ReadableSpan:
    return ReadableSpan(
        "work",
        SpanContext(1, number, False, TraceFlags(1)),
        resource=_RESOURCE,
        attributes={} if session is None else {"session.id": session},
        start_time=start,
        end_time=end,
    )


def test_a_session_does_not_keep_the_time_of_a_log_record_that_follows_its_span_to_another(path: Path) -> None:
    with exporting(path) as spans, logging_to(path) as logs:
        spans.export([make_span(1, 10, 20, "B"), make_span(2, 30, 40)])
        logs.export([make_log(trace=1, span=3, timestamp=60, body="of A")])
        assert read(path, _SESSIONS) == [("B", 2, 1, 10, 60)]
        spans.export([make_span(3, 50, 70, "A")])
    assert read(path, _SESSIONS) == [("A", 1, 1, 50, 70), ("B", 2, 0, 10, 40)]
    assert read(path, _TRACES) == [(10, 70)]


def test_a_session_does_not_keep_the_time_of_a_span_that_names_another_when_it_ends(path: Path) -> None:
    with exporting(path) as spans:
        spans.export([make_span(1, 10, 20, "B"), make_span(2, 30, 40)])
        spans.export_open([make_span(3, 50, None)])
        assert read(path, _SESSIONS) == [("B", 3, 0, 10, 50)]
        spans.export([make_span(3, 50, 70, "A")])
    assert read(path, _SESSIONS) == [("A", 1, 0, 50, 70), ("B", 2, 0, 10, 40)]
    assert read(path, _TRACES) == [(10, 70)]


def test_records_that_turn_to_a_stronger_session_do_not_take_times_of_others_there(path: Path) -> None:
    with exporting(path) as spans, logging_to(path) as logs:
        spans.export([make_span(2, 30, 40)])
        spans.export_open([make_span(3, 20, None)])
        logs.export([make_log(trace=1, span=3, timestamp=60, body="of A")])
        spans.export([make_span(3, 20, 70, "A")])
        assert read(path, _SESSIONS) == [("A", 2, 1, 20, 70)]
        spans.export([make_span(1, 15, 35, "B")])
    assert read(path, _SESSIONS) == [("A", 1, 1, 20, 70), ("B", 2, 0, 15, 40)]
    assert read(path, _TRACES) == [(15, 70)]


def test_a_session_does_not_keep_the_time_of_a_span_that_leaves_it_where_another_ends(path: Path) -> None:
    with exporting(path) as spans:
        spans.export_open([make_span(1, 10, None, "A"), make_span(2, 50, None, "A")])
        spans.export_open([make_span(3, 80, None, "A")])
        spans.export([make_span(1, 10, 20, "B"), make_span(3, 80, 90, "B"), make_span(2, 50, 60)])
    assert read(path, _SESSIONS) == [("A", 1, 0, 50, 60), ("B", 2, 0, 10, 90)]
    assert read(path, _TRACES) == [(10, 90)]


def test_a_session_that_lost_all_its_spans_takes_the_times_of_new_ones(path: Path) -> None:
    with exporting(path) as spans:
        spans.export_open([make_span(1, 10, None, "A")])
        spans.export([make_span(1, 10, 20, "B")])
        assert read(path, _SESSIONS) == [("B", 1, 0, 10, 20)]
        spans.export([make_span(2, 50, 60, "A")])
    assert read(path, _SESSIONS) == [("A", 1, 0, 50, 60), ("B", 1, 0, 10, 20)]


def test_a_span_that_ends_before_it_starts_has_the_same_times_whether_or_not_it_was_open(path: Path) -> None:
    with exporting(path) as spans:
        spans.export([make_span(1, 10, 20), make_span(2, 30, 35, "A")])
        spans.export_open([make_span(3, 80, None), make_span(4, 90, None)])
        spans.export([make_span(3, 80, 40, "B")])
        spans.export([make_span(4, 90, 50)])
    assert read(path, _SESSIONS) == [("A", 3, 0, 10, 50), ("B", 1, 0, 80, 40)]
    assert read(path, _TRACES) == [(10, 50)]


def test_a_later_version_of_a_span_takes_its_start_from_all_of_the_trace(path: Path) -> None:
    with exporting(path) as spans:
        spans.export([make_span(2, 30, 40)])
        spans.export_open([make_span(3, 20, None)])
        spans.export([make_span(3, 20, 70, "A")])
        spans.export([make_span(3, 25, 80, "A")])
    assert read(path, _SESSIONS) == [("A", 2, 0, 25, 80)]
    assert read(path, _TRACES) == [(25, 80)]


def test_a_version_that_is_not_kept_gives_its_trace_no_start(path: Path) -> None:
    with exporting(path) as spans:
        spans.export([make_span(3, 20, 70), make_span(3, 25, 80)])
    assert read(path, _TRACES) == [(25, 80)]
