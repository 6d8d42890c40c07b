# SPDX-License-Identifier: Apache-2.0
"""A server with the real access rules before a small application, on a free port, and raw requests to it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn

from otel_sqlite_exporter.server.access.access_middleware import TOKEN_SCOPE, AccessMiddleware
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from tests.conftest import HANG_S


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Guarded(NamedTuple):
    """Where a server is, and what reached the application behind its rules."""

    port: int
    passed: list[dict[str, Any]]

    def ask(self, path: str, method: str = "GET", **given: Any) -> Reply:
        """Send one request, with a `body`, a `context` of TLS, and these headers alone (`content_type` is
        `Content-Type`). One of None is left out."""
        body, context = given.pop("body", None), given.pop("context", None)
        headers = {name.replace("_", "-"): value for name, value in given.items()}
        return request(self.port, path, method, body, {"host": f"127.0.0.1:{self.port}"} | headers, context)


def request(
    port: int,
    path: str,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str | None],
    context: ssl.SSLContext | None = None,
) -> Reply:
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=HANG_S, context=context)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@contextmanager
def guarding(policy: AccessPolicy, cert: Path | None = None, key: Path | None = None) -> Iterator[Guarded]:
    """Serve an application that says 200 to all that reaches it."""
    passed: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        passed.append({"path": scope["path"], "raw_path": scope["raw_path"], "token": scope[TOKEN_SCOPE]})
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"passed"})

    with serving(AccessMiddleware(application, policy), cert, key) as port:
        yield Guarded(port, passed)


@contextmanager
def serving(application: Any, cert: Path | None = None, key: Path | None = None) -> Iterator[int]:
    """Run an ASGI application with uvicorn on a thread; yields its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        config = uvicorn.Config(
            application, lifespan="off", log_config=None, access_log=False, ssl_certfile=cert, ssl_keyfile=key
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
