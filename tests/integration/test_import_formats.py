# SPDX-License-Identifier: Apache-2.0
"""What `import` takes: each format in which programs write spans and log records, in any layout and packing."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from otel_sqlite_exporter.imports.byte_streams import ByteStream, read_as_utf8
from otel_sqlite_exporter.imports.importer import Importer
from otel_sqlite_exporter.imports.json_documents import JsonDocuments
from otel_sqlite_exporter.imports.reading_limits import MIB, ReadingLimits
from otel_sqlite_exporter.imports.source_reports import SourceReport
from otel_sqlite_exporter.imports.sources import ImportSource
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import COMMAND, run
from tests.conftest import read
from tests.source_files import make_agent_spans, make_logs

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TRACE, SPAN, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "00f067aa0ba902b8"
SECOND = 1_790_000_000
START, END = SECOND * 10**9 + 133_000_000, (SECOND + 4) * 10**9 + 250_000_000


def otlp_span(number: int = 0, **fields: Any) -> dict[str, Any]:
    span = {
        "traceId": TRACE,
        "spanId": f"{int(SPAN, 16) + 16 * number:016x}",
        "parentSpanId": PARENT,
        "name": "chat m",
        "kind": 3,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(END),
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
        ],
        "status": {"code": 2, "message": "no"},
        "events": [{"name": "retry", "timeUnixNano": str(START)}],
    }
    return span | fields


RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "guide"}}]}
GROUP = {"resource": RESOURCE, "scopeSpans": [{"scope": {"name": "lib"}, "spans": [otlp_span()]}]}
OLD_GROUP = {
    "resource": RESOURCE,
    "instrumentationLibrarySpans": [{"instrumentationLibrary": {"name": "lib"}, "spans": [otlp_span()]}],
}
BASE64_GROUP = {
    "resource": RESOURCE,
    "scopeSpans": [
        {
            "scope": {"name": "lib"},
            "spans": [
                otlp_span(
                    traceId="S/kvNXezTaajzpKdDg5HNg==",
                    spanId="APBnqgupArc=",
                    parentSpanId="APBnqgupArg=",
                    kind="SPAN_KIND_CLIENT",
                    status={"code": "STATUS_CODE_ERROR", "message": "no"},
                )
            ],
        }
    ],
}
SNAKE_SPAN = {
    "trace_id": TRACE,
    "span_id": SPAN,
    "parent_span_id": PARENT,
    "name": "chat m",
    "kind": 3,
    "start_time_unix_nano": START,
    "end_time_unix_nano": END,
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"string_value": "chat", "int_value": None}},
        {"key": "gen_ai.usage.input_tokens", "value": {"int_value": 12}},
    ],
    "status": {"code": 2, "message": "no"},
    "events": [{"name": "retry", "time_unix_nano": START}],
}
ATTRIBUTES = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 12}
JAVASCRIPT_SPAN = {
    "resource": {"attributes": {"service.name": "guide"}},
    "instrumentationScope": {"name": "lib"},
    "traceId": TRACE,
    "spanId": SPAN,
    "parentSpanId": PARENT,
    "name": "chat m",
    "kind": 2,
    "startTime": [SECOND, 133_000_000],
    "endTime": [SECOND + 4, 250_000_000],
    "duration": [4, 117_000_000],
    "status": {"code": 2, "message": "no"},
    "attributes": ATTRIBUTES,
    "links": [],
    "events": [{"name": "retry", "time": [SECOND, 133_000_000], "attributes": {}}],
}
WHOLE_JAVASCRIPT_SPAN = {
    "_spanContext": {"traceId": TRACE, "spanId": SPAN, "traceFlags": 1},
    "parentSpanContext": {"traceId": TRACE, "spanId": PARENT, "traceFlags": 1},
    "kind": 2,
    "name": "chat m",
    "startTime": [SECOND, 133_000_000],
    "endTime": [SECOND + 4, 250_000_000],
    "attributes": ATTRIBUTES,
    "links": [],
    "events": [{"name": "retry", "time": [SECOND, 133_000_000], "attributes": {}}],
    "status": {"code": 2, "message": "no"},
    "_droppedAttributesCount": 0,
    "_ended": True,
    "resource": {"_rawAttributes": [["service.name", "guide"], ["host.id", {}], ["service.name", "later"]]},
    "instrumentationScope": {"name": "lib"},
    "_performanceOffset": -0.5,
}
PYTHON_SPAN = {
    "name": "chat m",
    "context": {"trace_id": f"0x{TRACE}", "span_id": f"0x{SPAN}", "trace_state": "[]"},
    "kind": "SpanKind.CLIENT",
    "parent_id": f"0x{PARENT}",
    "start_time": "2026-09-21T14:13:20.133000Z",
    "end_time": "2026-09-21T14:13:24.250000Z",
    "status": {"status_code": "ERROR", "description": "no"},
    "attributes": ATTRIBUTES,
    "events": [{"name": "retry", "timestamp": "2026-09-21T14:13:20.133000Z", "attributes": {}}],
    "links": [],
    "resource": {"attributes": {"service.name": "guide"}, "schema_url": ""},
}
PHOENIX_SPAN = {
    "id": "U3Bhbjox",
    "name": "chat m",
    "context": {"trace_id": TRACE, "span_id": SPAN},
    "span_kind": "LLM",
    "parent_id": PARENT,
    "start_time": "2026-09-21T14:13:20.133000+00:00",
    "end_time": "2026-09-21T14:13:24.250000+00:00",
    "status_code": "ERROR",
    "status_message": "no",
    "attributes": ATTRIBUTES,
    "events": [{"name": "retry", "timestamp": "2026-09-21T14:13:20.133000+00:00", "attributes": {}}],
}

# Every format of a span, with what it has of the resource, the scope and the kind.
SPANS: dict[str, tuple[Any, tuple[str | None, str | None, str]]] = {
    "message": ({"resourceSpans": [GROUP]}, ("guide", "lib", "CLIENT")),
    "old names": ({"resourceSpans": [OLD_GROUP]}, ("guide", "lib", "CLIENT")),
    "names of the protobuf files": (
        {"resource_spans": [{"scope_spans": [{"spans": [SNAKE_SPAN]}]}]},
        ("unknown_service", None, "CLIENT"),
    ),
    "base64 and names": ({"resourceSpans": [BASE64_GROUP]}, ("guide", "lib", "CLIENT")),
    "Tempo": ({"batches": [BASE64_GROUP]}, ("guide", "lib", "CLIENT")),
    "Tempo, version 2": ({"trace": {"resourceSpans": [BASE64_GROUP]}, "metrics": {}}, ("guide", "lib", "CLIENT")),
    "old Tempo": ({"trace": {"batches": [OLD_GROUP]}}, ("guide", "lib", "CLIENT")),
    "gateway of gRPC": ({"result": {"resourceSpans": [GROUP]}}, ("guide", "lib", "CLIENT")),
    "ResourceSpans": (GROUP, ("guide", "lib", "CLIENT")),
    "old ResourceSpans": (OLD_GROUP, ("guide", "lib", "CLIENT")),
    "ScopeSpans": (GROUP["scopeSpans"][0], ("unknown_service", "lib", "CLIENT")),  # type: ignore[index]
    "Span": (otlp_span(), ("unknown_service", None, "CLIENT")),
    "Phoenix, otlpv1": ({"data": [SNAKE_SPAN], "next_cursor": None}, ("unknown_service", None, "CLIENT")),
    "Phoenix": ({"data": [PHOENIX_SPAN], "next_cursor": None}, ("unknown_service", None, "INTERNAL")),
    "JavaScript": (JAVASCRIPT_SPAN, ("guide", "lib", "CLIENT")),
    "JavaScript, whole": (WHOLE_JAVASCRIPT_SPAN, ("guide", "lib", "CLIENT")),
    "Copilot CLI": ({"type": "span", **JAVASCRIPT_SPAN}, ("guide", "lib", "CLIENT")),
    "Python": (PYTHON_SPAN, ("guide", None, "CLIENT")),
}


@pytest.fixture
def into(tmp_path: Path) -> Callable[..., SourceReport]:
    """Imports bytes into `otel.db`, in this process."""

    def import_bytes(content: bytes, limits: ReadingLimits | None = None) -> SourceReport:
        return import_here(content, tmp_path / "otel.db", limits)

    return import_bytes


def import_here(content: bytes, path: Path, limits: ReadingLimits | None = None) -> SourceReport:
    with closing(Importer(resolve_settings(path), None)) as importer:
        return importer.import_source(ImportSource("source", io.BytesIO(content), limits), lambda _: None)


@pytest.mark.parametrize("name", SPANS)
def test_a_span_of_each_format_is_the_span(name: str, path: Path, into: Callable[..., SourceReport]) -> None:
    value, (service, scope, kind) = SPANS[name]
    indented = json.dumps([value], indent=1).encode()
    for content in (json.dumps(value).encode(), indented):
        report = into(content)
    assert (report.refused, sum(report.formats.values())) == (0, 1)
    columns = "trace_id, span_id, parent_span_id, name, kind, service_name, scope_name, status_code, status_description"
    assert read(path, f"SELECT {columns}, start_time_unix_nano, end_time_unix_nano FROM spans") == [
        (TRACE, SPAN, PARENT, "chat m", kind, service, scope, "ERROR", "no", START, END)
    ]
    ((attributes,),) = read(path, "SELECT attributes FROM spans")
    assert json.loads(attributes).items() >= ATTRIBUTES.items()
    assert read(path, "SELECT name, start_time_unix_nano FROM events WHERE source = 'event'") == [("retry", START)]


LOG = {"timeUnixNano": str(START), "severityNumber": 13, "severityText": "W", "traceId": TRACE, "spanId": SPAN}
OTLP_LOG = LOG | {"body": {"stringValue": "text"}, "attributes": [{"key": "event.name", "value": {"stringValue": "e"}}]}
JAVASCRIPT_LOG = {
    "hrTime": [SECOND, 133_000_000],
    "hrTimeObserved": [SECOND, 134_000_000],
    "spanContext": {"traceId": TRACE, "spanId": SPAN, "traceFlags": 1},
    "resource": {"_rawAttributes": [["service.name", "guide"]]},
    "attributes": {"event.name": "e"},
    "_isReadonly": True,
}
LOGS: dict[str, Any] = {
    "message": {"resourceLogs": [{"scopeLogs": [{"logRecords": [OTLP_LOG]}]}]},
    "ResourceLogs": {"scopeLogs": [{"logRecords": [OTLP_LOG]}]},
    "old names": {"resourceLogs": [{"instrumentationLibraryLogs": [{"logs": [OTLP_LOG]}]}]},
    "LogRecord": OTLP_LOG,
    "JavaScript": JAVASCRIPT_LOG | {"severityNumber": 13, "severityText": "W", "body": "text"},
    "JavaScript, whole": JAVASCRIPT_LOG | {"_severityNumber": 13, "_severityText": "W", "_body": "text"},
    "Python": {
        "body": "text",
        "severity_number": 13,
        "severity_text": "W",
        "attributes": {"event.name": "e"},
        "dropped_attributes": 0,
        "timestamp": "2026-09-21T14:13:20.133000Z",
        "observed_timestamp": "2026-09-21T14:13:20.134000Z",
        "trace_id": f"0x{TRACE}",
        "span_id": f"0x{SPAN}",
        "trace_flags": 1,
        "resource": {"attributes": {"service.name": "guide"}, "schema_url": ""},
    },
}


@pytest.mark.parametrize("name", LOGS)
def test_a_log_record_of_each_format_is_the_record(name: str, path: Path, into: Callable[..., SourceReport]) -> None:
    assert into(json.dumps(LOGS[name], indent=2).encode()).refused == 0
    columns = "trace_id, span_id, start_time_unix_nano, severity_number, severity_text, body, attributes"
    assert read(path, f"SELECT {columns} FROM logs") == [
        (TRACE, SPAN, START, 13, "W", '"text"', '{"event.name":"e"}'),
    ]


def test_what_the_console_exporters_of_python_print_is_read(path: Path, into: Callable[..., SourceReport]) -> None:
    printed = io.StringIO("the program's own words\n")
    printed.seek(0, io.SEEK_END)
    spans, logs = make_agent_spans(), make_logs(1)[:2]
    ConsoleSpanExporter(out=printed).export(spans)
    ConsoleLogRecordExporter(out=printed).export(logs)
    report = into(printed.getvalue().encode())
    assert (report.spans, report.logs, report.refused) == (4, 2, 1)
    assert report.formats == {"spans of the Python SDK": 4, "log records of the Python SDK": 2}
    expected = [(span.name, f"{span.context.span_id:016x}") for span in spans if span.context]
    assert sorted(read(path, "SELECT name, span_id FROM spans")) == sorted(expected)
    assert read(path, "SELECT count(*) FROM complete_llm_interactions") == [(2,)]


def test_a_document_behind_the_words_of_a_log_line_is_read(into: Callable[..., SourceReport]) -> None:
    """As Java's logging prints what its OTLP exporters give it."""
    lines = ["Sep 21, 2026 2:13:24 PM export", f"INFO: {json.dumps(GROUP)}", "WARNING: {no document}"]
    report = into("".join(f"{line}\n" for line in lines).encode())
    assert (report.spans, [place for place, _ in report.refusals]) == (1, ["line 1", "line 3"])


