# SPDX-License-Identifier: Apache-2.0
"""Everything that OTLP can hold as a value comes out of a file as it went in, wherever it stands."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter import SQLiteLogRecordExporter, TelemetryDatabase
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run_here
from tests.conftest import exporting, health, read

pytestmark = pytest.mark.core

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
JSON = dict[str, Any]

texts = st.one_of(st.text(max_size=5), st.sampled_from(["", "\0", "a\0b", "é😀", "[redacted]"]))
keys = st.one_of(st.sampled_from(["a", "b", "a/b", "~", '"', "é", "a.b"]), st.text(min_size=1, max_size=3))
doubles = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["NaN", "Infinity", "-Infinity"]))
scalars = st.one_of(
    st.just({}),
    texts.map(lambda text: {"stringValue": text}),
    st.booleans().map(lambda flag: {"boolValue": flag}),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: {"intValue": str(number)}),
    doubles.map(lambda number: {"doubleValue": number}),
    st.binary(max_size=4).map(lambda raw: {"bytesValue": base64.b64encode(raw).decode()}),
)


def pairs(values: st.SearchStrategy[JSON]) -> st.SearchStrategy[list[JSON]]:
    """KeyValues, also of the same key."""
    return st.lists(st.builds(lambda key, value: {"key": key, "value": value}, keys, values), max_size=4)


values: st.SearchStrategy[JSON] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: {"arrayValue": {"values": items}}),
        pairs(inner).map(lambda items: {"kvlistValue": {"values": items}}),
    ),
    max_leaves=8,
)
attributes = pairs(values)


def import_and_export(folder: Path, *messages: JSON) -> list[JSON]:
    """What comes out of a file into which these messages went; the file says that nothing was altered."""
    source, path, target = folder / "in.jsonl", folder / "otel.db", folder / "out.jsonl"
    source.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    imported = run_here("import", source, "--into", path)
    assert (imported.exit_code, "altered" in imported.output) == (0, False), imported.output
    assert run_here("export", path, "--output", target).exit_code == 0
    done = reindex(resolve_settings(path))
    assert (done.changed_spans, done.changed_logs) == (0, 0)
    return [json.loads(line) for line in target.read_text().removesuffix("\n").split("\n")]


def by_key(found: list[JSON]) -> list[JSON]:
    """Resources and scopes are stored with their keys in order; equal keys stay in their order."""
    return sorted(found, key=lambda item: item["key"])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(*[attributes] * 6, values)
def test_any_value_goes_in_and_comes_out(
    resource: list[JSON],
    scope: list[JSON],
    span: list[JSON],
    event: list[JSON],
    link: list[JSON],
    log: list[JSON],
    body: JSON,
) -> None:
    ids = {"traceId": TRACE, "spanId": SPAN}
    times = {"startTimeUnixNano": "5", "endTimeUnixNano": "7"}
    events = [{"timeUnixNano": "6", "name": "e", "attributes": event}]
    links = [{**ids, "attributes": link}]
    told = {"resource": {"attributes": resource}}
    named = {"scope": {"name": "s", "attributes": scope}}
    spans = [{**ids, **times, "name": "n", "attributes": span, "events": events, "links": links}]
    logs = [{"timeUnixNano": "5", "attributes": log, "body": body}]
    with TemporaryDirectory() as folder:
        traces, records = import_and_export(
            Path(folder),
            {"resourceSpans": [told | {"scopeSpans": [named | {"spans": spans}]}]},
            {"resourceLogs": [told | {"scopeLogs": [named | {"logRecords": logs}]}]},
        )
    for group, inner, bottom in (
        (traces["resourceSpans"][0], "scopeSpans", "spans"),
        (records["resourceLogs"][0], "scopeLogs", "logRecords"),
    ):
        assert group["resource"]["attributes"] == by_key(resource)
        scoped = group[inner][0]
        assert scoped["scope"].get("attributes", []) == by_key(scope)
        (record,) = scoped[bottom]
        assert record.get("attributes", []) == (span if bottom == "spans" else log)
        if bottom == "spans":
            assert record["events"][0].get("attributes", []) == event
            assert record["links"][0].get("attributes", []) == link
        else:
            assert record.get("body", {}) == body


def message(*attributes: Any, resource: Any = (), **fields: Any) -> JSON:
    span = {"traceId": TRACE, "spanId": SPAN, "startTimeUnixNano": "5", "attributes": list(attributes), **fields}
    told = {"attributes": list(resource)}
    return {"resourceSpans": [{"resource": told, "scopeSpans": [{"spans": [span, {**span, "spanId": SPAN[::-1]}]}]}]}


@pytest.mark.parametrize("kind", ["stringValue", "intValue", "doubleValue", "boolValue", "bytesValue", "arrayValue"])
@pytest.mark.parametrize("place", ["span", "resource"])
def test_a_value_that_is_null_is_null(kind: str, place: str, tmp_path: Path, path: Path) -> None:
    pair = {"key": "a", "value": {kind: None}}
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(message(pair) if place == "span" else message(resource=[pair])))
    assert run_here("import", source, "--into", path).exit_code == 0
    column = "attributes" if place == "span" else "resource_attributes"
    assert read(path, f"SELECT {column} FROM spans") == [('{"a":null}',)] * 2
    assert health(path, "repaired", "quarantined") == (0, 0)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"bytesValue": "***"}, "***"),
        ({"intValue": "soon"}, "soon"),
        ({"stringValue": 5}, "5"),
        ({"doubleValue": [1]}, "[1]"),
        ({"arrayValue": 5}, "5"),
        ("plain", "plain"),
        ([1], "[1]"),
    ],
)
@pytest.mark.parametrize("place", ["span", "resource", "list", "event"])
def test_a_value_that_cannot_be_read_costs_itself_and_is_counted(
    value: Any, kept: str, place: str, tmp_path: Path, path: Path
) -> None:
    pair = {"key": "a", "value": {"arrayValue": {"values": [value]}} if place == "list" else value}
    made = {
        "resource": message(resource=[pair]),
        "event": message(events=[{"name": "e", "timeUnixNano": "6", "attributes": [pair]}]),
    }.get(place) or message(pair)
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(made))
    imported = run_here("import", source, "--into", path)
    counted = 1 if place == "resource" else 2
    assert imported.exit_code == 1
    assert imported.output.endswith(f", {counted} {'value was' if counted == 1 else 'values were'} altered\n")
    views = {"resource": "resource_attributes FROM spans", "event": "attributes FROM events WHERE name = 'e'"}
    expected = {"a": [kept]} if place == "list" else {"a": kept}
    found = read(path, f"SELECT {views.get(place, 'attributes FROM spans')}")
    assert [json.loads(text) for (text,) in found] == [expected] * 2
    assert health(path, "repaired", "quarantined") == (counted, 0)


@pytest.mark.row(
    "What is not a value of OTLP in an import, such as bytes that are not base64",
    "An unknown kind, status code or severity number in an import",
)
def test_what_is_altered_is_counted_and_said(tmp_path: Path, path: Path) -> None:
    log = {"severityNumber": "HIGH", "severityText": "HIGH", "body": {"bytesValue": "***"}}
    source = tmp_path / "in.jsonl"
    lines = [message(kind="SERVER", status={"code": "BAD"}), {"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}]
    source.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert run_here("import", source, "--into", path).output.endswith(", 6 values were altered\n")
    assert read(path, "SELECT severity_number, severity_text, body FROM logs") == [(None, "HIGH", '"***"')]
    assert set(read(path, "SELECT kind, status FROM spans")) == {("INTERNAL", "ok")}
    assert json.loads(run_here("import", source, "--into", path.with_name("b.db"), "--json").stdout)["repaired"] == 6


def test_of_a_key_that_occurs_twice_the_last_value_counts_and_all_are_kept(tmp_path: Path) -> None:
    twice = [{"key": "session.id", "value": {"stringValue": name}} for name in ("first", "second", "last")]
    (line,) = import_and_export(tmp_path, message(*twice))
    assert line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] == twice
    path = tmp_path / "otel.db"
    stored = '{"session.id\ufffd1":"first","session.id\ufffd2":"second","session.id":"last"}'
    types = '{"/session.id\ufffd1":"again","/session.id\ufffd2":"again"}'
    assert set(read(path, "SELECT attributes, attribute_types, session_id FROM spans")) == {(stored, types, "last")}


def test_values_nest_as_deep_as_they_are_stored(tmp_path: Path, path: Path) -> None:
    value: JSON = {"stringValue": "x"}
    for _ in range(120):
        value = {"arrayValue": {"values": [value]}}
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(message({"key": "a", "value": value}, {"key": "b", "value": {"intValue": "1"}})))
    assert run_here("import", source, "--into", path).exit_code == 1
    assert health(path, "repaired") == (2,)
    assert [row[0] for row in read(path, "SELECT attributes ->> '$.b' FROM spans")] == [1, 1]


def test_the_sdk_may_hold_any_of_them(path: Path) -> None:
    held: dict[str, Any] = {
        "map": {"a": None, "b": [1, None, {"c": b"\xff"}]},
        "nan": math.inf,
        "none": None,
        "mixed": [1, "a"],
    }
    scope = InstrumentationScope("s", attributes=held)
    span = ReadableSpan(
        "a", SpanContext(1, 1, False), resource=Resource(held), instrumentation_scope=scope, attributes=held
    )
    with exporting(path) as exporter:
        exporter.export([span])
    logs = SQLiteLogRecordExporter(path)
    logs.export([ReadableLogRecord(LogRecord(body=held, attributes=held), Resource({}), scope)])
    logs.shutdown()
    (stored,) = TelemetryDatabase(path).find_spans()
    (log,) = TelemetryDatabase(path).find_logs()
    for name, value in held.items():
        assert stored.attribute(name) == log.attribute(name) == value
    assert health(path, "repaired") == (0,)
