# SPDX-License-Identifier: Apache-2.0
"""`export`: what comes out of a file as OTLP makes the same file again, and is what other tools of OTLP read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from otel_sqlite_exporter import SQLiteLogRecordExporter, SQLiteSpanExporter
from otel_sqlite_exporter.model.plural import count
from otel_sqlite_exporter.model.values import decode_attributes
from otel_sqlite_exporter.query.exports import otlp_export
from tests import strategies
from tests.commands import run, run_here
from tests.conftest import exporting, make_spans, modules_after, read
from tests.integration.test_round_trip import _contexts, _record
from tests.integration.test_round_trip import _spans as _any_spans
from tests.source_files import make_agent_spans, make_events, make_logs, view_rows, write_lines, write_otlp_lines


@pytest.fixture
def filled(path: Path) -> Path:
    """A file of spans and log records of one session, and of spans and events of others."""
    with exporting(path) as exporter:
        exporter.export(make_agent_spans())
        exporter.export(make_spans("other", attributes={"session.id": "chat-2"}))
    logs = SQLiteLogRecordExporter(path)
    logs.export(make_logs())
    logs.shutdown()
    return path


def export_again(path: Path, into: Path, *arguments: str) -> None:
    """Export, and import what came of it."""
    lines = into.with_suffix(".jsonl")
    exported = run_here("export", path, "--output", lines, *arguments)
    assert exported.exit_code == 0, exported.output
    imported = run_here("import", lines, "--into", into)
    assert imported.exit_code == 0, imported.output


def _fits(value: Any) -> bool:
    """Whether OTLP has a value for it: its integers are of 64 bits."""
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_fits, value))
    return not isinstance(value, int) or -(2**63) <= value < 2**63


_attributes = strategies.attributes.filter(_fits)
_times = st.integers(1, strategies.HIGHEST_NS)  # 0 is OTLP's unknown time
_spans = _any_spans.flatmap(
    lambda span: st.fixed_dictionaries(
        {
            "attributes": _attributes,
            "events": st.lists(st.tuples(strategies.names, _attributes, _times), max_size=3),
            "links": st.lists(st.tuples(_contexts, _attributes), max_size=2),
            "start_time": _times,
            "end_time": _times,
        }
    ).map(lambda fitting: {**span, **fitting})
)
_logs = st.fixed_dictionaries(
    {
        "timestamp": st.one_of(st.none(), _times),
        "observed_timestamp": _times,
        "severity_number": st.one_of(st.none(), st.sampled_from(SeverityNumber)),
        "severity_text": st.one_of(st.none(), strategies.texts),
        "event_name": st.one_of(st.none(), strategies.texts, st.sampled_from(["llm.call.start", "llm.call.finish"])),
        "body": strategies.values.filter(_fits),
        "attributes": _attributes,
        "context": st.one_of(st.none(), _contexts.map(NonRecordingSpan).map(set_span_in_context)),
    }
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    spans=st.lists(_spans, max_size=4),
    logs=st.lists(_logs, max_size=4),
    resource=_attributes,
    scope=st.tuples(strategies.texts, st.one_of(st.none(), strategies.texts), _attributes),
)
def test_what_is_exported_and_imported_is_the_same_in_every_view(
    spans: list[dict[str, Any]],
    logs: list[dict[str, Any]],
    resource: dict[str, Any],
    scope: tuple[str, str | None, dict[str, Any]],
) -> None:
    with TemporaryDirectory() as folder:
        path, into = Path(folder, "otel.db"), Path(folder, "again.db")
        limits = SpanLimits(max_span_attributes=4, max_events=2, max_links=1, max_event_attributes=3)
        described = Resource(resource, "https://schema.example")
        provider = TracerProvider(ALWAYS_ON, described, span_limits=limits)
        provider.add_span_processor(SimpleSpanProcessor(SQLiteSpanExporter(path)))
        tracer = provider.get_tracer(scope[0] or "tracer", scope[1], attributes=scope[2])
        for span in spans:
            _record(tracer, span)
        provider.shutdown()
        logger_provider = LoggerProvider(described, shutdown_on_exit=False)
        logger_provider.add_log_record_processor(SimpleLogRecordProcessor(SQLiteLogRecordExporter(path)))
        logger = logger_provider.get_logger(scope[0] or "logger", scope[1], attributes=scope[2])
        for log in logs:
            logger.emit(LogRecord(**log))
        logger_provider.shutdown()
        if not spans and not logs:
            return
        export_again(path, into)
        # What came of no time of its own is at a time of its own then.
        unlike = ("time_source", "start_time_source", "end_time_source")
        assert view_rows(into, without=unlike) == view_rows(path, without=unlike)
        observed = "SELECT observed_time_unix_nano FROM logs ORDER BY 1"
        assert read(into, observed) == read(path, observed)


def test_all_of_a_file_is_there_again_and_other_tools_read_it(filled: Path, tmp_path: Path) -> None:
    export_again(filled, tmp_path / "again.db")
    assert view_rows(tmp_path / "again.db") == view_rows(filled)
    lines = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [["resourceSpans"], ["resourceLogs"]]
    # Protobuf's own mapping has ids in base64; everything else must be what its parser takes.
    text = re.sub(r'"(traceId|spanId|parentSpanId)":"\w+"', r'"\1":"AAAA"', json.dumps(lines[0], separators=(",", ":")))
    ours: Any = ParseDict(json.loads(text), ExportTraceServiceRequest())
    theirs = encode_spans(make_agent_spans())
    for one, other in zip(_spans_of(ours), _spans_of(theirs), strict=False):
        if one.name == other.name:
            assert (one.kind, one.status, list(one.events[0:0])) == (other.kind, other.status, [])
            assert {key.key for key in one.attributes} == {key.key for key in other.attributes}
    assert ours.resource_spans[0].schema_url == theirs.resource_spans[0].schema_url
    assert ours.resource_spans[0].scope_spans[0].scope == theirs.resource_spans[0].scope_spans[0].scope


def _spans_of(message: Any) -> Iterator[Any]:
    for group in message.resource_spans:
        for scoped in group.scope_spans:
            yield from sorted(scoped.spans, key=lambda span: span.start_time_unix_nano)


def test_what_came_of_files_is_there_again(path: Path, tmp_path: Path) -> None:
    otlp, events = write_otlp_lines(tmp_path / "a", make_agent_spans(), make_logs()), make_events(700)
    run_here("import", otlp, write_lines(tmp_path / "b", events), "--into", path)
    export_again(path, tmp_path / "again.db")
    assert view_rows(tmp_path / "again.db") == view_rows(path)
    assert read(tmp_path / "again.db", "SELECT count(*) FROM logs") == [(1_410,)]


@pytest.mark.parametrize(
    ("arguments", "spans", "logs"),
    [
        ((), 5, 9),
        (("--session", "chat-1"), 4, 6),
        (("--session", "chat-2"), 1, 0),
        (("--signal", "logs"), 0, 9),
        (("--signal", "traces"), 5, 0),
        (("--since", "2026-01-01T00:00Z"), 5, 0),
        (("--until", "2026-01-01T00:00Z"), 0, 9),
        (("--since", "1h", "--session", "chat-2"), 1, 0),
    ],
)
def test_what_is_exported_can_be_chosen(filled: Path, arguments: tuple[str, ...], spans: int, logs: int) -> None:
    code, out, err = run("export", filled, *arguments)
    assert (code, err) == (0, f"exported {count(spans, 'span')}, {count(logs, 'log record')}\n")
    found = [json.loads(line) for line in out.splitlines()]
    assert _count(found, "resourceSpans", "scopeSpans", "spans") == spans
    assert _count(found, "resourceLogs", "scopeLogs", "logRecords") == logs


def _count(lines: list[Any], top: str, middle: str, bottom: str) -> int:
    groups = [group for line in lines for group in line.get(top, ())]
    return sum(len(scoped[bottom]) for group in groups for scoped in group[middle])


def test_a_trace_is_found_by_the_beginning_of_its_id(filled: Path) -> None:
    ((trace_id,),) = read(filled, "SELECT trace_id FROM spans WHERE name = 'other'")
    code, out, err = run("export", filled, "--trace", trace_id[:12])
    assert (code, err) == (0, "exported 1 span, 0 log records\n")
    assert trace_id in out
    code, out, err = run("export", filled, "--trace", "nonsense")
    assert (code, out) == (2, "")
    assert err.startswith("Error: there is no trace 'nonsense'")


def test_a_session_is_found_by_the_beginning_of_its_id(filled: Path) -> None:
    whole, part = run("export", filled, "--session", "chat-2"), run("export", filled, "--session", "chat-")
    assert whole[0] == 0
    assert part[0] == 2
    assert part[2].startswith("Error: several sessions start with 'chat-'")
    code, out, err = run("export", filled, "--session", "typo")
    assert (code, out) == (2, "")
    assert err.startswith("Error: there is no session 'typo'")


def test_pages_of_one_file_lose_and_repeat_nothing(path: Path, tmp_path: Path) -> None:
    with exporting(path) as exporter:
        for number in range(3):
            exporter.export(make_spans(*(f"{number}/{place}" for place in range(512))))
    export_again(path, tmp_path / "again.db")
    assert view_rows(tmp_path / "again.db") == view_rows(path)
    assert len((tmp_path / "again.jsonl").read_text().splitlines()) == 3


def test_a_span_that_runs_is_left_out_and_said_so(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("done"))
        exporter.export_open([TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("runs")])  # type: ignore[list-item]
    code, out, err = run("export", path)
    assert (code, err) == (0, "exported 1 span, 0 log records; left out: 1 running span\n")
    assert "runs" not in out


def test_what_otlp_cannot_say_is_said_as_near_as_it_can(path: Path, tmp_path: Path) -> None:
    with exporting(path, capture_limit=3) as exporter:
        exporter.export(make_spans("one", attributes={"large": 2**70, "cut": "abcdef", "deep": _nested(90)}))
    export_again(path, tmp_path / "again.db")
    (row,) = read(tmp_path / "again.db", "SELECT attributes, attribute_types FROM spans")
    assert decode_attributes(*row) == {"large": 2**70, "cut": "abc", "deep": _nested(90)}


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_file_to_write_is_whole_or_not_there(filled: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("what was there")
    before = sorted(os.listdir(tmp_path))
    assert run("export", filled, "--trace", "nonsense", "--output", output)[0] == 2
    assert (output.read_text(), sorted(os.listdir(tmp_path))) == ("what was there", before)
    assert run("export", filled, "--output", output)[:2] == (0, "")
    assert output.stat().st_mode & 0o777 == 0o600
    assert len(output.read_text().splitlines()) == 2


def test_the_file_that_is_read_is_not_written_over(filled: Path) -> None:
    code, _, err = run("export", filled, "--output", filled)
    assert code == 2
    assert re.fullmatch(r"Error: --output: .* is the file that is exported: give another\n", err)
    for ending in ("-wal", "-shm", "-journal", "-spool"):
        code, _, err = run("export", filled, "--output", f"{filled}{ending}")
        assert (code, err.split("' ")[1]) == (2, "belongs to the file that is exported: give another name\n")
    assert read(filled, "SELECT count(*) FROM spans") == [(5,)]


def test_a_file_that_is_not_there_is_one_sentence(path: Path) -> None:
    code, out, err = run("export", path)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"Error: .* does not exist: .*\n", err)
    code, out, err = run("export", path, "--since", "soon")
    assert (code, out) == (2, "")


def test_an_export_loads_nothing_of_opentelemetry(filled: Path, tmp_path: Path) -> None:
    loaded = modules_after(
        "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2); "
        "from otel_sqlite_exporter.cli.commands import cli; "
        f"cli(['export', {str(filled)!r}, '--output', {str(tmp_path / 'out')!r}], standalone_mode=False)"
    )
    assert "otel_sqlite_exporter.otlp.otlp_encoder" in loaded
    assert [name for name in loaded if name.partition(".")[0] in ("opentelemetry", "google", "rich")] == []


def test_a_session_of_many_pages_is_whole_and_in_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"step {number:02}" for number in range(30)]
    with exporting(path) as exporter:
        exporter.export(make_spans(*names, attributes={"session.id": "long"}))
        exporter.export(make_spans("other", attributes={"session.id": "short"}))
    monkeypatch.setattr(otlp_export, "PAGE", 7)
    lines = [json.loads(line) for line in run_here("export", path, "--session", "long").stdout.splitlines()]
    found = [
        [span["name"] for one in line["resourceSpans"] for span in one["scopeSpans"][0]["spans"]] for line in lines
    ]
    assert [len(page) for page in found] == [7, 7, 7, 7, 2]
    assert [name for page in found for name in page] == names
