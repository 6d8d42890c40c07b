# SPDX-License-Identifier: Apache-2.0
"""Reads messages of OTLP's protobuf encoding as the JSON encoding has them. Pure.

Source: opentelemetry-proto, `trace.proto`, `logs.proto` and `metrics.proto`. The JSON form is protobuf's own mapping,
which `otlp_decoder` reads too.
"""

from __future__ import annotations

from typing import Any

from otel_sqlite_exporter.errors import MissingPackageError


def parse_protobuf(content: bytes) -> dict[str, Any]:
    """Return a TracesData, LogsData or MetricsData, or the request of the same form, as parsed JSON.

    Raises:
        ValueError: `content` is none of them.
        MissingPackageError: opentelemetry-proto is not installed.
    """
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
        from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
    except ImportError as error:
        raise MissingPackageError(
            f"reading OTLP as protobuf needs opentelemetry-proto ({error}): `pip install 'otel-sqlite-exporter[otlp]'`"
        ) from None
    if not content:
        return {"resourceSpans": []}
    for kind, is_one in ((TracesData, _holds_spans), (LogsData, _holds_logs), (MetricsData, _holds_metrics)):
        try:
            message = kind.FromString(content)
            if is_one(message):
                parsed: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
                return parsed
        except (DecodeError, ValueError):
            continue
    raise ValueError("it is neither TracesData nor LogsData")


# The three messages have the same fields down to their records, and protobuf ignores a field of another type than
# expected. So they are distinguished by fields that only the records of one of them have.
def _holds_spans(message: Any) -> bool:
    spans = [span for group in message.resource_spans for scoped in group.scope_spans for span in scoped.spans]
    return not spans or any(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)


def _holds_logs(message: Any) -> bool:
    logs = [log for group in message.resource_logs for scoped in group.scope_logs for log in scoped.log_records]
    return any(log.time_unix_nano or log.observed_time_unix_nano or log.HasField("body") for log in logs)


def _holds_metrics(message: Any) -> bool:
    groups = message.resource_metrics
    return any(metric.name for group in groups for scoped in group.scope_metrics for metric in scoped.metrics)
