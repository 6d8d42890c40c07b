# SPDX-License-Identifier: Apache-2.0
"""Attribute-row files become what they would be if their records had been exported: every oddity of such files."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from otel_sqlite_exporter.errors import ForeignFileError, LegacyFileError
from otel_sqlite_exporter.legacy import conversion
from otel_sqlite_exporter.legacy.conversion import migrate_legacy_file
from otel_sqlite_exporter.legacy.legacy_report import LegacyReport, find_legacy_file
from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.storage.connection import open_writer
from otel_sqlite_exporter.storage.identity import identify_file
from tests.conftest import exporting, in_new_process, make_spans, read
from tests.file_checks import check_file, snapshot
from tests.legacy_files import (
    AFTER_JSON,
    INTEGER_KEYS,
    SPAN,
    STAGES,
    TEXT_KEYS,
    TRACE,
    LegacyWriter,
    drop_columns,
    write_typical,
)

ATTRIBUTE_TABLES = [table for table in TEXT_KEYS if table.endswith("_attributes")]
_NEEDED = {"timestamp", "key", "value_text", "event_id", "session_id", "agent_id", "trace_id", "span_id", "name"}
_OTHERS = {
    table: [name for name in (column.split()[0] for column in columns.split(", ")) if name not in _NEEDED]
    for table, columns in TEXT_KEYS.items()
}
LACKING = {
    "the type": {table: ["value_type"] for table in ATTRIBUTE_TABLES},
    "all but texts": {table: ["value_type", "value_numeric", "value_boolean"] for table in ATTRIBUTE_TABLES},
    "all but numbers": {table: ["value_type", "value_text", "value_boolean"] for table in ATTRIBUTE_TABLES},
    "the texts, but not the type": {table: ["value_text"] for table in ATTRIBUTE_TABLES},
    "the keys": {table: ["id"] for table in ["events", *ATTRIBUTE_TABLES]},
    "what events and contexts may lack": {
        table: _OTHERS[table] for table in ("agents", "sessions", "traces", "spans", "events")
    },
}
"""Columns that a file may lack, by table."""
LAYOUTS = {"text": TEXT_KEYS, "integer": INTEGER_KEYS, "json": AFTER_JSON}
ONE, TWO, THREE = (f"2025-03-29T12:00:0{second}Z" for second in (1, 2, 3))


@pytest.fixture
def old(tmp_path: Path) -> LegacyWriter:
    """An empty file of the layout."""
    return LegacyWriter(tmp_path / "old.db")


def migrate(path: Path, *, into: bool = True, zone: tzinfo | None = UTC) -> tuple[Path, LegacyReport]:
    target = path.parent / "new.db" if into else path
    name = str(target) if into else None
    file = find_legacy_file(str(path), into=name, busy_timeout_ms=1_000)
    assert file is not None
    return target, migrate_legacy_file(file, resolve_settings(target), zone=zone, into=name)


def records(path: Path) -> list[dict[str, Any]]:
    """The log records of a file, without those that keep rows of contexts."""
    columns = ("event_name", "trace_id", "span_id", "session_id", "start_time", "time_source", "attributes")
    rows = read(path, f"SELECT {', '.join(columns)} FROM logs WHERE event_name NOT LIKE 'legacy.%' ORDER BY id")
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return [record | {"attributes": json.loads(record["attributes"])} for record in named]


def attributes(path: Path, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = records(path)[number]["attributes"]
    return found


def links(path: Path) -> list[tuple[Any, ...]]:
    return read(
        path,
        "SELECT s.attributes ->> '$.\"legacy.events.id\"', f.attributes ->> '$.\"legacy.events.id\"', s.link_method"
        " FROM events AS s JOIN events AS f ON f.id = s.related_event_id WHERE s.phase = 'start' AND s.source = 'log'"
        " ORDER BY 1",
    )


@pytest.mark.parametrize("into", [True, False], ids=["into", "in place"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_typical_file_of_each_variant_becomes_ours(tmp_path: Path, layout: str, into: bool) -> None:
    path = write_typical(tmp_path / "old.db", LAYOUTS[layout]).path
    target, report = migrate(path, into=into)
    assert [name for name, _ in report.seconds.items()] == list(STAGES)
    assert Counter(record["event_name"] for record in records(target)) == {
        "llm.call.start": 2,
        "llm.call.finish": 2,
        "tool.execution": 1,
        "security.content.suspicious": 1,
        "framework.patch": 1,
    }
    assert {record["session_id"] for record in records(target)} == {"chat-1"}
    assert links(target) == [(1, 2, "span"), (3, 4, "span")]
    spans = "SELECT span_id, trace_id, session_id, service_name, start_time FROM spans ORDER BY start_time_unix_nano"
    assert read(target, spans) == [
        ("0000000000000001", TRACE, "chat-1", "guide", "2025-03-29T12:00:01.000500Z"),
        ("0000000000000002", TRACE, "chat-1", "guide", "2025-03-29T12:00:04.000500Z"),
    ]
    resources = read(target, "SELECT DISTINCT resource_attributes FROM logs")
    assert [json.loads(text)["gen_ai.agent.version"] for (text,) in resources] == ["1.2"]
    kept = read(target, "SELECT event_name FROM logs WHERE event_name LIKE 'legacy.%' ORDER BY 1")
    assert kept == [("legacy.agent",), ("legacy.session",), ("legacy.trace",)]
    assert report.counts["pairs"] == {"span": 2, "none": 1}
    with closing(sqlite3.connect(target)) as connection:
        if not into:
            connection.execute("PRAGMA foreign_keys = OFF")
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE name LIKE 'legacy_%' AND type = 'table'"
            ).fetchall():
                connection.execute(f"DROP TABLE {name}")
        check_file(connection)


@pytest.mark.parametrize("lacking", LACKING)
def test_a_file_may_lack_every_column_that_does_not_make_the_shape(tmp_path: Path, lacking: str) -> None:
    path = write_typical(tmp_path / "old.db").path
    drop_columns(path, LACKING[lacking])
    _, report = migrate(path, into=False)
    assert (report.tables["events"], len(records(path))) == ({"read": 7, "written": 7}, 7)
    assert links(path) == [(1, 2, "span"), (3, 4, "span")]


def test_a_table_without_rowids_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    path = write_typical(tmp_path / "old.db").path
    drop_columns(path, {"llm_attributes": ["id"]}, ", PRIMARY KEY (llm_interaction_id, key)) WITHOUT ROWID --")
    with pytest.raises(LegacyFileError, match='"llm_attributes" was made WITHOUT ROWID'):
        migrate(path, into=False)


@pytest.mark.parametrize("table", ["logs", "Complete_llm_interactions", "_spans", "legacy_events"])
def test_a_name_that_the_new_tables_need_is_refused_before_anything_is_done(tmp_path: Path, table: str) -> None:
    path = write_typical(tmp_path / "old.db").path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {table} (x)")
    before = snapshot(path)
    with pytest.raises(LegacyFileError, match=f'it has "{table}"'):
        migrate(path, into=False)
    assert snapshot(path) == before
    assert migrate(path)[1].tables["events"]["written"] == 7


@pytest.mark.parametrize("first", [0, -3, -(2**63), 2**63 - 3], ids=["zero", "negative", "lowest", "highest"])
def test_whatever_numbers_a_file_gives_to_its_rows_each_is_migrated(old: LegacyWriter, first: int) -> None:
    texts = [str(first + number) for number in range(3)]
    drop_columns(old.path, {"tool_interactions": []})  # refers to events by texts, below
    for number, start in enumerate((ONE, TWO, THREE)):
        key: dict[str, Any] = {"id": first + number}
        old.add("agents", rowid=first + number, agent_id=f"agent {number}")
        old.add("spans", rowid=first + number, span_id=f"{number + 1:016x}", trace_id=TRACE, name="step")
        old.add_event("llm.call.start", start, **key)
        old.add("llm_interactions", event_id=key["id"], interaction_type="start", **key)
        old.add("llm_attributes", llm_interaction_id=key["id"], key="n", value_numeric=number, value_type="int", **key)
        old.add("tool_interactions", event_id=texts[number], tool_name="search", **key)
    target, report = migrate(old.path)
    roles = ("agents", "spans", "events")
    assert [report.tables[role]["written"] for role in roles] == [3, 3, 3]
    found = [record["attributes"] for record in records(target)]
    assert [(one["legacy.events.id"], one["n"], one["tool.name"]) for one in found] == [
        (first + number, number, "search") for number in range(3)
    ]
    assert not [name for name in report.counts["orphans"] if not name.startswith("events")]


def test_integers_that_the_numeric_column_turned_into_floats_are_integers_again(old: LegacyWriter) -> None:
    call = old.add("llm_interactions", event_id=old.add_event("llm.call.start", ONE), interaction_type="start")
    old.add_attributes("llm_attributes", call, max_tokens=150, temperature=0.7)
    target, report = migrate(old.path)
    text = read(target, "SELECT attributes FROM logs")[0][0]
    assert '"max_tokens":150,' in text
    assert attributes(target)["temperature"] == 0.7
    assert report.counts["restored"] == {"integers": 1}
    assert report.counts["attributes"] == {"numeric": 2}


def test_python_reprs_and_broken_json_are_read_or_kept(old: LegacyWriter) -> None:
    call = old.add("llm_interactions", event_id=old.add_event("llm.call.start", ONE), interaction_type="start")
    for name, text in (("repr", "{'a': [1, None, True]}"), ("broken", '{"a": [1,'), ("sound", '{"a": 1}')):
        old.add("llm_attributes", llm_interaction_id=call, key=name, value_text=text, value_type="json")
    target, report = migrate(old.path)
    found = attributes(target)
    assert (found["repr"], found["broken"], found["sound"]) == ({"a": [1, None, True]}, '{"a": [1,', {"a": 1})
    assert report.counts["repaired"] == {"python repr": 1, "broken json kept as text": 1}


def test_of_a_name_given_twice_the_last_value_counts_and_the_others_are_kept(old: LegacyWriter) -> None:
    call = old.add("llm_interactions", event_id=old.add_event("llm.call.start", ONE), interaction_type="start")
    for value in ("a", "b", "b", "c"):
        old.add("llm_attributes", llm_interaction_id=call, key="name", value_text=value, value_type="text")
    target, report = migrate(old.path)
    assert attributes(target)["name"] == "c"
    assert attributes(target)["legacy.llm_attributes.name"] == ["a", "b"]
    assert report.counts["repaired"] == {"name given twice": 2}


def test_a_null_value_stays_null(old: LegacyWriter) -> None:
    call = old.add("llm_interactions", event_id=old.add_event("llm.call.start", ONE), interaction_type="start")
    old.add_attributes("llm_attributes", call, nothing=None)
    target, report = migrate(old.path)
    assert attributes(target)["nothing"] is None
    assert report.counts["attributes"] == {"text": 1, "null": 1}


def test_a_session_that_is_only_an_attribute_is_the_session(old: LegacyWriter) -> None:
    call = old.add("llm_interactions", event_id=old.add_event("llm.call.start", ONE), interaction_type="start")
    old.add_attributes("llm_attributes", call, session__id="chat-7")
    target, report = migrate(old.path)
    assert records(target)[0]["session_id"] == "chat-7"
    assert report.counts["sessions"] == {"session.id": 1}
    assert report.filled["sessions"] == 1


def test_a_session_that_only_the_call_names_is_the_session(tmp_path: Path) -> None:
    old = LegacyWriter(tmp_path / "old.db", AFTER_JSON)
    event = old.add_event("llm.call.start", ONE)
    old.add("llm_interactions", event_id=event, interaction_type="start", session_id="chat-8")
    target, report = migrate(old.path)
    assert records(target)[0]["session_id"] == "chat-8"
    assert report.counts["sessions"] == {"llm_interactions.session_id": 1}


def test_tables_that_were_empty_are_filled_from_events_and_attributes(old: LegacyWriter) -> None:
    old.add_event("tool.execution", ONE, span="00000000000000aa", session_id="chat-1")
    old.add_event("tool.result", TWO, span="00000000000000aa", session_id="chat-1")
    target, report = migrate(old.path)
    assert links(target) == [(1, 2, "span")]
    assert report.filled["sessions"] == 1
    assert read(target, "SELECT session_id, logs FROM sessions") == [("chat-1", 2)]


def test_times_of_requests_and_responses_fall_back_to_attribute_and_event(old: LegacyWriter) -> None:
    names = ("request_timestamp", "response_timestamp")
    for number, phase in enumerate(("start", "finish")):
        event = old.add_event(f"llm.call.{phase}", ONE, span="00000000000000a1")
        old.add("llm_interactions", event_id=event, interaction_type=phase, **{names[number]: TWO})
        event = old.add_event(f"llm.call.{phase}", ONE, span="00000000000000a2")
        call = old.add("llm_interactions", event_id=event, interaction_type=phase)
        old.add_attributes("llm_attributes", call, **{f"llm__{names[number].replace('_', '__')}": THREE})
        event = old.add_event(f"llm.call.{phase}", ONE, span="00000000000000a3")
        old.add("llm_interactions", event_id=event, interaction_type=phase)
    target, report = migrate(old.path)
    expected = [(TWO, "record"), (THREE, "attribute"), (ONE, "event")] * 2
    assert [(record["start_time"][:19] + "Z", record["time_source"]) for record in records(target)] == expected
    assert attributes(target)["legacy.events.timestamp"] == ONE
    assert report.counts["timestamps"] == {
        f"{kind} from {source}": 1 for kind in ("request", "response") for source in ("column", "attribute", "event")
    }


@pytest.mark.parametrize("finish", ["finish", "error"])
@pytest.mark.parametrize("lacking", [[], ["interaction_type"]], ids=["by its row", "by the name of the event"])
def test_a_call_has_the_times_of_its_two_columns(old: LegacyWriter, lacking: list[str], finish: str) -> None:
    for phase in ("start", finish):
        event = old.add_event(f"llm.call.{phase}", ONE)
        times = {"request_timestamp": ONE, "response_timestamp": THREE}
        old.add("llm_interactions", event_id=event, interaction_type=phase, model="m", **times)
    drop_columns(old.path, {"llm_interactions": lacking})
    target, _ = migrate(old.path)
    found = read(target, "SELECT request_timestamp, response_timestamp, duration_ms FROM complete_llm_interactions")
    assert found == [("2025-03-29T12:00:01.000000Z", "2025-03-29T12:00:03.000000Z", 2000.0)]


@pytest.mark.parametrize(("start", "end"), [("start_time", "end_time"), ("started_at", "ended_at")])
def test_times_of_sessions_and_spans_are_found_under_other_names(old: LegacyWriter, start: str, end: str) -> None:
    times = {"start_timestamp": ONE, "end_timestamp": THREE}
    old.add("sessions", session_id="chat-1", **times)
    old.add("spans", span_id=SPAN, trace_id=TRACE, name="step", **times)
    old.add_event("note", TWO, session_id="chat-1")
    with closing(sqlite3.connect(old.path)) as connection:
        for table in ("sessions", "spans"):
            connection.execute(f"ALTER TABLE {table} RENAME COLUMN start_timestamp TO {start}")
            connection.execute(f"ALTER TABLE {table} RENAME COLUMN end_timestamp TO {end}")
    target, _ = migrate(old.path)
    expected = [("2025-03-29T12:00:01.000000Z", "2025-03-29T12:00:03.000000Z")]
    assert read(target, "SELECT start_time, end_time FROM spans") == expected
    (session,) = read(target, "SELECT start_time, end_time FROM sessions")
    assert (session[0], session[1][:4]) == (expected[0][0], "2025")


def test_an_event_without_time_takes_that_of_what_is_said_of_it_else_that_of_now(old: LegacyWriter) -> None:
    event = old.add_event("security.content.suspicious", None)
    old.add("security_alerts", event_id=event, detection_timestamp=TWO)
    old.add_event("monitoring.start", "no time")
    target, report = migrate(old.path)
    assert [(record["start_time"][:4], record["time_source"]) for record in records(target)] == [
        ("2025", "attribute"),
        (records(target)[1]["start_time"][:4], "arrival"),
    ]
    assert attributes(target, 1)["original.timestamp"] == "no time"
    assert report.counts["timestamps"] == {"event from attribute": 1, "event from arrival": 1}


def test_naive_utc_and_offset_times_of_one_file_are_the_same_moment(old: LegacyWriter) -> None:
    for text in ("2025-07-01T14:00:00", "2025-07-01 14:00:00.000", "2025-07-01T12:00:00Z", "2025-07-01T07:00:00-05:00"):
        old.add_event("note", text)
    target, _ = migrate(old.path, zone=ZoneInfo("Europe/Madrid"))
    assert {record["start_time"] for record in records(target)} == {"2025-07-01T12:00:00.000000Z"}


def test_a_start_whose_finish_names_another_model_is_linked_with_it(old: LegacyWriter) -> None:
    old.add_call(ONE, TWO)
    target, _ = migrate(old.path)
    assert links(target) == [(1, 2, "span")]
    assert [attributes(target, number)["llm.model"] for number in (0, 1)] == ["gpt-4o", "gpt-4o-2024-08-06"]


def test_two_starts_and_two_finishes_of_one_span_are_two_pairs(old: LegacyWriter) -> None:
    for name, time in (("start", ONE), ("start", TWO), ("finish", THREE), ("finish", "2025-03-29T12:00:04Z")):
        old.add_event(f"llm.call.{name}", time)
    target, report = migrate(old.path)
    assert links(target) == [(1, 3, "span"), (2, 4, "span")]
    assert report.counts["pairs"] == {"span": 2}


def test_an_error_is_the_finish_of_its_call(old: LegacyWriter) -> None:
    old.add_call(ONE, TWO, finish="error")
    target, _ = migrate(old.path)
    assert links(target) == [(1, 2, "span")]


def test_records_without_a_span_are_paired_by_time_in_their_session(old: LegacyWriter) -> None:
    old.add_event("monitoring.start", ONE, span=None, session_id="a")
    old.add_event("monitoring.stop", TWO, span=None, session_id="a")
    old.add_event("monitoring.start", ONE, span=None, session_id="b", trace_id=None)
    target, report = migrate(old.path)
    assert links(target) == [(1, 2, "temporal")]
    assert report.counts["pairs"] == {"temporal": 1, "none": 1}


def test_orphan_rows_are_records_of_their_own(old: LegacyWriter) -> None:
    event = old.add_event("llm.call.start", ONE, agent_id="nobody", session_id="gone", trace_id="run-1", span="s-1")
    old.add("sessions", session_id="other")
    old.add("agents", agent_id="guide")
    call = old.add("llm_interactions", event_id=event + 5, interaction_type="finish", response_timestamp=TWO, model="m")
    old.add_attributes("llm_attributes", call, llm__usage__input_tokens=3)
    old.add_attributes("tool_attributes", 77, tool__name="search")
    target, report = migrate(old.path)
    found = {record["event_name"]: record for record in records(target)}
    assert found["llm.call.start"]["session_id"] == "gone"
    assert found["llm.call.start"]["attributes"]["original.trace_id"] == "run-1"
    assert found["llm.call.finish"]["start_time"][:19] == TWO[:19]
    assert found["llm.call.finish"]["attributes"]["llm.usage.input_tokens"] == 3
    assert found["llm.call.finish"]["attributes"]["legacy.llm_interactions.event_id"] == event + 5
    assert found["tool.execution"]["attributes"]["tool.name"] == "search"
    assert report.counts["orphans"] == {
        "llm_interactions without events": 1,
        "tool_attributes without tool_interactions": 1,
        "events without agents": 1,
        "events without spans": 1,
        "events without traces": 1,
        "events without sessions": 1,
    }


def test_attributes_find_their_row_in_whatever_order_they_stand(old: LegacyWriter) -> None:
    calls = [
        old.add("llm_interactions", event_id=old.add_event(f"llm.call.{phase}", ONE), interaction_type=phase)
        for phase in ("start", "finish")
    ]
    for name in "abc":
        for call in calls:
            old.add_attributes("llm_attributes", call, **{name: f"{name}{call}"})
    target, report = migrate(old.path)
    for number, call in enumerate(calls):
        assert {name: attributes(target, number)[name] for name in "abc"} == {name: f"{name}{call}" for name in "abc"}
    assert report.counts["attributes"] == {"text": 6}


def test_attributes_of_one_missing_row_or_of_none_are_one_record_each(old: LegacyWriter) -> None:
    old.add_event("note", ONE)
    old.add_attributes("security_attributes", 7, security__severity="high")
    old.add("security_alert_triggers", security_alert_id=7, triggering_event_id=1)
    for name in "ab":
        old.add("llm_attributes", llm_interaction_id=None, key=name, value_text="x", value_type="text")
    target, report = migrate(old.path)
    assert [record["event_name"] for record in records(target)] == ["note", "llm.call.finish", "security.alert"]
    assert [attributes(target, 1)[name] for name in "ab"] == ["x", "x"]
    assert attributes(target, 2)["security.severity"] == "high"
    assert len(attributes(target, 2)["legacy.security_alert_triggers"]) == 1
    assert report.counts["orphans"]["llm_attributes without llm_interactions"] == 2


def test_an_alert_that_precedes_the_call_it_warns_of_is_of_the_span_of_the_call(old: LegacyWriter) -> None:
    alert = old.add_event("security.content.suspicious", ONE)
    warning = old.add("security_alerts", event_id=alert, alert_level="suspicious")
    old.add_call(TWO, THREE)
    old.add("security_alert_triggers", security_alert_id=warning, triggering_event_id=2)
    target, _ = migrate(old.path)
    assert {(record["trace_id"], record["span_id"]) for record in records(target)} == {(TRACE, SPAN)}
    triggers = attributes(target)["legacy.security_alert_triggers"]
    assert triggers == [{"id": 1, "security_alert_id": warning, "triggering_event_id": 2}]


def test_a_session_used_by_two_agents_is_one_session_of_two_services(old: LegacyWriter) -> None:
    for agent in ("a", "b"):
        old.add_event("note", ONE, agent_id=agent, session_id="shared")
    target, _ = migrate(old.path)
    assert read(target, "SELECT session_id, logs FROM sessions") == [("shared", 2)]
    assert read(target, "SELECT DISTINCT service_name FROM logs ORDER BY 1") == [("a",), ("b",)]


def test_one_trace_for_a_whole_process_run_keeps_its_sessions_apart(old: LegacyWriter) -> None:
    for number in range(4):
        span, times = f"{number + 1:016x}", [f"2025-03-29T12:0{number}:0{second}Z" for second in (1, 2)]
        old.add_call(*times, span=span, events={"session_id": f"chat-{number % 2}"})
    target, _ = migrate(old.path)
    assert read(target, "SELECT session_id, logs FROM sessions ORDER BY 1") == [("chat-0", 4), ("chat-1", 4)]
    assert len(links(target)) == 4


def test_foreign_keys_that_are_broken_do_not_stop_it_and_doctor_is_content(old: LegacyWriter) -> None:
    old.add_event("note", ONE, session_id="nowhere", span="00000000000000ab")
    old.add("sessions", session_id="chat", agent_id="nobody")
    target, _ = migrate(old.path, into=False)
    assert records(target)[0]["session_id"] == "nowhere"
    assert [finding for finding in diagnose(resolve_settings(target)) if finding.severity == "problem"] == []


def test_a_span_without_times_or_name_takes_those_of_its_events(old: LegacyWriter) -> None:
    old.add("spans", span_id=SPAN, trace_id=TRACE, parent_span_id="root")
    old.add("spans", span_id="00000000000000ff", trace_id=TRACE)
    old.add_call(ONE, TWO)
    target, report = migrate(old.path)
    columns = "span_id, name, substr(start_time, 1, 19) || 'Z', substr(end_time, 1, 19) || 'Z', start_time_source"
    first, second = read(target, f"SELECT {columns} FROM spans ORDER BY span_id DESC")
    assert first == (SPAN, "llm.call.finish", ONE, TWO, "event")
    assert (second[0], second[1], second[4]) == ("00000000000000ff", "unknown", "arrival")
    assert report.counts["timestamps"]["span start from event"] == 1


def test_no_column_is_lost(old: LegacyWriter) -> None:
    """Every value of every table is somewhere in what was made of it."""
    every: dict[str, dict[str, Any]] = {}
    for table in TEXT_KEYS:
        names = [column.split()[0] for column in TEXT_KEYS[table].split(", ")]
        every[table] = {column: f"{table} {column}" for column in names if column not in ("id", "value_numeric")}
    keys = {"events": {"id": 1}, **{name: {"id": 1} for name in ("llm_interactions", "security_alerts")}}
    for table, columns in every.items():
        refers = {name: 1 for name in columns if name in ("event_id", "llm_interaction_id", "security_alert_id")}
        times = {name: ONE for name in columns if name in ("timestamp",)}
        value = {"value_type": "text"} if "value_type" in columns else {}
        old.add(table, **columns | refers | times | value | keys.get(table, {}))
    target, _ = migrate(old.path)
    text = json.dumps(read(target, "SELECT * FROM logs") + read(target, "SELECT * FROM spans"))
    skipped = {"value_boolean", "value_type"}
    missing = [
        value
        for table, columns in every.items()
        for column, value in columns.items()
        if column not in skipped
        and column not in ("event_id", "timestamp", "llm_interaction_id", "security_alert_id")
        and value not in text
    ]
    assert missing == []


def test_text_that_is_no_utf8_and_bytes_cost_only_themselves(old: LegacyWriter) -> None:
    call = old.add("llm_interactions", event_id=old.add_event("llm.call.start", ONE), interaction_type="start")
    old.add_attributes("llm_attributes", call, plain="ä", raw="x")
    with closing(sqlite3.connect(old.path)) as connection:
        connection.execute("UPDATE llm_attributes SET value_text = CAST(x'61ff62' AS TEXT) WHERE key = 'raw'")
        connection.execute("UPDATE llm_attributes SET value_text = x'00ff' WHERE key = 'plain'")
        connection.commit()
    target, report = migrate(old.path)
    assert attributes(target)["raw"].startswith("a")
    assert attributes(target)["plain"] == "AP8="
    assert report.counts["repaired"] == {"text that was no UTF-8": 1}


@pytest.mark.parametrize("role", ["events", "llm_interactions"])
def test_a_file_that_lacks_what_makes_the_shape_is_not_recognised(tmp_path: Path, role: str) -> None:
    path = tmp_path / "old.db"
    columns = {"events": "id INTEGER PRIMARY KEY, name TEXT, timestamp TEXT, trace_id TEXT"}
    columns["llm_interactions"] = "id INTEGER PRIMARY KEY, event_id INTEGER"
    for tables, is_legacy in ((columns | {role: "id INTEGER PRIMARY KEY, what TEXT"}, False), (columns, True)):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            for name, text in tables.items():
                connection.execute(f"CREATE TABLE {name} ({text})")
        assert (find_legacy_file(str(path), busy_timeout_ms=0) is not None) is is_legacy


@pytest.mark.parametrize(
    ("table", "dropped", "said"),
    [
        ("events", "name", "`events` has no column `name`"),
        ("events", "trace_id span_id agent_id", "`events` has no column `trace_id` or `span_id` or `agent_id`"),
        ("llm_attributes", "key", "`llm_attributes` has no column `key`"),
        ("llm_attributes", "llm_interaction_id", "no column `llm_interaction_id` or `interaction_id`"),
        ("llm_attributes", "value_text value_numeric value_boolean", "no column `value_text` or `value_numeric` or"),
    ],
)
def test_a_file_that_nearly_has_the_layout_is_told_which_column_it_lacks(
    tmp_path: Path, table: str, dropped: str, said: str
) -> None:
    tables = {name: TEXT_KEYS[name] for name in ("events", "llm_attributes")}
    path = LegacyWriter(tmp_path / "old.db", tables).path
    drop_columns(path, {table: dropped.split()})
    with pytest.raises(ForeignFileError, match="looks like a file of attribute rows") as raised:
        identify_file(str(path), busy_timeout_ms=0)
    assert said in str(raised.value)


@pytest.mark.parametrize("exists", [False, True])
def test_the_other_file_has_no_free_pages(tmp_path: Path, exists: bool) -> None:
    write_typical(tmp_path / "old.db")
    if exists:
        with exporting(tmp_path / "new.db") as exporter:
            exporter.export(make_spans("before"))
    target, _ = migrate(tmp_path / "old.db")
    assert read(target, "PRAGMA freelist_count") == [(0,)]


def pack_with_little_memory(path: str) -> None:
    """A program: packs a file of 16 MB where SQLite has 8 MB."""
    with closing(open_writer(path, busy_timeout_ms=1_000)) as connection:
        connection.execute("CREATE TABLE large (text)")
        connection.executemany("INSERT INTO large VALUES (zeroblob(?))", [(16_000,)] * 1_000)
        connection.execute("DELETE FROM large WHERE rowid % 4 = 0")
        connection.execute("PRAGMA cache_size = -1000")
        connection.execute("PRAGMA shrink_memory")
        connection.execute("PRAGMA hard_heap_limit = 8000000")
        conversion._release_pages(connection, is_new=True)
        print(json.dumps(connection.execute("PRAGMA freelist_count").fetchone()))


def test_packing_does_not_hold_the_file_in_memory(path: Path) -> None:
    assert in_new_process(pack_with_little_memory, path) == [0]
