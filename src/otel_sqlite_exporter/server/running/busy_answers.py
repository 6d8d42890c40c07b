# SPDX-License-Identifier: Apache-2.0
"""What is answered to a request that is not taken now: 503 and when to come again, whatever is asked."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from otel_sqlite_exporter.server.access.refusal_answers import AccessRefusal, protect, write_refusal
from otel_sqlite_exporter.server.access.request_checks import read_facts

_STATUS = 503
_SENDING = ("/v1/", "/t/")
_RETRY_AFTER_S = 1


async def answer_busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request on a connection that is one too many. An ASGI application."""
    await send_busy(scope, send, "too many connections are open: send this request again", _RETRY_AFTER_S)


async def send_busy(scope: Scope, send: Send, sentence: str, retry_after_s: int) -> None:
    """Answer with this sentence, and close the connection: the rest of the request may still be on its way."""
    headers, body = write_refusal(
        AccessRefusal(_STATUS, "busy", sentence),
        is_sending=scope["path"].startswith(_SENDING),
        content_type=read_facts(scope["headers"]).content_type,
    )
    headers += [(b"retry-after", b"%d" % retry_after_s), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": _STATUS, "headers": protect(headers)})
    await send({"type": "http.response.body", "body": body})
