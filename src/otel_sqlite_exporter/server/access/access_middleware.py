# SPDX-License-Identifier: Apache-2.0
"""Stands before all routes of a server and lets through who may pass. Pure ASGI: asgi.readthedocs.io.

In order: `Host`, the site that a browser comes from, the token, the type of what is sent. A refused request reaches no
route. Whatever passes has in its scope, as `otel_sqlite_token`, the token or None, and a path without one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio.to_thread

from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.access.refusal_answers import (
    AccessRefusal,
    Headers,
    allow_origin,
    answer_preflight,
    protect,
    write_admission,
    write_refusal,
)
from otel_sqlite_exporter.server.access.request_checks import (
    RequestFacts,
    is_foreign,
    is_form,
    is_host_allowed,
    is_opened_page,
    is_sent_by_own_page,
    read_facts,
)
from otel_sqlite_exporter.server.access.token_rights import check_token, read_bearer
from otel_sqlite_exporter.server.access.tokens import BROWSER_S, Token

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_SCOPE = "otel_sqlite_token"
"""The key of the scope under which a route finds the `Token` of its request, or None."""
LINK_PATH = "/link/"
"""What a one-time link begins with, before its code."""
_TOKEN_PATH = "/t/"
_SENDING = "/v1/"
_OPEN = frozenset(("/livez", "/readyz"))
_GUARDED = "/mcp"
_COOKIE = "otel_sqlite_browser"
_API, _STATEMENTS = "/api/", "/api/v1/sql"
_FORM_TYPE = "application/x-www-form-urlencoded"
_READING = frozenset(("GET", "HEAD", "OPTIONS"))

_NO_HOST = AccessRefusal(400, "no-host", "a request needs one Host header")
_WRONG_HOST = AccessRefusal(
    421, "wrong-host", "this server does not answer under this name: start it with --allow-host NAME"
)
_FOREIGN = AccessRefusal(
    403, "other-site", "a page of another site may not do this: start the server with --allow-origin ORIGIN"
)
_FORM = AccessRefusal(415, "media-type", "give Content-Type: application/json")
_FORM_SENT = AccessRefusal(415, "media-type", "give Content-Type: application/json or application/x-protobuf")
_NO_PATH = AccessRefusal(404, "no-such-route", "there is nothing at this path")
_OLD_LINK = AccessRefusal(
    403,
    "used-link",
    "this link was used, is too old, or was not opened as a page: make a new one with the command `token link`",
)


class AccessMiddleware:
    """Passes requests on to `app` that the policy allows, and answers the others itself."""

    def __init__(self, app: Application, policy: AccessPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of ASGI."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        facts = read_facts(scope["headers"])
        send = self._send_protected(facts, send)
        secret = _take_secret(scope)
        refusal = self._check_origin(scope, facts)
        if refusal is None and scope["method"] == "OPTIONS" and facts.origin in self._policy.origins:
            return await _start(send, 204, answer_preflight())
        if refusal is None and scope["path"] == LINK_PATH:
            return await self._admit_browser(secret, scope, facts, send)
        token = None
        if refusal is None:
            token = self._find_token(facts, secret)
        refusal = refusal or self._check_rights(scope, facts, token)
        if refusal is not None:
            return await _refuse(send, refusal, scope, facts)
        return await self._app({**scope, TOKEN_SCOPE: token}, receive, send)

    def _check_origin(self, scope: Scope, facts: RequestFacts) -> AccessRefusal | None:
        if len(facts.hosts) != 1 or not facts.hosts[0]:
            return _NO_HOST
        address = (scope.get("server") or ("",))[0] or ""
        if not is_host_allowed(facts.hosts[0], self._policy.hosts, address):
            return _WRONG_HOST
        is_guarded = scope["path"] == _GUARDED or scope["path"].startswith(f"{_GUARDED}/")
        if is_foreign(facts, scope["method"], self._policy.origins, is_guarded=is_guarded):
            return _FOREIGN
        return _NO_PATH if scope["path"] == _TOKEN_PATH else None

    def _find_token(self, facts: RequestFacts, secret: str) -> Token | None:
        """Return the token of the request. A file that did not change is not read again."""
        if secret or facts.authorization:
            return self._policy.tokens.find(secret or read_bearer(facts.authorization))
        return self._policy.tokens.find_browser(_read_cookie(facts.cookie))

    def _check_rights(self, scope: Scope, facts: RequestFacts, token: Token | None) -> AccessRefusal | None:
        is_sending = scope["path"].startswith(_SENDING)
        if scope["path"] not in _OPEN:
            refusal = check_token(self._policy, token, is_sending=is_sending)
            if refusal is None and not is_sending and _is_writing(scope):
                refusal = check_token(self._policy, token, is_sending=True)
            if refusal is not None:
                return refusal
        if not is_form(facts, scope["method"]) or _is_own_form(scope, facts):
            return None
        return _FORM_SENT if is_sending else _FORM

    async def _admit_browser(self, code: str, scope: Scope, facts: RequestFacts, send: Send) -> None:
        """Exchange the code of a one-time link for a cookie. What only looks ahead, and what a page of another site
        does by itself, does not use the link up."""
        secret: str | None = None
        if is_opened_page(facts, scope["method"]):
            try:
                secret = await anyio.to_thread.run_sync(self._policy.tokens.redeem, code)
            except (ConfigurationError, OSError):
                secret = None  # the file cannot be used, so no code is valid
        if secret is None:
            return await _refuse(send, _OLD_LINK, scope, facts)
        cookie = f"{_COOKIE}={secret}; Path=/; Max-Age={BROWSER_S}; HttpOnly; SameSite=Strict"
        cookie += "; Secure" if self._policy.is_secure else ""
        return await _start(send, 200, *write_admission(self._policy.start_page, cookie))

    def _send_protected(self, facts: RequestFacts, send: Send) -> Send:
        """Return a `send` that adds to each answer the headers that protect a browser, and CORS where it is allowed."""
        policy = self._policy

        async def send_protected(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = protect([(bytes(name), bytes(value)) for name, value in message.get("headers", ())])
                if policy.origins:
                    headers.append((b"vary", b"Origin"))
                if facts.origin in policy.origins:
                    headers = allow_origin(headers, facts.origin)
                message = {**message, "headers": headers}
            await send(message)

        return send_protected


def _take_secret(scope: Scope) -> str:
    """Return the token or the code that stands in the path, and take it out of the scope itself: servers log the path
    in the scope that they made."""
    path = scope["path"]
    if path.startswith(LINK_PATH):
        _set_path(scope, LINK_PATH)
        return str(path.removeprefix(LINK_PATH))
    if not path.startswith(_TOKEN_PATH):
        return ""
    token, slash, rest = path.removeprefix(_TOKEN_PATH).partition("/")
    is_of_sender = f"{slash}{rest}".startswith(_SENDING)
    _set_path(scope, f"/{rest}" if is_of_sender else _TOKEN_PATH)
    return token or "-"


def _set_path(scope: Scope, path: str) -> None:
    scope["path"], scope["raw_path"] = path, path.encode()


def _is_writing(scope: Scope) -> bool:
    """Return whether a request, if it is served, changes what the file says of sessions and traces."""
    path: str = scope["path"]
    is_reading = path in (_STATEMENTS, _GUARDED) or path.startswith(f"{_GUARDED}/")
    return scope["method"] not in _READING and not is_reading


def _is_own_form(scope: Scope, facts: RequestFacts) -> bool:
    """Return whether a page of this server sends a form to a page."""
    is_page = not scope["path"].startswith((_SENDING, _API, _GUARDED))
    return is_page and facts.content_type == _FORM_TYPE and is_sent_by_own_page(facts)


def _read_cookie(text: str) -> str:
    # `http.cookies` gives up at the first cookie that is malformed, and other servers of this host set cookies too.
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return next((value for name, _, value in pairs if name == _COOKIE), "")


async def _refuse(send: Send, refusal: AccessRefusal, scope: Scope, facts: RequestFacts) -> None:
    is_sending = scope["path"].startswith(_SENDING)
    is_page = facts.takes_html and is_opened_page(facts, scope["method"])
    headers, body = write_refusal(refusal, is_sending=is_sending, content_type=facts.content_type, is_page=is_page)
    await _start(send, refusal.status, headers, body)


async def _start(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