ZIPKIN = {"traceId": TRACE, "id": SPAN, "name": "get", "timestamp": 1, "duration": 2, "tags": {}}
FOREIGN: dict[str, tuple[Any, str]] = {
    "Zipkin": ([ZIPKIN], "`zipkin` receiver"),
    "Zipkin, version 1": ([ZIPKIN | {"annotations": [], "binaryAnnotations": []}], "`zipkin` receiver"),
    "Jaeger": ({"data": [{"traceID": TRACE, "spans": [], "processes": {}}]}, "`/api/v3/traces/ID`"),
    "Langfuse": ([{"id": "a", "traceId": "b", "type": "GENERATION", "startTime": "2026-01-01"}], "Langfuse"),
    "Claude Code": (
        [
            {"type": "summary", "summary": "Rivers", "leafUuid": "c"},
            {"type": "user", "sessionId": "s", "uuid": "u", "timestamp": "2026-01-01T00:00:00Z", "message": {}},
        ],
        "CLAUDE_CODE_ENABLE_TELEMETRY=1",
    ),
    "Codex": ([{"timestamp": "2026-01-01T00:00:00Z", "type": "session_meta", "payload": {"id": "s"}}], "`[otel]`"),
    "Gemini CLI": ({"sessionId": "s", "projectHash": "p", "messages": []}, "`telemetry.outfile`"),
    "Gemini CLI, log": (
        [{"sessionId": "s", "messageId": 0, "type": "user", "message": "hi", "timestamp": "2026-01-01T00:00:00Z"}],
        "`telemetry.outfile`",
    ),
    "LangSmith": ([{"id": "a", "run_type": "llm", "start_time": "2026-01-01", "inputs": {}}], "LANGSMITH_OTEL"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_format_that_loses_too_much_is_refused_with_a_way_out(name: str, tmp_path: Path, path: Path) -> None:
    value, advice = FOREIGN[name]
    source = tmp_path / "export.json"
    source.write_text(json.dumps(value, indent=2))
    code, out, err = run("import", source, "--into", path)
    assert (code, out, path.exists()) == (2, "", False)
    assert err.startswith(f"Error: {source} is ")
    assert advice in err
    assert err.endswith("nothing of it was written\n")


@pytest.mark.parametrize("end", [30, 71, -1, -40])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_without_its_end_is_said_to_be_cut_short(
    tmp_path: Path, path: Path, end: int, indent: int | None
) -> None:
    source = tmp_path / "traces.json"
    whole = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [{"traceId": TRACE}]}]}]}
    source.write_text(json.dumps(whole, indent=indent)[:end])
    code, _, err = run("import", source, "--into", path)
    assert (code, path.exists()) == (2, False)
    assert f"{source} is cut short: its JSON at " in err


