# SPDX-License-Identifier: Apache-2.0
"""`import`: what producers wrote into files is in the file as if it had been exported, once, whatever happens."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from otel_sqlite_exporter import SQLiteLogRecordExporter
from tests.commands import COMMAND, run, run_on_terminal, run_process, upgrade_to_next, write_sessions
from tests.conftest import clean_environment, exporting, health, modules_after, read
from tests.source_files import (
    make_agent_spans,
    make_events,
    make_logs,
    view_rows,
    write_lines,
    write_otlp_lines,
)

# The SDK's OTLP encoders write no flags but whether a parent is remote.
UNWRITTEN = ("trace_flags",)


def test_what_the_sdk_wrote_is_as_if_it_had_been_exported(tmp_path: Path, path: Path) -> None:
    spans, logs = make_agent_spans(), make_logs()
    direct = tmp_path / "direct.db"
    with exporting(direct) as exporter:
        exporter.export(spans)
    log_exporter = SQLiteLogRecordExporter(direct)
    log_exporter.export(logs)
    log_exporter.shutdown()
    source = write_otlp_lines(tmp_path / "otlp.jsonl", spans, logs)
    code, out, err = run("import", source, "--into", path)
    assert (code, err) == (0, "")
    first = f"{source}: 4 spans, 9 log records; format: OTLP (13)\n"
    assert out == f"{first}wrote 13 records to {path}, 0 were already there\n"
    imported, exported = (view_rows(file, without=UNWRITTEN) for file in (path, direct))
    assert imported == exported
    assert [len(imported[view]) for view in ("spans", "links", "logs", "complete_llm_interactions")] == [4, 2, 9, 2]
    assert health(path, "received", "written", "repaired", "quarantined") == (13, 13, 0, 0)


def length_prefixed(message: Message) -> bytes:
    content = message.SerializeToString()
    return len(content).to_bytes(4, "big") + content


def varint_delimited(message: Message) -> bytes:
    return write_length(message.SerializeToString())


def write_length(content: bytes) -> bytes:
    length, prefix = len(content), b""
    while length > 127:
        prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
    return prefix + bytes([length]) + content


def plain(message: Message) -> bytes:
    return message.SerializeToString()


@pytest.mark.parametrize("frame", [length_prefixed, varint_delimited, plain], ids=lambda frame: frame.__name__)
def test_protobuf_is_what_json_is(tmp_path: Path, path: Path, frame: Callable[[Message], bytes]) -> None:
    spans, logs = make_agent_spans(), make_logs()
    binary = tmp_path / "otlp.bin"
    binary.write_bytes(frame(encode_spans(spans[:2])) + frame(encode_spans(spans[2:])) + frame(encode_logs(logs)))
    assert run("import", binary, "--into", path)[0::2] == (0, "")
    other = tmp_path / "other.db"
    run("import", write_otlp_lines(tmp_path / "otlp.jsonl", spans, logs), "--into", other)
    # Protobuf does not tell an empty text, or no flags, from none.
    assert view_rows(path, without=UNWRITTEN) == view_rows(other, without=UNWRITTEN)
    assert health(path, "written", "quarantined") == (13, 0)


# As the Collector's file exporter writes it: a service that is no Python, whose flags are known.
_COLLECTOR = [
    {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
                "scopeSpans": [
                    {
                        "scope": {"name": "io.opentelemetry.http", "version": "2.1.0"},
                        "spans": [
                            {
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b174",
                                "parentSpanId": "eee19b7ec3c1b173",
                                "traceState": "vendor=1,other=2",
                                "flags": 769,
                                "name": "GET /orders",
                                "kind": 2,
                                "startTimeUnixNano": "1790000000000000001",
                                "endTimeUnixNano": "1790000000250000001",
                                "attributes": [
                                    {"key": "http.response.status_code", "value": {"intValue": "500"}},
                                    {"key": "ratio", "value": {"doubleValue": 1}},
                                    {"key": "raw", "value": {"bytesValue": "AAH/"}},
                                    {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": True}, {}]}}},
                                    {"key": "empty", "value": {}},
                                ],
                                "droppedAttributesCount": 2,
                                "events": [{"timeUnixNano": "1790000000100000000", "name": "retry", "attributes": []}],
                                "links": [
                                    {
                                        "traceId": "5b8efff798038103d269b633813fc60d",
                                        "spanId": "eee19b7ec3c1b175",
                                        "flags": 257,
                                    }
                                ],
                                "status": {"message": "no stock", "code": 2},
                            },
                            {
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b176",
                                "parentSpanId": "",
                                "name": "root",
                                "startTimeUnixNano": "1790000000000000000",
                                "endTimeUnixNano": "1790000000300000000",
                                "status": {},
                            },
                        ],
                    }
                ],
                "schemaUrl": "https://opentelemetry.io/schemas/1.37.0",
            }
        ]
    },
    {
        "resourceLogs": [
            {
                "resource": {},
                "scopeLogs": [
                    {
                        "scope": {},
                        "logRecords": [
                            {
                                "observedTimeUnixNano": "1790000000400000000",
                                "severityNumber": 17,
                                "severityText": "Error",
                                "body": {"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "1"}}]}},
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b174",
                            },
                            {
                                "timeUnixNano": "1790000000400000001",
                                "body": {"stringValue": "x"},
                                "traceId": "",
                                "spanId": "",
                            },
                        ],
                    }
                ],
            }
        ]
    },
    {"resourceMetrics": [{"resource": {}, "scopeMetrics": []}]},
]


def test_what_the_collector_wrote_is_all_there(tmp_path: Path, path: Path) -> None:
    code, out, err = run("import", write_lines(tmp_path / "data.json", _COLLECTOR), "--into", path)
    assert (code, err) == (0, "")
    assert "2 spans, 2 log records; format" in out
    columns = "parent_span_id, parent_is_remote, trace_flags, trace_state, kind, status_code, status_description"
    assert read(path, f"SELECT {columns}, dropped_attributes, service_name FROM spans ORDER BY name") == [
        ("eee19b7ec3c1b173", 1, 1, "vendor=1,other=2", "SERVER", "ERROR", "no stock", 2, "checkout"),
        (None, None, 0, None, "INTERNAL", "UNSET", None, 0, "checkout"),
    ]
    ((attributes, types, start, end),) = read(
        path,
        "SELECT attributes, attribute_types, start_time_unix_nano, end_time_unix_nano FROM spans WHERE kind = 'SERVER'",
    )
    assert json.loads(attributes) == {
        "http.response.status_code": 500,
        "ratio": 1.0,
        "raw": "AAH/",
        "list": [True, None],
        "empty": None,
    }
    assert (json.loads(types), '"ratio":1.0' in attributes) == ({"/raw": "bytes"}, True)
    assert (start, end) == (1_790_000_000_000_000_001, 1_790_000_000_250_000_001)
    assert read(path, "SELECT linked_span_id, is_remote, trace_flags FROM links") == [("eee19b7ec3c1b175", 0, 1)]
    assert read(path, "SELECT name, start_time_unix_nano FROM events WHERE source = 'event'") == [
        ("retry", 1_790_000_000_100_000_000)
    ]
    assert read(path, "SELECT span_id, severity_number, body, time_source, trace_flags FROM logs ORDER BY id") == [
        ("eee19b7ec3c1b174", 17, '{"n":1}', "observed", None),
        (None, None, '"x"', "record", None),
    ]


@pytest.mark.row("Bytes in a text that are not UTF-8, in an import")
@pytest.mark.parametrize("frame", [length_prefixed, None], ids=["protobuf", "JSON"])
def test_bytes_that_are_not_utf_8_cost_their_place_in_the_text(
    frame: Callable[[Message], bytes] | None, tmp_path: Path, path: Path
) -> None:
    spans = make_agent_spans()
    lines = write_otlp_lines(tmp_path / "otlp.jsonl", spans).read_bytes()
    source = tmp_path / "damaged"
    content = lines if frame is None else frame(encode_spans(spans))
    source.write_bytes(content.replace(b"it broke", b"it \xffroke", 1).replace(b"retry", b"ret\xc3y", 1))
    code, out, _ = run("import", source, "--into", path)
    assert (code, out.endswith(", 2 values were altered\n")) == (1, True)
    assert read(path, "SELECT count(*) FROM spans WHERE status_description = 'it \ufffdroke'") == [(1,)]
    assert read(path, 'SELECT count(*), sum(attributes = \'{"why":"ret\ufffdy"}\') FROM links') == [(2, 1)]
    assert health(path, "written", "quarantined") == (4, 0)


def test_protobuf_of_older_and_newer_versions_is_read(tmp_path: Path, path: Path) -> None:
    """Scopes stood in the field 1000 for some versions; an unknown field is said."""
    message = encode_spans(make_agent_spans())
    (resource,) = message.resource_spans
    tag = b"\xc2\x3e"  # of the field 1000
    scopes = b"".join(tag + varint_delimited(scoped) for scoped in resource.scope_spans)
    del resource.scope_spans[:]
    content = resource.SerializeToString() + scopes + b"\x98\x06\x01"  # the field 99 holds 1
    source = tmp_path / "old.bin"
    source.write_bytes(b"\x0a" + write_length(content))
    code, _, err = run("import", source, "--into", path)
    assert (code, err) == (0, f"{source}: not read: field 99 of a resource of spans\n")
    assert read(path, "SELECT count(*), min(scope_name) FROM spans") == [(4, "agent")]


def test_protobuf_that_ends_early_costs_its_last_message(tmp_path: Path, path: Path) -> None:
    spans = make_agent_spans()
    source = tmp_path / "otlp.bin"
    source.write_bytes(length_prefixed(encode_spans(spans[:3])) + length_prefixed(encode_spans(spans[3:]))[:-5])
    code, _out, err = run("import", source, "--into", path)
    assert (code, err) == (1, f"{source}: message 2: the file ends before the message does\n")
    assert read(path, "SELECT count(*) FROM spans") == [(3,)]


def test_a_document_of_many_lines_is_read_whole(tmp_path: Path, path: Path) -> None:
    lines = write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans()).read_text().splitlines()
    for number, text in enumerate(
        [
            "\n".join(json.dumps(json.loads(line), indent=2) for line in lines),
            json.dumps([json.loads(line) for line in lines], indent=2),
            json.dumps([json.loads(line) for line in lines]),
        ]
    ):
        source, into = tmp_path / f"{number}.json", path.with_suffix(f".{number}")
        source.write_text(text)
        assert run("import", source, "--into", into)[::2] == (0, "")
        assert read(into, "SELECT count(*) FROM spans") == [(4,)]


def test_a_file_packed_or_under_another_name_or_from_standard_input_is_the_same(tmp_path: Path, path: Path) -> None:
    source = write_otlp_lines(tmp_path / "otlp.jsonl", logs=make_logs(4))
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + source.read_bytes(), mtime=0))
    assert run("import", packed, "--into", path)[::2] == (0, "")
    before = view_rows(path)
    assert len(before["logs"]) == 12
    assert run("import", source, packed, source, "--into", path)[0] == 0
    done = subprocess.run(
        [*COMMAND, "import", "-", "--into", str(path), "--json"],
        input=packed.read_bytes(),
        capture_output=True,
        env=clean_environment(),
        check=True,
    )
    report = json.loads(done.stdout)
    assert (report["written"], report["sources"][0]["pieces"], report["sources"][0]["known"]) == (0, 12, 12)
    assert view_rows(path) == before
    assert health(path, "received") == (12,)


def test_a_file_that_has_grown_adds_what_is_new(tmp_path: Path, path: Path) -> None:
    lines = write_otlp_lines(tmp_path / "all.jsonl", logs=make_logs(4)).read_text().splitlines(keepends=True)
    source = tmp_path / "growing.jsonl"
    for end in (1, 5, 5, 12):
        source.write_text("".join(lines[:end]))
        run("import", source, "--into", path)
        assert read(path, "SELECT count(*) FROM logs") == [(end,)]


def test_a_last_line_that_is_not_finished_is_read_when_it_is(tmp_path: Path, path: Path) -> None:
    text = write_otlp_lines(tmp_path / "all.jsonl", logs=make_logs(2)).read_text()
    source = tmp_path / "growing.jsonl"
    source.write_text(text[:-100])
    code, _, err = run("import", source, "--into", path)
    assert code == 1
    assert err.startswith(f"{source}: line 6: it is not JSON")
    assert read(path, "SELECT count(*) FROM logs") == [(5,)]
    source.write_text(text)
    assert run("import", source, "--into", path)[::2] == (0, "")
    assert read(path, "SELECT count(*) FROM logs") == [(6,)]


def test_equal_records_of_one_file_are_all_there(tmp_path: Path, path: Path) -> None:
    source = write_otlp_lines(tmp_path / "otlp.jsonl", logs=make_logs(1) * 3)
    for _ in range(2):
        run("import", source, "--into", path)
    assert read(path, "SELECT count(*) FROM logs") == [(9,)]


@pytest.mark.slow
def test_an_import_that_is_killed_goes_on_where_it_stood(tmp_path: Path, path: Path) -> None:
    records, parts = 12_000, 12
    source = write_lines(
        tmp_path / "events.jsonl",
        [{"name": "step", "timestamp": n + 1, "attributes": {"n": n}} for n in range(records)],
    )
    lines = source.read_bytes().splitlines(keepends=True)
    killed = []
    for part in (1, 4, 9):
        # From a pipe, which says no more until the import is killed.
        process = subprocess.Popen(
            [*COMMAND, "import", "-", "--into", str(path)],
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        process.stdin.writelines(lines[: records // parts * part + 500])
        process.stdin.flush()
        while process.poll() is None and _count_parts(path) < part:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdin.close()
        killed.append(_count_parts(path))
    assert killed == [1, 4, 9]
    code, _out, _ = run("import", source, "--into", path)
    assert code == 0
    assert read(path, "SELECT count(*), count(DISTINCT attributes) FROM logs") == [(records, records)]
    assert _count_parts(path) == parts
    assert run("import", source, "--into", path)[1].endswith(f"wrote 0 records to {path}, 0 were already there\n")


def test_two_imports_of_one_file_at_once_write_it_once(tmp_path: Path, path: Path) -> None:
    source = write_lines(tmp_path / "events.jsonl", [{"name": "step", "timestamp": n + 1} for n in range(5_000)])
    command = [*COMMAND, "import", str(source), "--into", str(path)]
    processes = [
        subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [process.communicate(timeout=180)[1] for process in processes] == [b""] * 3
    assert [process.returncode for process in processes] == [0] * 3
    assert read(path, "SELECT count(*) FROM logs") == [(5_000,)]


def _count_parts(path: Path) -> int:
    try:
        return int(read(path, "SELECT count(*) FROM _imports")[0][0])
    except Exception:  # not made yet
        return 0


@pytest.mark.parametrize("field", ["traceId", "spanId"])
def test_what_cannot_be_read_is_kept_and_not_quoted(field: str, tmp_path: Path, path: Path) -> None:
    message = json.loads(write_otlp_lines(tmp_path / "one", make_agent_spans()[:1]).read_text())
    message["resourceSpans"][0]["scopeSpans"][0]["spans"][0][field] = "c2VjcmV0"
    source = tmp_path / "bad.jsonl"
    source.write_text(json.dumps(message))
    settings: list[dict[str, Any]] = [{}, {"OTEL_EXPORTER_SQLITE_CAPTURE": "metadata"}]
    for metadata in settings:
        target = path if metadata else tmp_path / "all.db"
        _, _, err = run("import", source, "--into", target, **metadata)
        held = str(read(target, "SELECT * FROM _quarantine"))
        assert ("c2VjcmV0" in held, "c2VjcmV0" in err) == (not metadata, False)
        assert "c2VjcmV0" not in str(read(target, "SELECT reason FROM _quarantine"))


def test_what_cannot_be_read_is_named_and_kept(tmp_path: Path, path: Path) -> None:
    span = json.loads(write_otlp_lines(tmp_path / "one", make_agent_spans()[:1]).read_text())
    bad = json.loads(json.dumps(span).replace('"traceId"', '"noTraceId"'))
    source = tmp_path / "mixed.jsonl"
    lines = [json.dumps(span), "{broken", "", json.dumps(bad), '{"resourceProfiles":[]}', "[1]", "\udcff"]
    source.write_text("\n".join(lines) + "\n", errors="surrogateescape")
    code, out, err = run("import", source, "--into", path)
    assert code == 1
    *refused, unknown = err.splitlines()
    assert unknown == f"{source}: not read: noTraceId of a span"
    reported = [re.match(rf"{re.escape(str(source))}: (line \d): (.{{20}})", line) for line in refused]
    assert [found and found.groups() for found in reported] == [
        ("line 2", "it is not JSON: unex"),
        ("line 4", "it cannot be read: a"),
        ("line 6", "it is neither an OTL"),
        ("line 7", "it is not JSON: str "),
    ]
    assert "1 span, 0 log records; 1 message of profiles is not stored; 4 could not be read; format: OTLP (3)\n" in out
    kept = [json.loads(content) for (content,) in read(path, "SELECT content FROM _quarantine ORDER BY id")]
    assert [one["place"] for one in kept] == ["line 2", "line 4", "line 6", "line 7"]
    assert kept[0] == {"source": str(source), "place": "line 2", "content": "{broken"}
    assert kept[1]["content"] == bad["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert health(path, "received", "written", "quarantined") == (5, 1, 4)
    again = run("import", source, "--into", path)
    assert (again[0], again[2]) == (1, err)
    assert again[1].startswith(
        f"{source}: 0 spans, 0 log records; 2 of 6 lines, documents or messages were imported before; "
        "1 message of profiles is not stored; 4 could not be read; format: OTLP (3)\n"
    )
    assert len(read(path, "SELECT content FROM _quarantine")) == 4


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"what is this\nnot JSON\n", "has no format that can be imported"),
        (b'{"a": 1}\n{"b": 2}\n', "has no format that can be imported"),
        (b"{\n", "is cut short"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is neither text nor OTLP as protobuf"),
        (b"\x28\xb5\x2f\xfd\0\0\0", "is damaged"),
        (b"PK\3\4", "is a zip archive: unpack it"),
        (b"name" + bytes(253) + b"ustar" + bytes(250), "is a tar archive: unpack it"),
        (gzip.compress(b"text" * 100, mtime=0)[:-10], "is damaged"),
    ],
)
def test_a_file_of_no_known_format_is_refused_and_nothing_is_made(
    tmp_path: Path, path: Path, content: bytes, sentence: str
) -> None:
    source = tmp_path / "file"
    source.write_bytes(content)
    code, out, err = run("import", source, "--into", path)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"Error: {re.escape(str(source))} {sentence}.*\n", err)
    assert not path.exists()


def test_a_file_that_cannot_be_opened_is_one_sentence_and_nothing_is_written(tmp_path: Path, path: Path) -> None:
    source = write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans())
    missing, folder = tmp_path / "none", tmp_path / "folder"
    folder.mkdir()
    code, out, err = run("import", missing, source, folder, "--into", path)
    expected = f"Error: {missing}: No such file or directory\nError: {folder} is a folder: give the path of a file\n"
    assert (code, out, err) == (2, "", expected)
    assert not path.exists()


def test_a_file_to_write_to_that_is_given_as_a_source_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    source = write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans())
    code, out, err = run("import", source, path, cwd=tmp_path)
    expected = f"Error: {path}: No such file or directory\nto write to it, give --into {path}\n"
    assert (code, out, err) == (2, "", expected)
    assert run("import", source, "--into", path)[0] == 0
    code, out, err = run("import", source, path, cwd=tmp_path)
    expected = f"Error: {path} is a SQLite file: to write to it, give `--into {path}`\n"
    assert (code, out, err) == (2, "", expected)
    assert not (tmp_path / "otel.db").exists()


def test_an_empty_file_is_nothing(tmp_path: Path, path: Path) -> None:
    (tmp_path / "empty").touch()
    assert run("import", tmp_path / "empty", "--into", path)[::2] == (0, "")


def test_protobuf_without_its_package_says_what_to_install(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "otlp.bin"
    source.write_bytes(length_prefixed(encode_spans(make_agent_spans())))
    code = f"""\
