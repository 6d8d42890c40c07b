# SPDX-License-Identifier: Apache-2.0
"""What a token lets a request do, whichever front it comes by. Pure."""

from __future__ import annotations

from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.access.refusal_answers import AccessRefusal
from otel_sqlite_exporter.server.access.tokens import Token

_NO_TOKEN = AccessRefusal(401, "no-token", "a valid token is needed: send it as `Authorization: Bearer TOKEN`")
_MAY_NOT_SEND = AccessRefusal(403, "token-right", "this token may only read: create one with --send")
_MAY_NOT_READ = AccessRefusal(403, "token-right", "this token may only send: create one with --read")


def read_bearer(authorization: str) -> str:
    """Return the secret in the value of an `Authorization` header; of another scheme than Bearer none."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def check_token(policy: AccessPolicy, token: Token | None, *, is_sending: bool) -> AccessRefusal | None:
    """Return why a request with this token may not send, or may not read; None if it may."""
    if not policy.needs_token:
        return None
    if token is None:
        return _NO_TOKEN
    if not (token.may_send if is_sending else token.may_read):
        return _MAY_NOT_SEND if is_sending else _MAY_NOT_READ
    return None
