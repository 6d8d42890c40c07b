# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP: `POST /v1/traces`, `/v1/logs` and `/v1/metrics`. docs/receiver.md is the contract.

Source: opentelemetry.io/docs/specs/otlp/#otlphttp.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from otel_sqlite_exporter.receive.requests import SIGNALS
from otel_sqlite_exporter.server.body_deadlines import read_pieces
from otel_sqlite_exporter.server.body_unpacking import list_encodings, read_encoding
from otel_sqlite_exporter.server.export_answers import JSON, PROTOBUF, encode_answer, encode_status
from otel_sqlite_exporter.server.request_intake import (
    IncomingRequest,
    RequestIntake,
    name_client,
    name_sender,
    refuse_size,
)
from otel_sqlite_exporter.server.request_refusals import (
    NOT_ALLOWED,
    UNKNOWN_TYPE,
    ClientGoneError,
    RequestRefusedError,
)
from otel_sqlite_exporter.server.server_context import ServerContext


def make_routes(context: ServerContext) -> list[BaseRoute]:
    """Return the routes of the receiver; none without one."""
    if context.intake is None:
        return []
    return [Route(f"/v1/{signal}", _ExportEndpoint(signal, context.intake)) for signal in SIGNALS]


class _ExportEndpoint:
    """Answers any method at the path of one signal."""

    def __init__(self, signal: str, intake: RequestIntake) -> None:
        self._signal = signal
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            response = await self._answer(scope, headers, content_type, receive)
        except RequestRefusedError as error:
            response = _refuse(error, headers, content_type)
        except ClientGoneError:
            return
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, headers: Headers, content_type: str, receive: Receive) -> Response:
        if scope["method"] != "POST":
            raise RequestRefusedError(NOT_ALLOWED, "send telemetry with POST")
        if content_type != JSON and content_type not in PROTOBUF:
            raise RequestRefusedError(UNKNOWN_TYPE, f"give Content-Type: {JSON} or {PROTOBUF[0]}")
        encoding = read_encoding(headers.getlist("content-encoding"))
        limit = self._intake.limits.sent_bytes
        size = headers.get("content-length", "")
        if size.isdecimal() and int(size) > limit:
            raise refuse_size(limit)
        is_json = content_type == JSON
        token = getattr(scope.get("otel_sqlite_token"), "name", None)
        sender = name_sender(token, headers.get("user-agent", ""))
        client = name_client(scope["client"][0] if scope.get("client") else "", token, sender)
        incoming = IncomingRequest(self._signal, is_json, encoding, sender, client)
        answer = await self._intake.take(incoming, read_pieces(receive))
        return Response(encode_answer(self._signal, answer, is_json=is_json), media_type=content_type)


def _refuse(error: RequestRefusedError, request: Headers, content_type: str) -> Response:
    """Return the answer in the encoding of the request, or as JSON where that is not known."""
    is_json = content_type not in PROTOBUF
    headers = {}
    if error.kind is NOT_ALLOWED:
        headers["allow"] = "POST"
    if error.kind is UNKNOWN_TYPE:
        headers["accept-encoding"] = ", ".join(list_encodings())  # RFC 9110, 12.5.3
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if "expect" in request:  # whether the body follows cannot be known
        headers["connection"] = "close"
    return Response(
        encode_status(error.kind.grpc_code, str(error), is_json=is_json, retry_after_s=error.retry_after_s),
        status_code=error.kind.http_status,
        headers=headers,
        media_type=JSON if is_json else content_type,
    )