import sys
sys.modules["opentelemetry.proto"] = None
from otel_sqlite_exporter.cli.commands import cli
cli(["import", {str(source)!r}, "--into", {str(path)!r}], prog_name="test")"""
    done = subprocess.run(
        [*COMMAND[:1], "-c", code], capture_output=True, encoding="utf-8", env=clean_environment(), check=False
    )
    assert done.returncode == 2
    assert "`pip install 'otel-sqlite-exporter[otlp]'`" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_import_of_json_loads_nothing_of_opentelemetry(tmp_path: Path, path: Path) -> None:
    source = write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans(), make_logs())
    loaded = modules_after(
        "from otel_sqlite_exporter.cli.commands import cli; "
        f"cli(['import', {str(source)!r}, '--into', {str(path)!r}, '--json'], standalone_mode=False)"
    )
    assert "otel_sqlite_exporter.encode.spans" in loaded
    assert [name for name in loaded if name.partition(".")[0] in ("opentelemetry", "google", "rich")] == []


def test_what_is_not_to_be_stored_is_not_imported(tmp_path: Path, path: Path) -> None:
    source = write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans(), make_logs())
    with source.open("a") as file:
        file.write('{"turn": "secret"\n')
    done = run(
        *("import", source, "--into", path),
        OTEL_EXPORTER_SQLITE_REDACT_KEYS="turn,texts",
        OTEL_EXPORTER_SQLITE_REDACT_VALUES="na.ve|one",
    )
    assert done[0] == 1
    held = "".join(repr(row) for rows in view_rows(path).values() for row in rows)
    held += repr(read(path, "SELECT content FROM _quarantine"))
    for secret in ("naïve", "one line", "secret"):
        assert secret not in held
    assert "[redacted]" in held


def test_events_are_log_records_that_are_paired(tmp_path: Path, path: Path) -> None:
    source = write_lines(tmp_path / "events.jsonl", make_events())
    code, _out, err = run("import", source, "--into", path)
    assert (code, err) == (0, "")
    records = read(
        path, "SELECT name, phase, link_method, session_id, trace_id, span_id, start_time, duration_ms FROM events"
    )
    assert records[0] == ("monitoring.start", "start", None, None, None, None, "2026-01-02T03:04:00.000000Z", None)
    assert [record[:4] for record in records[1:3]] == [
        ("llm.call.start", "start", "span", "s"),
        ("llm.call.finish", "finish", "span", "s"),
    ]
    assert records[1][4:] == (f"{1:032x}", f"{1:016x}", "2026-01-02T03:04:00.000000Z", 500.0)
    columns = "severity_number, severity_text, scope_name, service_name, attributes"
    found = read(path, f"SELECT {columns} FROM logs LIMIT 1")
    assert found == [(9, "INFO", "event log", "agent-7", '{"original.schema_version":"1.1"}')]


def test_events_of_calls_and_tools_are_calls_and_tools(tmp_path: Path, path: Path) -> None:
    trace: dict[str, Any] = {"trace_id": "a" * 32, "schema_version": "1.1", "level": "INFO"}
    chat, failed, tool = ({"span_id": f"{number:016x}"} for number in (1, 2, 3))
    events: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("framework.patch", {"span_id": None, "trace_id": None}, {"framework": "openai"}),
        ("llm.call.start", chat, {"llm.vendor": "openai", "llm.model": "gpt-4o", "llm.prompt": "hello"}),
        ("security.content.suspicious", chat | {"level": "WARNING"}, {"score": 0.9}),
        ("llm.call.finish", chat, {"llm.model": "gpt-4o", "llm.usage.total_tokens": 7, "llm.response": "hi"}),
        ("llm.call.start", failed, {"llm.vendor": "openai", "llm.model": "gpt-4o"}),
        ("llm.call.error", failed | {"level": "ERROR"}, {"llm.model": "gpt-4o", "error.type": "RateLimitError"}),
        ("tool.execution", tool, {"tool.name": "search", "tool.arguments": "{}"}),
        ("tool.result", tool, {"tool.name": "search", "tool.result": "found"}),
    ]
    lines = [
        {**trace, "timestamp": 1_790_000_000 + second, "name": name, "attributes": attributes, **fields}
        for second, (name, fields, attributes) in enumerate(events)
    ]
    assert run("import", write_lines(tmp_path / "events.jsonl", lines), "--into", path)[::2] == (0, "")
    assert read(
        path, "SELECT model, total_tokens, status, duration_ms FROM complete_llm_interactions ORDER BY start_id"
    ) == [
        ("gpt-4o", 7, "ok", 2_000.0),
        ("gpt-4o", None, "error", 1_000.0),
    ]
    assert read(path, "SELECT tool_name, duration_ms FROM complete_tool_interactions") == [("search", 1_000.0)]
    linked = read(path, "SELECT name FROM events WHERE link_method = 'span' ORDER BY id")
    assert [name for (name,) in linked] == [name for name, *_ in events if name[:3] in ("llm", "too")]
    assert read(path, "SELECT name, trace_id FROM events WHERE related_event_id IS NULL ORDER BY id") == [
        ("framework.patch", None),
        ("security.content.suspicious", "a" * 32),
    ]


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ([], "2026-07-01T12:00:00"),
        (["--timezone", "Europe/Berlin"], "2026-07-01T10:00:00"),
        (["--timezone", "local"], "2026-07-01T16:00:00"),
    ],
)
def test_a_time_without_an_offset_is_of_the_time_zone_that_is_named(
    tmp_path: Path, path: Path, zone: list[str], time: str
) -> None:
    source = write_lines(tmp_path / "events.jsonl", make_events(0, timestamp="2026-07-01T12:00:00"))
    assert run_process("import", *zone, source, "--into", path, TZ="America/New_York")[::2] == (0, "")
    assert read(path, "SELECT start_time FROM logs") == [(f"{time}.000000Z",)]


def test_a_time_zone_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    code, _, err = run("import", "--timezone", "Mars/Base", "x")
    assert code == 2
    assert err.startswith("Error: there is no timezone 'Mars/Base': give ")


def test_a_terminal_shows_how_far_it_is(tmp_path: Path, path: Path) -> None:
    source = write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans())
    shown = run_on_terminal("import", source, "--into", path)
    assert "otlp.jsonl" in shown
    assert "4 records" in shown
    assert "wrote 4 records" in shown


def test_a_newer_file_is_not_written(tmp_path: Path, path: Path) -> None:
    upgrade_to_next(write_sessions(path))
    code, _, err = run("import", write_otlp_lines(tmp_path / "otlp.jsonl", make_agent_spans()), "--into", path)
    assert code == 2
    assert "pip install -U" in err
    assert read(path, "SELECT count(*) FROM spans") == [(12,)]


def test_what_the_file_cannot_hold_as_it_came_is_said(tmp_path: Path, path: Path) -> None:
    message = write_otlp_lines(tmp_path / "one", make_agent_spans()[:1]).read_bytes()
    source = tmp_path / "spoiled.jsonl"
    source.write_bytes(message.replace(b'"name":"', b'"name":"\xff', 1))
    code, _, err = run("import", source, "--into", path)
    assert (code, err) == (1, f"{source}: line 1: a value of a span is stored altered: docs/operations.md#bad-values\n")