def test_what_node_prints_is_no_json_and_said(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "out.txt"
    source.write_text(
        "{\n  resource: {\n    attributes: {\n      'service.name': 'guide'\n    }\n  },\n  traceId: 'a'\n}\n"
    )
    code, _, err = run("import", source, "--into", path)
    assert (code, path.exists()) == (2, False)
    assert "JavaScript's console exporter" in err


def test_a_file_of_several_formats_is_read_and_what_is_none_is_counted(path: Path, tmp_path: Path) -> None:
    lines = [GROUP, JAVASCRIPT_SPAN | {"spanId": "1" * 16}, {"other": "secret"}, ZIPKIN, JAVASCRIPT_LOG]
    source = tmp_path / "mixed.jsonl"
    source.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "{secret")
    code, out, err = run("import", source, "--into", path, "--json")
    report = json.loads(out)["sources"][0]
    assert (code, report["spans"], report["logs"], report["refused"]) == (1, 2, 1, 3)
    assert report["formats"] == {
        "OTLP": 1,
        "spans of the JavaScript SDK": 1,
        "log records of the JavaScript SDK": 1,
    }
    assert sorted(report["reasons"].values()) == [1, 1, 1]
    assert [line.split(": ")[1] for line in err.splitlines()] == ["line 3", "line 4", "line 6"]
    assert "secret" not in out + err


