# SPDX-License-Identifier: Apache-2.0
"""What only the start of a span knew counts for the whole span, whether it was written before its finish or after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting, read
from tests.integration.test_log_exporter import logging_to, make_log

_T = 1_795_000_000_000_000_000
_ORDERS = [
    pytest.param(order, id=" then ".join(order))
    for order in (("start", "finish"), ("finish", "start"), ("start", "finish", "start"), ("finish", "start", "start"))
]
_EARLY = {
    "session.id": "A",
    "user.id": "ada",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.agent.name": "planner",
}
_LATE = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2}


def make_span(is_open: bool, attributes: dict[str, Any], number: int = 1) -> ReadableSpan:
    return ReadableSpan(
        "ask",
        SpanContext(1, number, False, TraceFlags(1)),
        resource=Resource({"service.name": "one"}),
        attributes=attributes,
        events=[] if is_open else [Event("job.start", {}, _T + 10), Event("job.finish", {}, _T + 20)],
        start_time=_T,
        end_time=None if is_open else _T + 1_000,
    )


def write(path: Path, order: tuple[str, ...], start: dict[str, Any], finish: dict[str, Any]) -> None:
    with exporting(path) as spans, logging_to(path) as logs:
        assert logs.export([_log()]).name == "SUCCESS"
        for one in order:
            if one == "start":
                assert spans.export_open([make_span(True, start)]).name == "SUCCESS"
            else:
                assert spans.export([make_span(False, finish)]).name == "SUCCESS"


def _log() -> ReadableLogRecord:
    return make_log(trace=1, span=1, timestamp=_T + 30, body="in the span")


def check_reindex(path: Path) -> None:
    """What the file derived is what is derived from what it holds."""
    done = reindex(resolve_settings(path))
    assert (done.changed_spans, done.changed_logs, done.recounted_calls) == (0, 0, 0)


@pytest.mark.parametrize("order", _ORDERS)
def test_a_start_gives_its_finished_span_session_user_and_call(path: Path, order: tuple[str, ...]) -> None:
    write(path, order, _EARLY, _LATE)
    assert read(path, "SELECT session_id, status FROM spans") == [("A", "ok")]
    assert read(path, "SELECT session_id, source, user_id, spans, logs FROM sessions") == [
        ("A", "session.id", "ada", 1, 1)
    ]
    assert read(path, "SELECT session_id FROM logs") == [("A",)]
    assert read(
        path, "SELECT session_id, user_id, provider, agent_name, input_tokens FROM complete_llm_interactions"
    ) == [("A", "ada", "openai", "planner", 7)]
    assert read(path, "SELECT agent_name, llm_calls, sessions, input_tokens FROM agents") == [("planner", 1, 1, 7)]
    ((finish, start),) = read(
        path,
        "SELECT f.attributes, s.attributes FROM events AS f JOIN events AS s ON s.id = f.related_event_id"
        " WHERE f.source = 'span' AND f.phase = 'finish'",
    )
    assert json.loads(finish) == _LATE | _EARLY
    assert json.loads(start) == _EARLY
    assert read(path, "SELECT name, link_method FROM events WHERE source = 'event' ORDER BY id") == [
        ("job.start", "span"),
        ("job.finish", "span"),
    ]
    check_reindex(path)


@pytest.mark.parametrize("order", _ORDERS)
def test_a_name_of_the_finish_stands_against_a_weaker_one_of_the_start(path: Path, order: tuple[str, ...]) -> None:
    write(path, order, {"gen_ai.conversation.id": "weak"}, {"session.id": "strong"})
    assert read(path, "SELECT session_id FROM spans") == [("strong",)]
    check_reindex(path)


@pytest.mark.parametrize("order", _ORDERS)
def test_start_and_finish_may_name_together_what_neither_names_alone(path: Path, order: tuple[str, ...]) -> None:
    """The finish takes back the stronger name of the start; its weaker one, which the SDK dropped, is left."""
    with exporting(path) as spans:
        spans.export([make_span(False, {"session.id": "C"}, number=2)])
    write(path, order, {"session.id": "A", "gen_ai.conversation.id": "C"}, {"session.id": ""})
    assert read(path, "SELECT session_id, count(*) FROM spans GROUP BY 1") == [("C", 2)]
    assert read(path, "SELECT count(*) FROM exporter_health WHERE quarantined > 0") == [(0,)]
    check_reindex(path)


def test_a_start_that_tells_nothing_new_changes_nothing(path: Path) -> None:
    write(path, ("finish", "start"), _EARLY, _EARLY | _LATE)
    assert read(path, "SELECT count(*) FROM _spans WHERE start_attributes IS NOT NULL") == [(0,)]
    check_reindex(path)


def test_a_custom_list_of_session_attributes_holds_for_late_starts(path: Path) -> None:
    with exporting(path, session_attributes=["acme.run", "session.id"]) as spans:
        spans.export([make_span(False, {"session.id": "weak"})])
        spans.export_open([make_span(True, {"acme.run": "strong"})])
    assert read(path, "SELECT session_id FROM spans") == [("strong",)]
