# SPDX-License-Identifier: Apache-2.0
"""Files with metrics, as programs write them: all of it is imported, once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

from otel_sqlite_exporter import SQLiteMetricExporter
from otel_sqlite_exporter.imports.importer import Importer
from otel_sqlite_exporter.imports.source_reports import SourceReport
from otel_sqlite_exporter.imports.sources import ImportSource
from otel_sqlite_exporter.settings import resolve_settings
from tests.commands import run
from tests.conftest import health, read
from tests.otlp_messages import as_protobuf, write_varint
from tests.sample_metrics import COPILOT, JAVASCRIPT, make_metrics, write_json
from tests.source_files import view_rows, write_lines

_VIEWS = ("metrics", "metric_points", "exemplars")
POINTS = 3 * 2 * 5
"""Of the sample."""


def import_here(content: bytes, path: Path) -> SourceReport:
    with closing(Importer(resolve_settings(path), None)) as importer:
        return importer.import_source(ImportSource("source", io.BytesIO(content)), lambda _: None)


def _frame(collected: list[Any], frame: Callable[[bytes], bytes]) -> bytes:
    return b"".join(frame(encode_metrics(data).SerializeToString()) for data in collected)


FORMS: dict[str, Callable[[list[Any]], bytes]] = {
    "the SDK's file exporter": write_json,
    "JSON over many lines": lambda collected: json.dumps(
        [json.loads(line) for line in write_json(collected).splitlines()], indent=2
    ).encode(),
    "protobuf": lambda collected: _frame(collected, lambda message: message),
    "protobuf, after lengths of four bytes": lambda collected: _frame(
        collected, lambda message: len(message).to_bytes(4, "big") + message
    ),
    "protobuf, after lengths as varints": lambda collected: _frame(
        collected, lambda message: write_varint(len(message)) + message
    ),
}


@pytest.mark.parametrize("is_delta", [False, True])
def test_a_file_of_each_form_of_otlp_says_the_same(tmp_path: Path, is_delta: bool) -> None:
    collected = make_metrics(is_delta=is_delta, rounds=3)
    found = []
    for number, write in enumerate(FORMS.values()):
        path = tmp_path / f"{number}.db"
        content = write(collected)
        report = import_here(content, path)
        assert (report.points, report.spans, report.logs, report.refused, report.altered) == (POINTS, 0, 0, 0, 0)
        again = import_here(content + b" ", path) if content.startswith((b"{", b"[")) else import_here(content, path)
        assert (again.points, again.known) == (0, again.pieces)
        found.append(view_rows(path, views=_VIEWS))
    assert len(found[0]["metric_points"]) == POINTS
    for rows in found[1:]:
        assert rows == found[0]


def test_a_part_of_a_message_is_read(tmp_path: Path) -> None:
    """Such as the lines of Java's `logging-otlp`, which are groups."""
    metric = {"name": "m", "gauge": {"dataPoints": [{"timeUnixNano": "5", "asInt": "1"}]}}
    scoped = {"scope": {"name": "s"}, "metrics": [metric]}
    old = {"instrumentationLibrary": {"name": "s"}, "metrics": [metric]}
    group = {"resource": {"attributes": []}, "scopeMetrics": [scoped]}
    parts: list[Any] = [
        *({"resourceMetrics": [group]}, group, scoped, old, metric),
        {"resource": {}, "instrumentationLibraryMetrics": [old]},
        {"resource_metrics": [{"scope_metrics": [{"scope": {"name": "s"}, "metrics": [metric]}]}]},
    ]
    for number, part in enumerate(parts):
        path = tmp_path / f"{number}.db"
        report = import_here(json.dumps(part).encode(), path)
        assert (report.formats, report.points, report.altered, report.unknown) == ({"OTLP": 1}, 1, 0, [])
        scope = None if part is metric else "s"
        assert read(path, "SELECT name, scope_name, value FROM metric_points") == [("m", scope, 1)]


def test_what_protobuf_does_not_tell_apart_is_one_series(path: Path) -> None:
    """Empty texts, and numbers of 0, are none: a sender may write them as JSON."""
    empty = {"description": "", "unit": "", "metadata": []}
    point = {"timeUnixNano": "5", "startTimeUnixNano": "0", "flags": 0, "asInt": "1", "attributes": [], "exemplars": []}
    metric = {"name": "m", **empty, "sum": {"aggregationTemporality": 0, "isMonotonic": False, "dataPoints": [point]}}
    scoped = {"scope": {"name": "s", "version": "", "attributes": []}, "metrics": [metric], "schemaUrl": ""}
    message = {"resourceMetrics": [{"resource": {"attributes": []}, "scopeMetrics": [scoped], "schemaUrl": ""}]}
    for content in (json.dumps(message).encode(), as_protobuf(message)):
        assert import_here(content, path).points == 1
    assert health(path, "written", "duplicate") == (1, 1)


