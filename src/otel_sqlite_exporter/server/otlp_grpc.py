# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC: the three export services. Imported only where grpcio is installed.

Source: opentelemetry.io/docs/specs/otlp/#otlpgrpc.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own log lines, which name peers, and come before any of ours

import grpc
import grpc.aio

from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.access.refusal_answers import GRPC_CODES
from otel_sqlite_exporter.server.access.token_rights import check_token, read_bearer
from otel_sqlite_exporter.server.access.tokens import Token
from otel_sqlite_exporter.server.body_deadlines import NextPiece
from otel_sqlite_exporter.server.export_answers import encode_answer, encode_retry_info, encode_status
from otel_sqlite_exporter.server.request_intake import (
    IncomingRequest,
    RequestIntake,
    RequestLimits,
    name_client,
    name_sender,
)
from otel_sqlite_exporter.server.request_refusals import ClientGoneError, RequestRefusedError

_SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_STREAMS = 32
_STOP_S = 5.0
_Export = Callable[[bytes, Any], Awaitable[bytes]]


class GrpcFront:
    """Serves the three services on the event loop that starts it, on `addresses` (host and port), to whom `policy`
    lets send. With a certificate it speaks TLS.

    Raises:
        OSError: The certificate or its key cannot be read.
    """

    def __init__(self, intake: RequestIntake, addresses: tuple[str, ...], policy: AccessPolicy) -> None:
        self._server = grpc.aio.server(options=_make_options(intake.limits), interceptors=[_TokenCheck(policy)])
        for signal, service in _SERVICES.items():
            method = grpc.unary_unary_rpc_method_handler(_make_export(signal, intake, policy))
            handler = grpc.method_handlers_generic_handler(service, {"Export": method})
            self._server.add_generic_rpc_handlers((handler,))
        credentials = _read_credentials(policy)
        for address in addresses:
            if credentials is None:
                self._server.add_insecure_port(address)
            else:
                self._server.add_secure_port(address, credentials)

    async def start(self) -> None:
        """Begin to serve."""
        await self._server.start()

    async def stop(self) -> None:
        """Take no more requests, and let those that are under way end."""
        await self._server.stop(_STOP_S)


class _TokenCheck(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Refuses a call before its message is read."""

    def __init__(self, policy: AccessPolicy) -> None:
        self._policy = policy

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        token = _find_token(self._policy, details.invocation_metadata)
        refusal = check_token(self._policy, token, is_sending=True)
        if refusal is None:
            return await continuation(details)
        code, sentence = _CODES[GRPC_CODES[refusal.status]], refusal.sentence

        async def refuse(messages: Any, context: Any) -> None:
            await context.abort(code, sentence)

        return grpc.stream_unary_rpc_method_handler(refuse)


def _find_token(policy: AccessPolicy, metadata: Any) -> Token | None:
    given = [value for key, value in metadata or () if key == "authorization"]
    return policy.tokens.find(read_bearer(given[0])) if len(given) == 1 else None


def _read_credentials(policy: AccessPolicy) -> Any:
    if policy.tls_cert is None or policy.tls_key is None:
        return None
    with open(policy.tls_cert, "rb") as certificate, open(policy.tls_key, "rb") as key:
        return grpc.ssl_server_credentials([(key.read(), certificate.read())])


def _make_options(limits: RequestLimits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.sent_bytes),
        # gRPC unpacks a message before it looks at its size, so that 16 kB can take 16 MB of memory and 16 MB all of
        # it. So messages come as they were sent, and are unpacked as those of HTTP are.
        ("grpc.per_message_decompression", 0),
        ("grpc.max_concurrent_streams", _STREAMS),
        ("grpc.so_reuseport", 0),
        ("grpc.server_handshake_timeout_ms", 10_000),  # for TLS, and for the first frame: usually 120 s
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]


def _make_export(signal: str, intake: RequestIntake, policy: AccessPolicy) -> _Export:
    async def export(message: bytes, context: Any) -> bytes:
        given = context.invocation_metadata()
        metadata = {key: value for key, value in given or () if isinstance(value, str)}
        token = getattr(_find_token(policy, given), "name", None)
        sender = name_sender(token, metadata.get("user-agent", ""))
        client = name_client(_find_address(context.peer()), token, sender)
        incoming = IncomingRequest(signal, False, _find_encoding(message), sender, client)
        try:
            answer = await intake.take(incoming, _piece_reader(message))
        except RequestRefusedError as error:
            return await _refuse(context, error)
        except ClientGoneError:
            return b""
        return encode_answer(signal, answer, is_json=False)

    return export


def _piece_reader(message: bytes) -> NextPiece:
    async def next_piece() -> tuple[bytes, bool]:
        return message, False

    return next_piece


def _find_encoding(message: bytes) -> str:
    """Return how a message is packed, which gRPC tells no handler. A request of OTLP begins with the tag of its only
    field, `0A`; gzip begins with `1F 8B`, and zlib, which gRPC calls deflate, with `78`."""
    if message.startswith(b"\x1f\x8b"):
        return "gzip"
    return "deflate" if message.startswith(b"\x78") else ""


def _find_address(peer: str) -> str:
    """Return the address in what gRPC calls a peer, such as `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


async def _refuse(context: Any, error: RequestRefusedError) -> bytes:
    """End a call with the status of an error. Where the request may be repeated, it says when in both places that
    clients look at: the one of the specification, and the one that the exporter of Python reads."""
    code, after = error.kind.grpc_code, error.retry_after_s
    metadata = [("grpc-status-details-bin", encode_status(code, str(error), is_json=False, retry_after_s=after))]
    if after is not None:
        metadata.append(("google.rpc.retryinfo-bin", encode_retry_info(after)))
    await context.abort(_CODES[code], str(error), tuple(metadata))
    raise AssertionError
