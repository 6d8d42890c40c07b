# SPDX-License-Identifier: Apache-2.0
"""Metrics go into a file and out of it as they were: views and messages are equal, whatever the points."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import MetricsData

from otel_sqlite_exporter import SQLiteMetricExporter
from otel_sqlite_exporter.errors import NotFoundError
from otel_sqlite_exporter.imports.importer import Importer
from otel_sqlite_exporter.imports.source_reports import SourceReport
from otel_sqlite_exporter.imports.sources import ImportSource
from otel_sqlite_exporter.query.exports.exported_pieces import PAGE
from otel_sqlite_exporter.query.exports.otlp_export import read_export
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from tests import metric_strategies as strategies
from tests.commands import run
from tests.conftest import read
from tests.file_checks import table_scans
from tests.metering import make_data, make_sum, metering
from tests.new_files import put_new_file
from tests.otlp_captures import capture_files
from tests.otlp_messages import as_protobuf
from tests.sample_metrics import make_metrics
from tests.source_files import view_rows

_many = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_VIEWS = ("metrics", "metric_points", "exemplars")
_TABLES = ("_instruments", "_metric_series", "_histogram_bounds")


@contextmanager
def new_files(number: int) -> Iterator[list[Path]]:
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f"{place}.db") for place in range(number)]
        for path in paths:
            put_new_file(path)
        yield paths


def import_all(path: Path, messages: Iterable[bytes]) -> list[SourceReport]:
    """Import messages, each as a file of its own."""
    with closing(Importer(resolve_settings(path), None)) as importer:
        sources = (ImportSource("source", io.BytesIO(message)) for message in messages)
        return [importer.import_source(source, lambda _: None) for source in sources]


def import_lines(path: Path, messages: Iterable[Any]) -> SourceReport:
    content = "".join(f"{json.dumps(message)}\n" for message in messages).encode()
    (report,) = import_all(path, [content])
    return report


def export_lines(path: Path, **criteria: Any) -> list[dict[str, Any]]:
    pieces = read_export(TelemetryFile(str(path), 5_000), **{"signal": "metrics"} | criteria)
    return [json.loads(piece.content) for piece in pieces]


def metric_rows(path: Path) -> dict[str, list[str]]:
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in _TABLES)
    return view_rows(path, views=_VIEWS) | {"numbers": [str(read(path, f"SELECT {counts}"))]}


@pytest.mark.slow
@_many
@given(strategies.messages)
def test_an_exported_file_is_the_file(message: dict[str, Any]) -> None:
    with new_files(3) as (first, second, third):
        report = import_lines(first, [message])
        assert (report.refused, report.altered, report.unknown) == (0, 0, [])
        lines = export_lines(first)
        report = import_lines(second, lines)
        assert (report.refused, report.altered, report.unknown) == (0, 0, [])
        assert metric_rows(second) == metric_rows(first)
        assert export_lines(second) == lines
        import_all(third, [as_protobuf(line) for line in lines])
        assert metric_rows(third) == metric_rows(first)


@pytest.mark.slow
@_many
@given(strategies.messages, st.randoms(use_true_random=False))
def test_any_order_and_split_of_points_gives_the_same_file(message: dict[str, Any], chance: random.Random) -> None:
    parts = strategies.split_message(message)
    chance.shuffle(parts)
    with new_files(3) as (whole, split, again):
        import_lines(whole, [message])
        import_all(split, [json.dumps(part).encode() for part in parts])
        import_lines(again, [*parts, *reversed(parts), message])
        assert metric_rows(split) == metric_rows(whole)
        assert metric_rows(again) == metric_rows(whole)
        assert export_lines(split) != [] or parts == []


def test_what_coding_agents_and_services_sent_comes_back(tmp_path: Path) -> None:
    """As JSON and as protobuf."""
    for name in capture_files.list_captures():
        messages = [json.loads(line) for line in capture_files.read_capture(name).lines if "resourceMetrics" in line]
        if not messages:
            continue
        sent, copied_file, as_bytes = (tmp_path / f"{name}-{place}.db" for place in range(3))
        report = import_lines(sent, messages)
        assert (report.refused, report.altered, report.unknown) == (0, 0, [])
        import_lines(copied_file, export_lines(sent))
        import_all(as_bytes, map(as_protobuf, messages))
        assert metric_rows(copied_file) == metric_rows(as_bytes) == metric_rows(sent)


def export_sdk(path: Path, collected: Iterable[MetricsData], **keywords: Any) -> None:
    exporter = SQLiteMetricExporter(path, **keywords)
    for data in collected:
        exporter.export(data)
    exporter.shutdown()


@pytest.mark.parametrize("is_delta", [False, True])
def test_what_the_sdk_measured_comes_back(tmp_path: Path, is_delta: bool) -> None:
    """Also integers where OTLP has floating-point numbers."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    export_sdk(first, make_metrics(is_delta=is_delta, rounds=3))
    export_sdk(first, [make_data(make_sum("large", 2**70, -(2**64), 10**400, 2**63, -(2**63), 1.5))])
    report = import_lines(second, export_lines(first))
    assert (report.refused, report.altered, report.unknown, report.points) == (0, 0, [], 3 * 2 * 5 + 6)
    assert metric_rows(second) == metric_rows(first)
    types = {kind for (kind,) in read(first, "SELECT DISTINCT typeof(min) FROM metric_points")}
    assert types == {"integer", "real", "null"}