def test_points_that_come_by_several_ways_are_there_once(path: Path) -> None:
    collected = make_metrics(rounds=3)
    for write in FORMS.values():
        import_here(write(collected), path)  # protobuf has the same messages, whatever is between them
    assert read(path, "SELECT count(*) FROM metric_points") == [(POINTS,)]
    assert health(path, "received", "written", "duplicate") == (3 * POINTS, POINTS, 2 * POINTS)


def test_what_the_console_exporter_of_python_prints_is_what_was_measured(tmp_path: Path) -> None:
    """Also integers, which OTLP does not have in sums."""
    collected = make_metrics(rounds=3)
    printed, measured = tmp_path / "printed.db", tmp_path / "measured.db"
    stream = io.StringIO()
    console, exporter = ConsoleMetricExporter(stream), SQLiteMetricExporter(measured)
    for data in collected:
        console.export(data)
        exporter.export(data)
    exporter.shutdown()
    report = import_here(stream.getvalue().encode(), printed)
    assert (report.formats, report.points, report.altered) == ({"metrics of the Python SDK": 3}, POINTS, 0)
    assert report.unknown == []
    assert view_rows(printed, views=_VIEWS) == view_rows(measured, views=_VIEWS)


_COLUMNS = "name, kind, unit, temporality, is_monotonic, start_time_unix_nano, value, value_type, count, sum, min, max"


def test_metrics_of_the_javascript_sdk_are_read(path: Path) -> None:
    report = import_here(json.dumps(JAVASCRIPT).encode(), path)
    assert (report.formats, report.points, report.altered) == ({"metrics of the JavaScript SDK": 1}, 4, 0)
    assert report.unknown == []
    none = None
    start = 5 * 10**9
    assert read(path, f"SELECT {_COLUMNS} FROM metric_points ORDER BY start_time_unix_nano") == [
        ("orders", "sum", "{order}", "cumulative", 1, start + 1, 2, "integer", none, none, none, none),
        ("load", "gauge", "", none, none, start + 2, 3.0, "real", none, none, none, none),
        ("latency", "histogram", "ms", "delta", none, start + 3, none, none, 2, 1000007.5, 7.5, 1000000.0),
        ("wait", "exponential_histogram", "", "cumulative", none, start + 4, none, none, 2, 0.25, 0.0, 0.25),
    ]
    assert read(path, "SELECT DISTINCT time_unix_nano, service_name, scope_name, scope_version FROM metric_points") == [
        (6_983_000_000, "shop", "meter", "1.2")
    ]
    buckets = [
        json.loads(text) for (text,) in read(path, "SELECT buckets FROM metric_points WHERE buckets IS NOT NULL")
    ]
    assert {"bounds": [5.0, 10.0], "counts": [0, 1, 1]} in buckets
    assert read(path, "SELECT schema_url FROM _resources UNION ALL SELECT schema_url FROM _scopes") == [
        ("s/1",),
        ("s/2",),
    ]


def test_what_stood_before_is_found_again_where_gemini_cli_leaves_it_out(path: Path) -> None:
    """It writes `[Circular]` for an array that stood in the document before."""
    document = json.loads(json.dumps(JAVASCRIPT))
    _, load, latency, wait = document["scopeMetrics"][0]["metrics"]
    for metric in (load, latency, wait):
        metric["dataPoints"][0]["endTime"] = "[Circular]"
    again = json.loads(json.dumps(latency))
    again["dataPoints"][0]["attributes"] = {"route": "/b"}
    again["dataPoints"][0]["value"]["buckets"]["boundaries"] = "[Circular]"
    document["scopeMetrics"][0]["metrics"].append(again)
    report = import_here(json.dumps(document).encode(), path)
    assert (report.points, report.altered) == (5, 0)
    assert read(path, "SELECT DISTINCT time_unix_nano FROM metric_points") == [(6_983_000_000,)]
    assert read(path, "SELECT count(DISTINCT bounds) FROM _histogram_bounds") == [(1,)]
    other = json.loads(json.dumps(latency))
    other["dataPoints"][0]["value"]["buckets"]["boundaries"] = [1, 2]
    document["scopeMetrics"][0]["metrics"][3:3] = [other]
    report = import_here(json.dumps(document).encode(), path)
    said = "explicitBounds of a point of a histogram is no list of such numbers: it is left out"
    assert [(one.what, one.count) for one in report.alterations] == [(said, 1)]  # it may be one of two


