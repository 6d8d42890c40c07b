# SPDX-License-Identifier: Apache-2.0
"""The name of a log record or span event, wherever its producer puts it, in everything that depends on names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.maintain import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run, run_here
from tests.conftest import read

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SOURCE_LINE = "event otel/src/events/session_telemetry.rs:1187"


def make_attributes(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def make_record(name: str, place: str, **attributes: Any) -> dict[str, Any]:
    """A log record whose name is in the field `place`, as OTLP has it."""
    record: dict[str, Any] = {"traceId": TRACE, "spanId": SPAN, "observedTimeUnixNano": "1790000000000000000"}
    if place == "attribute":
        record |= {"eventName": SOURCE_LINE}
        attributes["event.name"] = name
    elif place == "empty":
        record |= {"eventName": "", "body": {"stringValue": "a line of text"}}
        attributes["event.name"] = name
    elif place == "body":
        record |= {"body": {"stringValue": name}}
    else:
        record |= {"eventName": name}
    return record | {"attributes": make_attributes(**attributes)}


PLACES = ["field", "attribute", "empty", "body"]
TOLD = {
    "codex.user_prompt": {"prompt": "a SECRET prompt"},
    "codex.tool_result": {"tool_name": "shell", "call_id": "c1", "arguments": '{"x": "SECRET"}', "output": "a SECRET"},
    "codex.sse_event": {
        "event.kind": "response.completed",
        "model": "m",
        "input_token_count": "900",
        "output_token_count": "50",
    },
    "gen_ai.choice": {"content": "SECRET"},
    "job.start": {},
    "job.finish": {},
    "framework.patch": {"framework.name": "acme"},
    "security.alert": {"security.severity": "high"},
}


def write_records(folder: Path, place: str) -> tuple[Path, list[Any]]:
    """Write records and a span with events of the same names; return the file and its messages."""
    at = 1_790_000_000_000_000_000
    records = [
        make_record(name, place, **attributes) | {"timeUnixNano": str(at + number)}
        for number, (name, attributes) in enumerate(TOLD.items())
    ]
    events = [
        {"timeUnixNano": str(at + number), "name": record.get("eventName", ""), "attributes": record["attributes"]}
        for number, record in enumerate(records)
    ]
    times = {"startTimeUnixNano": str(at), "endTimeUnixNano": str(at + 1000)}
    span = {"traceId": TRACE, "spanId": SPAN, "name": "turn", "kind": 1, "flags": 256, **times, "events": events}
    messages = [
        {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [span]}]}]},
        {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": records}]}]},
    ]
    source = folder / f"{place}.jsonl"
    source.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    return source, messages


@pytest.mark.parametrize("place", PLACES)
def test_all_that_depends_on_a_name_finds_it(tmp_path: Path, path: Path, place: str) -> None:
    source, _ = write_records(tmp_path, place)
    assert run("import", source, "--into", path)[0] == 0
    assert [name for (name,) in read(path, "SELECT event_name FROM logs ORDER BY id")] == [*TOLD]
    sources = ["log"] if place == "body" else ["event", "log"]  # an event of a span has no body
    for view, name in (("framework_events", "framework.patch"), ("security_alerts", "security.alert")):
        assert read(path, f"SELECT name FROM {view}") == [(name,)] * len(sources)
    paired = "SELECT source FROM events WHERE phase = 'finish' AND name = 'job.finish' AND related_event_id IS NOT NULL"
    assert read(path, paired) == [(sources[0],)]  # where the span has the events, its log records repeat them
    calls = read(path, "SELECT DISTINCT dialect, total_tokens FROM complete_llm_interactions WHERE source <> 'span'")
    assert calls == [("codex", 950)]
    tools = read(path, "SELECT DISTINCT tool_name, result FROM complete_tool_interactions")
    assert tools == [("shell", "a SECRET")]
    assert read(path, "SELECT count(*) FROM _messages") == [(len(sources),)]


def test_a_record_is_a_call_by_any_of_its_names(tmp_path: Path, path: Path) -> None:
    source, messages = write_records(tmp_path, "attribute")
    (span,) = messages[0]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    told = [*messages[1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"], *span["events"]]
    for record in told:
        record["eventName" if "eventName" in record else "name"] = "noted"
    source.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    assert run("import", source, "--into", path)[0] == 0
    assert read(path, "SELECT DISTINCT event_name FROM logs") == [("noted",)]
    calls = read(path, "SELECT source, total_tokens FROM complete_llm_interactions ORDER BY 1")
    assert calls == [("event", 950)] * 2
    assert read(path, "SELECT DISTINCT tool_name FROM complete_tool_interactions") == [("shell",)]
    assert reindex.reindex(resolve_settings(path)).changed_spans == 0


@pytest.mark.parametrize("place", PLACES)
def test_content_is_known_by_the_name(tmp_path: Path, path: Path, place: str) -> None:
    source, messages = write_records(tmp_path, place)
    if place == "body":
        messages[0]["resourceSpans"] = []
        source.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    assert run("import", source, "--into", path, OTEL_EXPORTER_SQLITE_CAPTURE_CONTENT="false")[0] == 0
    assert [name for (name,) in read(path, "SELECT event_name FROM logs ORDER BY id")] == [*TOLD]
    stored = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert b"shell" in stored
    assert b"SECRET" not in stored


@pytest.mark.parametrize("place", PLACES)
def test_what_was_recorded_comes_out_again_and_is_read_alike(tmp_path: Path, path: Path, place: str) -> None:
    source, messages = write_records(tmp_path, place)
    assert run_here("import", source, "--into", path).exit_code == 0
    exported = run_here("export", path, "--output", tmp_path / "exported.jsonl")
    assert exported.exit_code == 0, exported.output
    lines = [json.loads(line) for line in (tmp_path / "exported.jsonl").read_text().splitlines()]
    (found,), (span,) = (one[0]["resourceSpans"][0]["scopeSpans"][0]["spans"] for one in (lines, messages))
    assert found["events"] == [
        {key: value for key, value in event.items() if key != "attributes" or value} for event in span["events"]
    ]
    records = lines[1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    for record, original in zip(records, messages[1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"], strict=True):
        assert record.get("eventName", "") == original.get("eventName", "")
        assert (record.get("body"), record.get("attributes", [])) == (original.get("body"), original["attributes"])
    before = read(path, "SELECT * FROM events")
    done = reindex.reindex(resolve_settings(path))
    assert (done.changed_spans, done.changed_logs) == (0, 0)
    assert read(path, "SELECT * FROM events") == before