def test_bounds_are_floating_point_numbers_whatever_they_were(path: Path) -> None:
    metric = {"name": "m", "histogram": {"dataPoints": [{"explicitBounds": [0, 5], "bucketCounts": [1, 1, 1]}]}}
    import_lines(path, [{"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}])
    with metering(path) as provider:
        meter = provider.get_meter("tests")
        meter.create_histogram("n", explicit_bucket_boundaries_advisory=[0, 5]).record(1)
    assert read(path, "SELECT bounds FROM _histogram_bounds") == [("[0.0,5.0]",)]


def make_gauges(series: int, points: int) -> dict[str, Any]:
    """Points of a gauge, a minute apart, of some series and two metrics."""
    metrics = []
    for number in range(series):
        attributes: list[Any] = [{"key": "route", "value": {"intValue": str(number)}}]
        if number % 2:
            attributes.append({"key": "session.id", "value": {"stringValue": f"chat-{number % 4}"}})
        times = (strategies.NOON_NS + 60 * 10**9 * minute for minute in range(points))
        data = [{"timeUnixNano": str(time), "asInt": "1", "attributes": attributes} for time in times]
        metrics.append({"name": f"gauge {number % 2}", "gauge": {"dataPoints": data}})
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}


@pytest.mark.parametrize(("series", "points"), [(1, 3 * PAGE), (3, PAGE), (2 * PAGE, 1), (7, 200)])
def test_an_export_has_lines_of_bounded_size(tmp_path: Path, path: Path, series: int, points: int) -> None:
    import_lines(path, [make_gauges(series, points)])
    lines = export_lines(path, signal="metrics")
    sizes = [len(strategies.read_points(line)) for line in lines]
    assert sum(sizes) == series * points
    assert max(sizes) <= PAGE
    assert len(sizes) <= series * points // PAGE + 1
    # A metric stands once in a line.
    for line in lines:
        names = [metric["name"] for metric in line["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]]
        assert len(names) == len(set(names))
    import_lines(tmp_path / "copy.db", lines)
    assert metric_rows(tmp_path / "copy.db") == metric_rows(path)
    with closing(open_file(resolve_settings(path))) as file:  # as sorting does
        file.execute("UPDATE _metric_points SET is_sorted = 1 WHERE time_unix_nano < ?", (strategies.NOON_NS + 10**12,))
    assert export_lines(path, signal="metrics") == lines


def test_an_export_is_restricted_by_session_time_and_signal(path: Path) -> None:
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "s", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    session = {"attributes": [{"key": "session.id", "value": {"stringValue": "chat-1"}}]}
    import_lines(path, [make_gauges(8, 10), {"resourceSpans": [{"scopeSpans": [{"spans": [span | session]}]}]}])

    def count(**criteria: Any) -> tuple[int, int]:
        lines = export_lines(path, **criteria)
        spans = sum("resourceSpans" in line for line in lines)
        return spans, sum(len(strategies.read_points(line)) for line in lines if "resourceMetrics" in line)

    assert count(signal=None) == (1, 80)
    assert count() == (0, 80)
    assert count(signal="traces") == (1, 0)
    assert count(session_id="chat-1", signal=None) == (1, 20)
    assert count(session_id="chat-3", signal=None) == (0, 20)  # of which there are metrics alone
    assert count(trace_id="1" * 32, signal=None) == (1, 0)
    minute, noon = 60 * 10**9, strategies.NOON_NS
    assert count(since=noon + 2 * minute, until=noon + 5 * minute) == (0, 3 * 8)
    assert count(since=noon + 9 * minute, session_id="chat-1") == (0, 2)
    with pytest.raises(NotFoundError, match="there is no session 'chat-9'"):
        count(session_id="chat-9")
    with pytest.raises(NotFoundError, match="several sessions start with 'chat'"):
        count(session_id="chat")


_KEYED: dict[str, dict[str, Any]] = {
    "list_series_of_session": {"session_id": "x"},
    "list_sessions_of_series": {"prefix": "x", "end": "y", "limit": 6},
    "find_exported_series": {"series": "[]"},
    "find_exported_exemplars": {"points": "[]"},
    "find_exported_points": {"series": 1, "time": 1, "start": 1, "since": 1, "last": 1, "limit": 1},
}


@pytest.mark.parametrize("query", _KEYED)
def test_what_an_export_reads_is_found_by_keys(path: Path, query: str) -> None:
    put_new_file(path)
    with closing(sqlite3.connect(path)) as file:
        plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {read_query(query)}", _KEYED[query])]
    assert [step for step in table_scans(plan) if step != "SCAN n"] == []


def test_an_export_is_redacted(tmp_path: Path, path: Path) -> None:
    texts = {"user.name": "Ada", "what": "Ada said so, I think"}
    attributes: list[Any] = [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]
    exemplar = {"asInt": "1", "filteredAttributes": [{"key": "user.mail", "value": {"stringValue": "ada@example"}}]}
    point: dict[str, Any] = {"timeUnixNano": "5", "asInt": "7", "attributes": attributes, "exemplars": [exemplar]}
    metric: dict[str, Any] = {
        "name": "orders",
        "description": "What Ada said",
        "sum": {"dataPoints": [point], "isMonotonic": True},
    }
    resource: dict[str, Any] = {"attributes": [{"key": "user.home", "value": {"stringValue": "/home/ada"}}]}
    import_lines(path, [{"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]}])
    output = tmp_path / "out.jsonl"
    code, _, err = run("export", path, "--redact-keys", "user.*", "--output", output)
    assert (code, err) == (0, "exported 0 spans, 0 log records, 1 data point\n")
    text = output.read_text()
    assert ('"Ada"' in text, "ada@" in text, "/home" in text, text.count("[redacted]")) == (False, False, False, 3)
    code, _, _ = run("export", path, "--metadata-only", "--output", output)
    assert "Ada said" not in output.read_text()
    (point_read,) = strategies.read_points(json.loads(output.read_text()))
    assert (point_read.instrument.name, point_read.value) == ("orders", 7)


def test_a_point_of_an_hour_leaves_as_the_point_that_it_is(tmp_path: Path, path: Path) -> None:
    import_lines(path, [make_gauges(1, 2)])
    with closing(open_file(resolve_settings(path))) as file:
        file.execute("UPDATE _metric_points SET raw_points = 60, min = 0, max = 2, sum = 60 WHERE is_sorted = 0")
    copy = tmp_path / "copy.db"
    import_lines(copy, export_lines(path))
    assert read(copy, "SELECT value, raw_points, min FROM metric_points") == [(1, None, None)] * 2
