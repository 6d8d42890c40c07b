# SPDX-License-Identifier: Apache-2.0
"""What is answered to a request of OTLP, as JSON and as protobuf. Pure.

The messages are few and flat, so that they are written here: JSON needs no protobuf package, and google.rpc has its
own. Sources: opentelemetry-proto, `collector/*/v1/*_service.proto`; googleapis, `google/rpc/status.proto` and
`google/rpc/error_details.proto`.
"""

from __future__ import annotations

import orjson

from otel_sqlite_exporter.otlp.protobuf_fields import bytes_field, number_field, text_field
from otel_sqlite_exporter.receive.requests import ExportAnswer

JSON = "application/json"
PROTOBUF = ("application/x-protobuf", "application/protobuf")
_REJECTED = {"traces": "rejectedSpans", "logs": "rejectedLogRecords", "metrics": "rejectedDataPoints"}
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def encode_answer(signal: str, answer: ExportAnswer, *, is_json: bool) -> bytes:
    """Return the response of an export service: empty where nothing was rejected, else with `partialSuccess`."""
    if not answer.rejected and not answer.reason:
        return b"{}" if is_json else b""
    if is_json:
        # OTLP's JSON writes integers of 64 bits as text, as that of protobuf does.
        rejected = {_REJECTED[signal]: str(answer.rejected)} if answer.rejected else {}
        return orjson.dumps({"partialSuccess": {**rejected, "errorMessage": answer.reason}})
    return bytes_field(1, _number(1, answer.rejected) + _text(2, answer.reason))


def encode_status(code: int, message: str, *, is_json: bool, retry_after_s: int | None = None) -> bytes:
    """Return a `google.rpc.Status`, with a `RetryInfo` if the request may be repeated after some seconds."""
    if is_json:
        details = [] if retry_after_s is None else [{"@type": _RETRY_INFO, "retryDelay": f"{retry_after_s}s"}]
        return orjson.dumps({"code": code, "message": message} | ({"details": details} if details else {}))
    status = _number(1, code) + _text(2, message)
    if retry_after_s is not None:
        status += bytes_field(3, _text(1, _RETRY_INFO) + bytes_field(2, encode_retry_info(retry_after_s)))
    return status


def encode_retry_info(seconds: int) -> bytes:
    """Return a `google.rpc.RetryInfo` as protobuf."""
    return bytes_field(1, _number(1, seconds))


def _number(field: int, number: int) -> bytes:
    return number_field(field, number) if number else b""


def _text(field: int, text: str) -> bytes:
    return text_field(field, text) if text else b""
