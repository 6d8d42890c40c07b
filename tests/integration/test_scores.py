# SPDX-License-Identifier: Apache-2.0
"""Scores: which records are some, what is judged, odd values, and that they stretch no session. That order, split and
repetition change nothing is in test_order_of_records."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import Annotations, TelemetryDatabase
from otel_sqlite_exporter.errors import ArgumentError, FilterError, NotFoundError
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from tests.commands import run
from tests.conftest import exporting, read

_NS = 1_795_000_000_000_000_000
_DAY = 86_400 * 10**9
TRACE = f"{7:032x}"


def make_span(number: int, attributes: Mapping[str, Any], events: list[Event] | None = None) -> ReadableSpan:
    parent = None if number == 1 else SpanContext(7, 1, False, TraceFlags(1))
    return ReadableSpan(
        name=f"span {number}",
        context=SpanContext(7, number, False, TraceFlags(1)),
        parent=parent,
        attributes={"session.id": "chat-1", **attributes},
        events=events or [],
        start_time=_NS + number,
        end_time=_NS + 10**9,
    )


def make_call(number: int, response: str | None = None, **given: Any) -> ReadableSpan:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    return make_span(number, attributes | ({} if response is None else {"gen_ai.response.id": response}), **given)


@pytest.fixture
def judged(path: Path) -> Path:
    """A file with a trace of a session: a root and two calls."""
    with exporting(path) as exporter:
        exporter.export([make_span(1, {}), make_call(2, "r2"), make_call(3, "r3")])
    return path


def send(path: Path, records: list[dict[str, Any]], **resource: str) -> None:
    """Import log records, each a dict of OTLP with plain `attributes`."""
    made = [
        {
            "eventName": SCORE_EVENT,
            "timeUnixNano": str(_NS + 5),
            **record,
            "attributes": [{"key": key, "value": value} for key, value in record["attributes"].items()],
        }
        for record in records
    ]
    named = [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]
    message = {"resourceLogs": [{"resource": {"attributes": named}, "scopeLogs": [{"logRecords": made}]}]}
    source = path.with_name(f"{len(list(path.parent.iterdir()))}.jsonl")
    source.write_text(json.dumps(message))
    assert run("import", source, "--into", path)[0] in (0, 1)


def text(value: str) -> dict[str, Any]:
    return {"stringValue": value}


def test_an_event_of_a_span_is_a_score_of_its_call(path: Path) -> None:
    said: dict[str, str | float] = {
        "gen_ai.evaluation.name": "Relevance",
        "gen_ai.evaluation.score.value": 0.25,
        "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.explanation": "It is about another city.",
        "error.type": "timeout",
    }
    with exporting(path) as exporter:
        exporter.export([make_span(1, {}), make_call(2, events=[Event(SCORE_EVENT, said, _NS + 3)])])
    (score,) = TelemetryDatabase(path).find_scores()
    (call,) = TelemetryDatabase(path).find_llm_interactions()
    assert (score.name, score.value, score.label, score.error_type) == ("Relevance", 0.25, "fail", "timeout")
    assert (score.explanation, score.source) == ("It is about another city.", "event")
    assert (score.trace_id, score.span_id, score.session_id) == (TRACE, f"{2:016x}", "chat-1")
    assert (score.call_id, score.start_time_unix_nano) == (call.id, _NS + 3)
    assert read(path, "SELECT phase, link_method FROM events WHERE source = 'event'") == [(None, None)]


def test_code_and_command_write_scores_by_the_convention(judged: Path) -> None:
    annotations, database = Annotations(judged), TelemetryDatabase(judged)
    span_id = f"{2:016x}"
    assert annotations.score("Relevance", 1, trace_id=TRACE[:31] + "7", span_id=span_id, explanation="why") == TRACE
    assert annotations.score("Tone", label="pass", session_id="chat", evaluator="ada") == "chat-1"
    command = ["score", judged, "--trace", TRACE, "--name", "Speed", "--value", "0.5", "--response", "r3"]
    assert run(*command) == (0, f"scored trace {TRACE}\n", "")
    calls = {call.span_id: call.id for call in database.find_llm_interactions()}
    found = {score.name: score for score in database.find_scores()}
    assert (found["Relevance"].value, found["Relevance"].call_id) == (1.0, calls[span_id])
    assert (found["Tone"].label, found["Tone"].trace_id, found["Tone"].service_name) == ("pass", None, "ada")
    assert (found["Speed"].call_id, found["Speed"].span_id) == (calls[f"{3:016x}"], None)
    assert {score.session_id for score in found.values()} == {"chat-1"}
    logs = database.find_logs(event_name=SCORE_EVENT)
    assert logs[-1].attribute("gen_ai.evaluation.name") == "Relevance"
    session = database.get_session("chat-1")
    assert (session.scores, session.score_means) == (3, '{"Relevance":1.0,"Speed":0.5}')
    (trace,) = database.find_traces()
    assert (trace.scores, json.loads(trace.score_means or "")) == (2, {"Relevance": 1.0, "Speed": 0.5})
    assert [one.name for one in database.find_scores(min_value=0.6)] == ["Relevance"]
    assert [one.name for one in database.find_scores(filter="label:pass OR value<0.6", session_id="chat-1")] == [
        *("Speed", "Tone")
    ]
    assert "Relevance 1, Speed 0.5" in run("sessions", judged)[1]
    assert [row["name"] for row in json.loads(run("scores", judged, "--json")[1])["scores"]] == [
        "Speed",
        "Tone",
        "Relevance",
    ]


def test_a_session_is_named_by_the_attribute_by_which_its_records_name_it(path: Path) -> None:
    with exporting(path) as exporter:
        span = ReadableSpan(
            "work",
            SpanContext(7, 1, False, TraceFlags(1)),
            attributes={"gen_ai.conversation.id": "c-1"},
            start_time=_NS,
            end_time=_NS,
        )
        exporter.export([span])
    database = TelemetryDatabase(path)
    before = database.get_session("c-1")
    Annotations(path).score("Tone", 1, session_id="c-1")
    after = database.get_session("c-1")
    assert (after.source, after.scores) == (before.source, 1)


def test_what_cannot_be_a_score_is_refused(judged: Path) -> None:
    annotations = Annotations(judged)
    place: Any = {"trace_id": TRACE}
    assert not issubclass(ArgumentError, FilterError)
    values: list[Any] = [math.nan, math.inf, "1", 10**400, [1]]
    for value in values:
        with pytest.raises(ArgumentError, match=r"value: .*finite number"):
            annotations.score("x", value, **place)
    with pytest.raises(ArgumentError, match="needs a value or a label"):
        annotations.score("x", **place)
    with pytest.raises(ArgumentError, match="needs a name"):
        annotations.score(" ", 1, **place)
    with pytest.raises(ArgumentError, match="give trace_id too"):
        annotations.score("x", 1, session_id="chat-1", span_id="00")
    with pytest.raises(NotFoundError, match="there is no span 'ffff'"):
        annotations.score("x", 1, trace_id=TRACE, span_id="ffff")
    with pytest.raises(NotFoundError, match="there is no session"):
        annotations.score("x", 1, session_id="nope")
    assert read(judged, "SELECT count(*) FROM logs") == [(0,)]


@pytest.mark.parametrize(
    ("value", "number", "label"),
    [
        ({"doubleValue": 0.5}, 0.5, None),
        ({"intValue": "3"}, 3.0, None),
        ({"boolValue": True}, 1.0, None),
        ({"boolValue": False}, 0.0, None),
        (text("0.75"), 0.75, None),
        (text("-1e2"), -100.0, None),
        (text("pass"), None, "pass"),
        (text("NaN"), None, None),
        (text("1e999"), None, None),
        (text("{}"), None, "{}"),
        (text(""), None, None),
        ({"doubleValue": "NaN"}, None, None),
        ({"doubleValue": "-Infinity"}, None, None),
        ({"arrayValue": {"values": [{"intValue": "1"}]}}, None, None),
        ({"kvlistValue": {"values": []}}, None, None),
        ({"bytesValue": "YWI="}, None, None),
        ({}, None, None),
    ],
)
def test_an_odd_value_costs_itself_at_most(
    judged: Path, value: dict[str, Any], number: float | None, label: str | None
) -> None:
    odd = {"gen_ai.evaluation.score.value": value, "gen_ai.evaluation.name": {"intValue": "7"}}
    send(judged, [{"traceId": TRACE, "attributes": odd}, {"traceId": TRACE, "attributes": {}}])
    scores = TelemetryDatabase(judged).find_scores(newest_first=False)
    assert [(score.name, score.value, score.label) for score in scores] == [("7", number, label), (None, None, None)]
    assert TelemetryDatabase(judged).get_session("chat-1").scores == 2
    assert run("report", "scores", judged)[0] == run("scores", judged)[0] == 0


def test_the_label_that_is_there_counts_more_than_a_text_for_the_value(judged: Path) -> None:
    said = {"gen_ai.evaluation.score.value": text("high"), "gen_ai.evaluation.score.label": text("pass")}
    send(judged, [{"traceId": TRACE, "attributes": said}])
    assert [score.label for score in TelemetryDatabase(judged).find_scores()] == ["pass"]


def test_a_score_that_comes_days_later_stretches_nothing(judged: Path) -> None:
    database = TelemetryDatabase(judged)
    place = ("start_time_unix_nano", "end_time_unix_nano", "duration_ms", "status", "user_id", "session_id", "traces")
    session, trace = database.get_session("chat-1").to_dict(), database.find_traces()[0].to_dict()
    said = {"gen_ai.evaluation.name": text("Tone"), "user.id": text("judge"), "session.id": text("chat-1")}
    for days in (-3, 9):
        time = str(_NS + days * _DAY)
        of_trace = {name: value for name, value in said.items() if name != "session.id"}
        place_of: dict[str, Any] = {"timeUnixNano": time, "traceId": TRACE}
        records = [{**place_of, "attributes": attributes} for attributes in (said, of_trace)]
        send(judged, records, **{"session.id": "judges", "service.name": "judge"})
    after, trace_after = database.get_session("chat-1").to_dict(), database.find_traces()[0].to_dict()
    assert {name: after.get(name) for name in place} == {name: session.get(name) for name in place}
    assert {name: trace_after.get(name) for name in place} == {name: trace.get(name) for name in place}
    assert (after["scores"], after["logs"]) == (4, 4)
    assert [one.session_id for one in database.find_sessions()] == ["chat-1"]


def test_scores_alone_give_their_times_until_something_else_comes(path: Path) -> None:
    said = {"gen_ai.evaluation.name": text("Tone"), "gen_ai.evaluation.score.value": {"intValue": "1"}}
    later = [{"timeUnixNano": str(_NS + day * _DAY), "traceId": TRACE, "attributes": said} for day in (5, 3)]
    apart = [{"timeUnixNano": str(_NS + 4 * _DAY), "attributes": {**said, "session.id": text("chat-1")}}]
    send(path, later + apart)
    database = TelemetryDatabase(path)
    (trace,) = database.find_traces()
    assert (trace.start_time_unix_nano, trace.end_time_unix_nano) == (_NS + 3 * _DAY, _NS + 5 * _DAY)
    assert database.get_session("chat-1").end_time_unix_nano == _NS + 4 * _DAY
    with exporting(path) as exporter:
        exporter.export([make_span(1, {})])
    (trace,) = database.find_traces()
    assert (trace.start_time_unix_nano, trace.end_time_unix_nano) == (_NS + 1, _NS + 10**9)
    session = database.get_session("chat-1")
    assert (session.start_time_unix_nano, session.end_time_unix_nano) == (_NS + 1, _NS + 10**9)


def test_a_score_without_any_context_is_found_by_the_answer(judged: Path) -> None:
    send(judged, [{"attributes": {"gen_ai.evaluation.name": text("Tone"), "gen_ai.response.id": text("r3")}}])
    (score,) = TelemetryDatabase(judged).find_scores(response_id="r3")
    assert (score.trace_id, score.session_id, score.call_id) == (None, None, None)


def test_scores_leave_a_file_and_come_into_another(judged: Path, tmp_path: Path) -> None:
    Annotations(judged).score("Tone", 0.1 + 0.2, trace_id=TRACE, explanation="\0<b>\u202e", label="é")
    Annotations(judged).score("All", 2, session_id="chat-1")
    exported, copy = tmp_path / "out.jsonl", tmp_path / "copy.db"
    assert run("export", judged, "--output", exported)[0] == 0
    for _ in range(2):
        assert run("import", exported, "--into", copy)[0] == 0
    columns = "trace_id, span_id, session_id, service_name, source, name, value, label, explanation, start_time"
    query = f"SELECT {columns} FROM scores ORDER BY start_time"
    assert read(copy, query) == read(judged, query)
    assert len(read(copy, query)) == 2
    assert run("reindex", copy)[0] == 0
    assert read(copy, query) == read(judged, query)


def test_reindex_makes_scores_of_what_an_older_version_stored(judged: Path) -> None:
    send(
        judged,
        [{"timeUnixNano": str(_NS + _DAY), "traceId": TRACE, "attributes": {"gen_ai.evaluation.name": text("Tone")}}],
    )
    # As an older version left it: a finish without a start, whose time counts.
    with closing(sqlite3.connect(judged)) as file, file:
        file.execute("DELETE FROM _scores")
        file.execute("UPDATE _events SET phase = 'finish', stem = 'gen_ai.evaluation' WHERE log IS NOT NULL")
        file.execute("UPDATE _trace_sessions SET score_logs = 0, end_time_unix_nano = ? WHERE logs > 0", (_NS + _DAY,))
        file.execute("UPDATE _traces SET end_time_unix_nano = ? WHERE trace_id <> ''", (_NS + _DAY,))
        file.execute("UPDATE _sessions SET end_time_unix_nano = ?", (_NS + _DAY,))
    assert run("reindex", judged)[0] == 0
    database = TelemetryDatabase(judged)
    assert [score.name for score in database.find_scores()] == ["Tone"]
    assert database.get_session("chat-1").end_time_unix_nano == _NS + 10**9
    assert database.find_traces()[0].end_time_unix_nano == _NS + 10**9


def test_the_report_has_means_spread_and_labels_by_name_model_and_day(judged: Path) -> None:
    annotations, database = Annotations(judged), TelemetryDatabase(judged)
    for value, label in ((0.0, "fail"), (0.5, "pass"), (1.0, "pass")):
        annotations.score("Tone", value, label=label, trace_id=TRACE, span_id=f"{2:016x}")
    annotations.score("Other", label="pass", session_id="chat-1")
    tone, other = database.run_report("scores").to_dicts()
    assert (tone["name"], tone["scores"], tone["with_value"]) == ("Tone", 3, 3)
    assert (tone["mean"], tone["least"], tone["p50"], tone["most"]) == (0.5, 0.0, 0.5, 1.0)
    assert json.loads(tone["labels"]) == {"fail": 1, "pass": 2}
    assert (other["name"], other["scores"], other["with_value"], other["mean"]) == ("Other", 1, 0, None)
    by_model = database.run_report("scores", group_by=["model", "name"]).to_dicts()
    assert {(row["model"], row["name"]): row["scores"] for row in by_model} == {
        ("gpt-4o", "Tone"): 3,
        (None, "Other"): 1,
    }
    (day,) = {row["day"] for row in database.run_report("scores", group_by=["day", "name"]).to_dicts()}
    assert day
    assert [row["name"] for row in database.run_report("scores", model="gpt-4o").to_dicts()] == ["Tone"]


def test_commands_show_pin_note_and_scores_and_lists_labels(judged: Path) -> None:
    annotations = Annotations(judged)
    annotations.pin(session_id="chat-1", label="keep me")
    annotations.note("two\nlines", session_id="chat-1")
    annotations.note("of a trace", trace_id=TRACE)
    annotations.score("Tone", label="pass", session_id="chat-1", evaluator="eve")
    annotations.score("Tone", label="pass", session_id="chat-1")
    annotations.score("Help", 0.5, label="good", session_id="chat-1", explanation="why")
    span = TelemetryDatabase(judged).find_llm_interactions()[0]
    annotations.score("Exact", 1, trace_id=TRACE, span_id=span.span_id)
    for command in ("session", "show"):
        output = run(command, "chat-1", judged)[1]
        assert [
            text for text in ("keep me", "two\\nlines", "Tone pass", "Help 0.5 good: why") if text not in output
        ] == []
    for command in ("trace", "show"):
        output = run(command, TRACE, judged)[1]
        assert "of a trace" in output
        assert "Exact 1" in output
    assert "Exact 1" in run("show", f"span:{span.span_id}", judged)[1]
    shown = json.loads(run("show", "chat-1", judged, "--json")[1])
    assert (shown["pin_label"], len(shown["scores"])) == (
        "keep me",
        len(TelemetryDatabase(judged).find_scores(session_id="chat-1")),
    )
    listed = run("sessions", judged)[1]
    assert "Help 0.5" in listed
    assert "Tone pass ×2" in listed


def test_scores_of_an_evaluator_are_deleted_by_its_service(judged: Path) -> None:
    Annotations(judged).score("Tone", label="pass", session_id="chat-1", evaluator="eve")
    assert run("delete", judged, "--user", "eve", "--yes")[0] == 1  # nobody of that name
    assert [score.service_name for score in TelemetryDatabase(judged).find_scores()] == ["eve"]
    assert run("delete", judged, "--service", "eve", "--yes")[0] == 0
    assert len(TelemetryDatabase(judged).find_scores()) == 0
