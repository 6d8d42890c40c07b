# SPDX-License-Identifier: Apache-2.0
"""The answers of a server to requests that it refuses, and the headers that every answer has. Pure."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.server.api.api_problems import MEDIA_TYPE, TITLES
from otel_sqlite_exporter.server.export_answers import JSON, PROTOBUF, encode_status

GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 415: 3, 421: 3, 503: 14}
"""The code of google.rpc.Code for each status of HTTP."""
_TITLES = {
    "no-host": "The request does not say which server it is for",
    "wrong-host": "The request is for another server",
    "other-site": "A page of another site asks",
    "no-token": "A valid token is needed",
    "token-right": "The token does not allow this",
    "used-link": "The link is not valid any more",
    **{kind: TITLES[kind] for kind in ("no-such-route", "media-type", "busy")},
}
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_ADMITTED = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={page}">'
    '<title>Signed in</title></head><body><p>This browser may read now: <a href="{page}">go on</a>.</p></body></html>\n'
)
_REFUSED = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><title>{title}</title></head>'
    "<body><main><h1>{title}</h1><p>{sentence}</p>{advice}</main></body></html>\n"
)
_SIGN_IN = (
    "<p>A browser is let in by a link that works once. Whoever runs this server makes one with the command "
    "<code>token link</code>: docs/security.md says how.</p>"
)
_OF_ORIGINS = frozenset(
    (b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers")
)
_METHODS = b"GET, HEAD, POST, PUT, DELETE"
_ASKED_HEADERS = (
    b"authorization, content-type, content-encoding, accept, if-none-match, last-event-id, "
    b"mcp-session-id, mcp-protocol-version"
)
_SHOWN_HEADERS = b"etag, link, retry-after, mcp-session-id"
_CORS_S = b"600"


class AccessRefusal(NamedTuple):
    """An answer that refuses a request: an HTTP status, what kind it is (the last part of the URI of a problem), and a
    sentence that quotes nothing of the request."""

    status: int
    kind: str
    sentence: str


Headers = list[tuple[bytes, bytes]]


def write_refusal(
    refusal: AccessRefusal, *, is_sending: bool, content_type: str, is_page: bool = False
) -> tuple[Headers, bytes]:
    """Return headers and body: for those who read a problem (RFC 9457), for a person who opens a page HTML, and for
    those who send a google.rpc.Status in the encoding of the request."""
    status, kind, sentence = refusal
    if is_page and not is_sending:
        advice = _SIGN_IN if kind in ("no-token", "used-link") else ""
        page = _REFUSED.format(title=html.escape(_TITLES[kind]), sentence=html.escape(sentence), advice=advice)
        type_, body = "text/html; charset=utf-8", page.encode()
    elif is_sending:
        is_json = content_type not in PROTOBUF
        type_ = JSON if is_json else content_type
        body = encode_status(GRPC_CODES[status], sentence, is_json=is_json)
    else:
        problem: dict[str, Any] = {
            "type": f"urn:otel-sqlite-exporter:{kind}",
            "title": _TITLES[kind],
            "status": status,
            "detail": sentence,
        }
        type_, body = MEDIA_TYPE, orjson.dumps(problem)
    headers = [(b"content-type", type_.encode()), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="otel-sqlite-exporter"'))
    return headers, body


def write_admission(page: str, cookie: str) -> tuple[Headers, bytes]:
    """Return headers and body of the answer to a one-time link: a page that leads on to `page`. A redirect would not
    do: after a link on another site, browsers follow it without a cookie that is `SameSite=Strict`."""
    body = _ADMITTED.format(page=html.escape(page)).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"set-cookie", cookie.encode("ascii")),
    ]
    return headers, body


def protect(headers: Headers) -> Headers:
    """Return the headers of an answer with those that protect a browser, where the route did not set its own. What a
    route says of other origins is dropped: only the policy does."""
    kept = [pair for pair in headers if pair[0].lower() not in _OF_ORIGINS]
    given = {name.lower() for name, _ in kept}
    return [*kept, *(pair for pair in _HEADERS if pair[0] not in given)]


def allow_origin(headers: Headers, origin: str) -> Headers:
    """Return the headers of an answer that a page of this origin may read, without cookies."""
    return [
        *headers,
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _SHOWN_HEADERS),
    ]


def answer_preflight() -> Headers:
    """Return the further headers of the answer to a question what a page may send."""
    return [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _ASKED_HEADERS),
        (b"access-control-max-age", _CORS_S),
    ]
