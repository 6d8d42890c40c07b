# SPDX-License-Identifier: Apache-2.0
"""Reads the bodies of small requests before a route sees them, so that no route waits for one without an end. Those of
OTLP are large: their front reads them itself."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_sqlite_exporter.server.body_deadlines import BODY_S, PIECE_S, BodyDeadlines, read_pieces
from otel_sqlite_exporter.server.request_refusals import ClientGoneError, RequestRefusedError
from otel_sqlite_exporter.server.running.busy_answers import send_busy
from otel_sqlite_exporter.server.server_context import ServerContext

_OTLP = "/v1/"
_MOST_BYTES = 1 << 20
"""Routes take no more than this; they refuse what is larger in their own form, once they have this much of it."""
_OF_BODY = frozenset((b"content-length", b"transfer-encoding"))


class WholeBodies:
    """Passes requests on to `application` that have their body. An ASGI application."""

    def __init__(self, application: ASGIApp, context: ServerContext) -> None:
        self._application = application
        self._deadlines = BodyDeadlines(PIECE_S, BODY_S)
        context.at_stop.append(self._deadlines.stop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"].startswith(_OTLP) or not _has_body(scope):
            return await self._application(scope, receive, send)
        body, is_whole = bytearray(), False
        read_piece = read_pieces(receive)

        async def next_piece() -> tuple[bytes, bool]:
            nonlocal is_whole
            piece, more = await read_piece()
            is_whole = not more
            return piece, more and len(body) + len(piece) <= _MOST_BYTES

        try:
            await self._deadlines.read(next_piece, body.extend)
        except RequestRefusedError as error:
            return await send_busy(scope, send, str(error), error.retry_after_s or 1)
        except ClientGoneError:
            return None
        is_given = False

        async def receive_again() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()
            is_given = True
            return {"type": "http.request", "body": bytes(body), "more_body": not is_whole}

        return await self._application(scope, receive_again, send)


def _has_body(scope: Scope) -> bool:
    return any(name in _OF_BODY and value != b"0" for name, value in scope["headers"])
