# SPDX-License-Identifier: Apache-2.0
"""A number that is too large costs itself only: every view, report and command answers."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.maintain.reindex import reindex
from otel_sqlite_exporter.model.values import LARGEST, encode_attributes
from otel_sqlite_exporter.query.reports import REPORTS
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run_here
from tests.conftest import exporting, read
from tests.source_files import view_rows, write_lines

RESOURCE = Resource({"service.name": "s"})
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a", "session.id": "S"}
CASES = {
    "two of the largest": [LARGEST, LARGEST],
    "the largest and one": [LARGEST, 1],
    "just the largest": [LARGEST - 5, 5],
    "beyond what a double counts": [2**53, 1, 2**53, 3],
    "over both halves": [2**32 - 1, 2**32 - 1, 2],
    "many large ones": [2**53] * 1_100,
    "none": [],
}
KINDS = ("input_tokens", "output_tokens", "total_tokens")


def make_call(number: int, count: int, end: int = 3) -> ReadableSpan:
    usage = {"gen_ai.usage.input_tokens": count, "gen_ai.usage.output_tokens": 0, "gen_ai.usage.total_tokens": count}
    return ReadableSpan(
        "call",
        SpanContext(1, number, False),
        SpanContext(1, 1, False),
        attributes={"gen_ai.operation.name": "chat", "gen_ai.agent.name": "a", **usage},
        resource=RESOURCE,
        start_time=2,
        end_time=end,
    )


def write_calls(path: Path, tokens: list[int]) -> None:
    """Write calls of one agent in one session, which report these numbers of input tokens."""
    root = SpanContext(1, 1, False)
    spans = [ReadableSpan("agent", root, attributes=AGENT, resource=RESOURCE, start_time=1, end_time=9)]
    spans += [make_call(number, count) for number, count in enumerate(tokens, 2)]
    with exporting(path) as exporter:
        for start in range(0, len(spans), 300):
            exporter.export(spans[start : start + 300])


@pytest.mark.parametrize("case", CASES)
def test_a_sum_is_exact_and_stops_at_the_largest_integer(case: str, path: Path) -> None:
    tokens = CASES[case]
    write_calls(path, tokens)
    whole = min(sum(tokens), LARGEST) if tokens else None
    expected = (whole, 0 if tokens else None, whole)
    for view in ("traces", "sessions", "agents", "agent_tree"):
        assert read(path, f"SELECT {', '.join(KINDS)} FROM {view}") == [expected], view
    with closing(sqlite3.connect(path)) as file:
        for (view,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            file.execute(f"SELECT * FROM {view}").fetchall()
    if tokens:
        result = TelemetryDatabase(path).run_report("tokens", group_by="agent")
        assert dict(zip(result.columns, result.rows[0], strict=True))["total_tokens"] == whole


def test_every_report_answers(path: Path) -> None:
    write_calls(path, [LARGEST, LARGEST])
    database = TelemetryDatabase(path)
    for name, report in REPORTS.items():
        for group in report.groups or [None]:
            database.run_report(name, group_by=group)


def test_every_command_answers(path: Path) -> None:
    write_calls(path, [LARGEST, LARGEST, 7])
    (trace,) = read(path, "SELECT trace_id FROM traces")[0]
    asked = [["info"], ["sessions"], ["traces"], ["session", "S"], ["trace", trace], ["llm"], ["reindex"], ["doctor"]]
    asked += [["report", name] for name in REPORTS]
    for arguments in asked:
        for more in ([], ["--json"]):
            done = run_here(*arguments, *more, path)
            assert done.exit_code == 0, (arguments, done.output)
            assert "overflow" not in done.output
    assert json.loads(run_here("sessions", "--json", path).output)["sessions"][0]["total_tokens"] == LARGEST
    assert reindex(resolve_settings(path)).changed_spans == 0


def test_the_sums_of_an_agent_can_be_taken_back(path: Path) -> None:
    """A later version of a span replaces its call."""
    write_calls(path, [LARGEST, 5])
    with exporting(path) as exporter:
        exporter.export([make_call(2, 3, end=4)])
    assert read(path, f"SELECT {', '.join(KINDS)} FROM agents") == [(8, 0, 8)]


@pytest.mark.parametrize("number", [LARGEST, LARGEST + 1, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1])
@pytest.mark.parametrize("place", ["plain", "list", "map"])
def test_an_integer_is_exact_for_sql_too(number: int, place: str, path: Path) -> None:
    value: Any = {"plain": number, "list": [1, number], "map": {"a": number}}[place]
    (pointer, sql) = {"plain": ("/n", "$.n"), "list": ("/n/1", "$.n[1]"), "map": ("/n/a", "$.n.a")}[place]
    with exporting(path) as exporter:
        exporter.export([ReadableSpan("a", SpanContext(1, 1, False), attributes={"n": value, "text": "x"})])
    ((text, types),) = read(path, f"SELECT CAST(attributes ->> '{sql}' AS TEXT), attribute_types FROM spans")
    assert text == str(number)
    fits = -(2**63) <= number <= LARGEST
    assert (json.loads(types) if types else {}) == ({} if fits else {pointer: "int"})
    (span,) = TelemetryDatabase(path).find_spans()
    assert span.attribute("n") == value


@given(st.dictionaries(st.text(max_size=3), st.one_of(st.integers(2**62, 2**65), st.booleans(), st.text(max_size=3))))
def test_only_integers_that_do_not_fit_have_a_type(attributes: dict[str, Any]) -> None:
    encoded = encode_attributes(attributes)
    large = [key for key, value in attributes.items() if type(value) is int and value > LARGEST]
    assert len(json.loads(encoded.types) if encoded.types else {}) == len(large)


@pytest.mark.parametrize("form", ["text", "number"])
@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64 + 1, -(2**63) - 1, -(2**70)])
def test_an_integer_that_sqlite_cannot_hold_goes_in_and_out_of_files(
    number: int, form: str, tmp_path: Path, path: Path
) -> None:
    value = {"intValue": str(number) if form == "text" else number}
    nested = {"arrayValue": {"values": [value, {"kvlistValue": {"values": [{"key": "n", "value": value}]}}]}}
    attributes = [{"key": "n", "value": value}, {"key": "nested", "value": nested}]
    ids = {"traceId": "1" * 32, "spanId": "1" * 16}
    span = {**ids, "startTimeUnixNano": "5", "endTimeUnixNano": "7", "name": "a", "attributes": attributes}
    span["events"] = span["links"] = [{**ids, "timeUnixNano": "5", "name": "e", "attributes": attributes}]
    resource = {"resource": {"attributes": attributes}}
    log = {"timeUnixNano": "5", "body": nested, "attributes": attributes}
    lines = [
        {"resourceSpans": [{**resource, "scopeSpans": [{"spans": [span]}]}]},
        {"resourceLogs": [{**resource, "scopeLogs": [{"logRecords": [log]}]}]},
    ]
    source, copy, exported = write_lines(tmp_path / "in.jsonl", lines), tmp_path / "copy.db", tmp_path / "out.jsonl"
    assert run_here("import", source, "--into", path).exit_code == 0
    assert run_here("export", path, "--output", exported).exit_code == 0
    assert run_here("import", exported, "--into", copy).exit_code == 0
    assert view_rows(copy) == view_rows(path)
    types = {"/n": "int", "/nested/0": "int", "/nested/1/n": "int"}
    for held, kinds in read(
        copy,
        "SELECT attributes, attribute_types FROM spans UNION ALL SELECT resource_attributes,"
        " resource_attribute_types FROM spans UNION ALL SELECT attributes, attribute_types FROM logs"
        " UNION ALL SELECT attributes, attribute_types FROM links",
    ):
        assert json.loads(held) == {"n": str(number), "nested": [str(number), {"n": str(number)}]}
        assert json.loads(kinds) == types
    assert read(copy, "SELECT body, body_type FROM logs") == [
        (f'["{number}",{{"n":"{number}"}}]', '{"/0":"int","/1/n":"int"}')
    ]