DOCUMENTS: list[Any] = [
    {"resourceSpans": [{"scopeSpans": [{"spans": [otlp_span(number, name='] } "\\, ü')]}]}]} for number in range(4)
]
LAYOUTS: dict[str, Callable[[list[Any]], str]] = {
    "a line each": lambda values: "".join(f"{json.dumps(value)}\n" for value in values),
    "no last newline": lambda values: "\n".join(map(json.dumps, values)),
    "blank lines": lambda values: "\n\n\r\n".join(map(json.dumps, values)),
    "Windows": lambda values: "".join(f"{json.dumps(value)}\r\n" for value in values),
    "one line": lambda values: "".join(map(json.dumps, values)),
    "array": json.dumps,
    "indented array": lambda values: json.dumps(values, indent=4, ensure_ascii=False),
    "array, an element a line": lambda values: "[\n" + ",\n".join(map(json.dumps, values)) + "\n]\n",
    "comma at the end": lambda values: "[" + "".join(f"{json.dumps(value)},\n" for value in values) + "]",
    "no brackets": lambda values: ",\n".join(map(json.dumps, values)),
    "arrays": lambda values: "".join(f"{json.dumps([value])}\n" for value in values),
    "array of arrays": lambda values: json.dumps([values[:1], [values[1:]]], indent=1),
    "indented": lambda values: "\n".join(json.dumps(value, indent=2) for value in values),
    "indented, then lines": lambda values: (
        json.dumps(values[0], indent=2) + "\n" + "\n".join(map(json.dumps, values[1:]))
    ),
    "mark of byte order": lambda values: "\n".join(
        "\ufeff" + json.dumps(value, ensure_ascii=False) for value in values
    ),
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "gzip of two members": lambda content: gzip.compress(content[:700]) + gzip.compress(content[700:]),
    "gzip and zeros": lambda content: gzip.compress(content) + bytes(512),
    "bzip2": lambda content: bz2.compress(content, 1),
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "zstd of two frames": lambda content: zstd.compress(content[:700]) + zstd.compress(content[700:]),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")


def cut_into(content: bytes, step: int) -> list[Any]:
    file = io.BytesIO(content)
    documents = JsonDocuments(
        read_as_utf8(ByteStream(lambda size: file.read(min(size, step)))), ReadingLimits(document_bytes=MIB)
    )
    return [*documents.read()]


@pytest.mark.slow
def test_documents_are_found_in_every_layout_packing_and_encoding(tmp_path: Path) -> None:
    for number, layout in enumerate(LAYOUTS.values()):
        path = tmp_path / f"{number}.db"
        packings = list(PACKINGS.values())
        encoding = ENCODINGS[number % len(ENCODINGS)]
        content = layout(DOCUMENTS).encode(encoding)
        first = import_here(packings[number % len(packings)](content), path)
        assert (first.spans, first.refused, first.damages) == (4, 0, [])
        again = import_here(packings[(number + 1) % len(packings)](content), path)
        assert (again.spans, again.known) == (0, first.pieces)  # packed in another way, it is the same source


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    layout=st.sampled_from(list(LAYOUTS.values())),
    encoding=st.sampled_from(ENCODINGS),
    broken=st.sets(st.integers(0, 3), max_size=2),
    step=st.integers(1, 900),
    values=st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=6,
        ).map(lambda value: {"value": value}),
        min_size=4,
        max_size=4,
    ),
)
def test_the_same_pieces_are_found_however_the_text_comes(
    layout: Callable[[list[Any]], str], encoding: str, broken: set[int], step: int, values: list[Any]
) -> None:
    text = layout(values)
    for number in broken:
        text = text[: len(text) * (number + 1) // 5] + "!" + text[len(text) * (number + 1) // 5 :]
    content = text.encode(encoding)
    pieces = cut_into(content, step)
    assert pieces == cut_into(content, 1 << 20)
    if not broken:
        found = [piece.value for piece in pieces]
        while any(isinstance(value, list) for value in found):
            found = [one for value in found for one in (value if isinstance(value, list) else [value])]
        assert found == values


@pytest.mark.parametrize("zeros", [1, 4_096])
@pytest.mark.parametrize("layout", ["a line each", "array, an element a line"])
def test_zeros_that_a_crash_left_cost_no_document(layout: str, zeros: int, into: Callable[..., SourceReport]) -> None:
    # short enough for the zeros to stand where a file is told from protobuf
    spans = [{"traceId": TRACE, "spanId": f"{number:016x}", "startTimeUnixNano": "1"} for number in (1, 2, 3)]
    first, *rest = LAYOUTS[layout](spans).encode().splitlines(keepends=True)
    report = into(first + rest[0] + bytes(zeros) + b"\n" + b"".join(rest[1:]))
    assert (report.spans, report.refused) == (3, 0)


@pytest.mark.parametrize("layout", ["a line each", "array, an element a line", "indented", "indented array"])
def test_a_document_that_is_broken_costs_itself(layout: str, into: Callable[..., SourceReport]) -> None:
    text = LAYOUTS[layout](DOCUMENTS)
    second = text.index('":', text.index("resourceSpans", text.index("resourceSpans") + 1))
    report = into((text[: second + 1] + text[second + 2 :]).encode())
    assert (report.spans, report.refused) == (3, 1)


@pytest.mark.parametrize("layout", ["a line each", "array, an element a line", "indented", "indented array"])
def test_what_stands_before_a_cut_is_read_and_the_cut_is_said(layout: str, into: Callable[..., SourceReport]) -> None:
    content = LAYOUTS[layout](DOCUMENTS).encode()
    report = into(content[:-150])
    assert (report.spans, report.refused) == (3, 1)
    assert bool(report.damages) == ("array" in layout)


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "zstd"])
def test_a_packed_file_that_is_cut_gives_what_is_before(
    packing: str, path: Path, into: Callable[..., SourceReport]
) -> None:
    content = "".join(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [otlp_span(number, name=str(number**9))]}]}]}) + "\n"
        for number in range(1_500)
    ).encode()
    packed = PACKINGS[packing](content)
    report = into(packed[: len(packed) * 9 // 10])
    assert 0 < report.spans < 1_500
    assert report.damages == [f"its {packing} data are cut short; everything before was read"]
    assert read(path, "SELECT count(*) FROM _quarantine") == [(0,)]
    whole = into(packed)
    assert (report.spans + whole.spans, whole.refused, whole.damages) == (1_500, 0, [])


def test_what_follows_packed_data_is_said(into: Callable[..., SourceReport]) -> None:
    report = into(gzip.compress(LAYOUTS["a line each"](DOCUMENTS).encode()) + b"more")
    assert (report.spans, report.damages) == (
        4,
        ["bytes that are not gzip follow its packed data; everything before was read"],
    )


def test_gzip_with_a_wrong_checksum_gives_what_it_has(into: Callable[..., SourceReport]) -> None:
    report = into(gzip.compress(LAYOUTS["a line each"](DOCUMENTS).encode())[:-8] + b"checksum")
    assert (report.spans, len(report.damages)) == (4, 1)


@pytest.mark.parametrize("is_protobuf", [False, True])
def test_frames_of_the_collector_are_read_one_by_one(is_protobuf: bool, into: Callable[..., SourceReport]) -> None:
    messages = [json.dumps(document).encode() for document in DOCUMENTS]
    if is_protobuf:
        messages = [encode_spans([span]).SerializeToString() for span in make_agent_spans()]
    frames = [zstd.compress(message) for message in messages]
    frames[1] = frames[1][:-4] + b"....."
    frames[2] = zstd.compress(b" " * (3 * MIB))
    content = b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)
    report = into(content, ReadingLimits(document_bytes=MIB))
    assert (report.spans, [place for place, _ in report.refusals]) == (2, ["message 2", "message 3"])
    assert into(content[:-3], ReadingLimits(document_bytes=MIB)).refused == 3


def test_zstd_without_its_package_says_what_to_install(tmp_path: Path, path: Path) -> None:
    frame = zstd.compress(b"{}")
    for number, content in enumerate([zstd.compress(b"{}"), len(frame).to_bytes(4, "big") + frame]):
        source = tmp_path / f"{number}.zst"
        source.write_bytes(content)
        code = f"""\
import sys
sys.modules["compression.zstd"] = sys.modules["backports.zstd"] = None
from otel_sqlite_exporter.cli.commands import cli
cli(["import", {str(source)!r}, "--into", {str(path)!r}], prog_name="test")"""
        done = subprocess.run([*COMMAND[:1], "-c", code], capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, path.exists()) == (2, False)
        assert "`pip install 'otel-sqlite-exporter[zstd]'`" in done.stderr
        assert "Traceback" not in done.stderr


GOOD = [json.dumps(document).encode() for document in DOCUMENTS]
HOSTILE: dict[str, bytes] = {
    "a long text": b'{"x":"' + b"\\n" * 150_000 + b'"}',
    "blanks": b'{"x":' + b" " * 300_000 + b"1}",
    "many parts": b'{"x":[' + b'{"y":[1]},' * 20_000 + b"1]}",
    "deep": b'{"x":[' * 5_000 + b"1" + b"]}" * 5_000,
    "a long line": b"x" * 300_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("layout", [b"%s\n%s\n%s\n", b"[%s,%s,\n%s]", b"[\n  %s,\n  %s,\n  %s\n]"])
def test_a_document_beyond_a_bound_is_passed_over(name: str, layout: bytes, into: Callable[..., SourceReport]) -> None:
    report = into(layout % (GOOD[0], HOSTILE[name], GOOD[1]), ReadingLimits(document_bytes=MIB // 8))
    assert (report.spans, report.refused) == (2, 1)


def test_a_packed_file_that_is_far_larger_unpacked_ends(into: Callable[..., SourceReport]) -> None:
    content = GOOD[0] + b"\n" + b" " * (90 * MIB) + b"\n" + GOOD[1]
    report = into(gzip.compress(content, 9), ReadingLimits(unpacking_ratio=100))
    assert (report.spans, report.refused) == (1, 0)
    assert report.damages == ["it unpacks to more than 100 times its size; everything before was read"]


def test_an_array_is_never_in_memory_as_a_whole() -> None:
    given = 0

    def read_element(size: int) -> bytes:
        nonlocal given
        given += 1
        before = b"[" if given == 1 else b","
        return before + b'{"value":"' + b"x" * (MIB // 4) + b'"}' if given <= 40 else b""

    documents = JsonDocuments(ByteStream(read_element), ReadingLimits()).read()
    ahead = [given - number for number, _ in enumerate(documents, 1)]
    assert (len(ahead), max(ahead) < 10) == (40, True)
