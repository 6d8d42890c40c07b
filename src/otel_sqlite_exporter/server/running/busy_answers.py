# SPDX-License-Identifier: Apache-2.0
"""What is answered on a connection that is one too many: 503 and when to come again, whatever is asked."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from otel_sqlite_exporter.server.access.refusal_answers import AccessRefusal, protect, write_refusal
from otel_sqlite_exporter.server.access.request_checks import read_facts

_BUSY = AccessRefusal(503, "busy", "too many connections are open: send this request again")
_SENDING = ("/v1/", "/t/")
_RETRY_AFTER_S = b"1"


async def answer_busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, and close its connection. An ASGI application."""
    headers, body = write_refusal(
        _BUSY,
        is_sending=scope["path"].startswith(_SENDING),
        content_type=read_facts(scope["headers"]).content_type,
    )
    headers += [(b"retry-after", _RETRY_AFTER_S), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": _BUSY.status, "headers": protect(headers)})
    await send({"type": "http.response.body", "body": body})