def test_lines_of_copilot_cli_are_read(path: Path) -> None:
    report = import_here("".join(f"{json.dumps(line)}\n" for line in COPILOT).encode(), path)
    assert (report.formats, report.points, report.altered) == ({"metrics of the JavaScript SDK": 3}, 2, 0)
    columns = "name, kind, temporality, value, count, service_name, scope_name, time_unix_nano"
    assert read(path, f"SELECT {columns} FROM metric_points ORDER BY name") == [
        ("calls", "gauge", None, 1, None, "github-copilot", "github.copilot", 1795971912988337071),
        ("times", "histogram", None, None, 1, "github-copilot", "github.copilot", 1795971912988337071),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"resourceMetrics": []},
        {"resource": {}, "scopeMetrics": []},
        {"resource": {"_rawAttributes": []}, "scopeMetrics": [{"metrics": [{"dataPointType": 0}]}]},
        {"resource": {"_rawAttributes": []}, "scopeMetrics": []},
        {"resource_metrics": [{"scope_metrics": []}]},
        {"resource_metrics": [{"scope_metrics": [{"metrics": [{"data": {"data_points": []}}, {"data": 5}, 5]}]}]},
        {"scopeMetrics": [{"metrics": [{"descriptor": 5, "dataPoints": []}]}, 5]},
    ],
)
def test_metrics_without_points_are_nothing(value: Any, tmp_path: Path) -> None:
    report = import_here(json.dumps(value).encode(), tmp_path / "otel.db")
    assert (report.ignored, report.points, sum(report.formats.values())) == ({}, 0, 1)


def test_the_command_says_how_many_points_there_were(tmp_path: Path, path: Path) -> None:
    source = tmp_path / "metrics.jsonl"
    source.write_bytes(write_json(make_metrics(rounds=3)))
    code, out, err = run("import", source, "--into", path)
    assert (code, err) == (0, "")
    assert out.startswith(f"{source}: 0 spans, 0 log records, 30 data points; format: OTLP (3)\nwrote 30 records to ")
    code, out, _ = run("import", source, "--into", path, "--json")
    (said,) = json.loads(out)["sources"]
    assert (code, said["points"], said["known"], json.loads(out)["written"]) == (0, 0, 3, 0)


@pytest.mark.parametrize("form", ["the SDK's file exporter", "protobuf, after lengths of four bytes"])
def test_a_file_that_is_cut_is_read_as_far_as_it_goes(tmp_path: Path, path: Path, form: str) -> None:
    """And to its end when it has one."""
    content = FORMS[form](make_metrics(rounds=3))
    source = tmp_path / "metrics"
    source.write_bytes(content[:-10])
    code, out, err = run("import", source, "--into", path)
    assert (code, "20 data points; 1 could not be read" in out, err.count("\n")) == (1, True, 1)
    source.write_bytes(content)
    code, out, _ = run("import", source, "--into", path)
    assert (code, "10 data points; 2 of 3 lines" in out) == (0, True)
    assert read(path, "SELECT count(*) FROM metric_points") == [(30,)]


def test_a_point_that_cannot_be_read_costs_itself_alone(tmp_path: Path, path: Path) -> None:
    points = [{"asInt": "1", "timeUnixNano": "5"}, 5, {"asInt": "secret", "timeUnixNano": "6"}]
    metrics = [{"name": "m", "gauge": {"dataPoints": points}}, {"name": "new", "spline": {"secret": 1}}]
    source = write_lines(tmp_path / "m.jsonl", [{"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}])
    code, out, err = run("import", source, "--into", path)
    assert code == 1
    assert "2 data points; 2 could not be read; 1 value was altered or left out; format" in out
    assert [line.removeprefix(f"{source}: line 1: ") for line in err.splitlines()] == [
        "it cannot be read: a data point is an object",
        "it cannot be read: its data are of a kind that OTLP does not know",
        "asInt of a data point is no whole number: it is left out",
        f"{source}: not read: spline of a metric",
    ]
    assert read(path, "SELECT time_unix_nano, value FROM metric_points") == [(5, 1), (6, None)]
    assert read(path, "SELECT count(*) FROM _quarantine") == [(2,)]
    assert health(path, "received", "written", "repaired", "quarantined") == (4, 2, 1, 2)
