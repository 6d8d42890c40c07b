# SPDX-License-Identifier: Apache-2.0
"""A message of OTLP as protobuf does not say what it is: its records do."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from otel_sqlite_exporter.otlp.protobuf import parse_protobuf

POINTS = {"data_points": [{"time_unix_nano": 5}]}
DATA = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
IDS: dict[str, Any] = {"trace_id": b"\x01" * 16, "span_id": b"\x02" * 8}
TEXT = {"string_value": "what was said"}


def name_kind(message: Any, group: str, scope: str, records: str, record: Any) -> str:
    whole = message(**{group: [{scope: [{records: [record]}]}]})
    (kind,) = parse_protobuf(whole.SerializeToString())
    return str(kind)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(
    ("name", "description", "unit"), [("x", "", ""), ("x", "Requests", "ms"), ("http.server.time", "Duration", "s")]
)
def test_metrics_are_no_spans_and_no_log_records(data: str, name: str, description: str, unit: str) -> None:
    described: dict[str, Any] = {"name": name, "description": description, "unit": unit, data: POINTS}
    metric = Metric(**described)
    assert name_kind(MetricsData, "resource_metrics", "scope_metrics", "metrics", metric) == "resourceMetrics"


@pytest.mark.parametrize("fields", [{}, {"name": "op"}, {"start_time_unix_nano": 1}, {"trace_state": "a=b"}])
def test_spans_are_no_metrics(fields: dict[str, Any]) -> None:
    span = Span(**IDS, **fields)
    assert name_kind(TracesData, "resource_spans", "scope_spans", "spans", span) == "resourceSpans"


@pytest.mark.parametrize(
    "fields",
    [
        {"time_unix_nano": 1},
        {"body": TEXT, "severity_text": "WARN"},
        {"attributes": [{"key": "k", "value": TEXT}]},
    ],
)
def test_log_records_are_no_metrics(fields: dict[str, Any]) -> None:
    assert name_kind(LogsData, "resource_logs", "scope_logs", "log_records", LogRecord(**fields)) == "resourceLogs"


@pytest.mark.parametrize("content", [b"\x0a\x05\x0a\x03abc", b"\x0a\x04\x12\x02hi"])
def test_a_message_of_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no TracesData, LogsData or MetricsData"):
        parse_protobuf(content)


@pytest.mark.parametrize("number", [1, 600_000])
def test_fields_that_are_not_known_are_named_where_they_are_few(number: int) -> None:
    span = Span(**IDS).SerializeToString() + b"\xf8\7\0" * number
    whole = TracesData(resource_spans=[{"scope_spans": [{"spans": [Span.FromString(span)]}]}])  # type: ignore[list-item]
    message = parse_protobuf(whole.SerializeToString(), "traces")
    (record,) = message["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert record.keys() - {"traceId", "spanId"} == ({"field 127"} if number == 1 else set())
