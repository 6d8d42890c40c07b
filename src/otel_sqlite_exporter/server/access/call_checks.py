# SPDX-License-Identifier: Apache-2.0
"""Who may call a service of gRPC: whoever has a token that may send. Source: RFC 6750, 2.1, as metadata of a call."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.access.tokens import Token

_UNAUTHENTICATED, _PERMISSION_DENIED = 16, 7
"""Of google.rpc.Code."""


class CallRefusal(NamedTuple):
    """Why a call is refused: a code of gRPC, and a sentence."""

    code: int
    sentence: str


def check_call(policy: AccessPolicy, authorization: str) -> Token | CallRefusal | None:
    """Return the token of a call, from its `authorization`, or why it is refused. None: it has no token, and needs
    none."""
    scheme, _, secret = authorization.partition(" ")
    token = policy.tokens.find(secret.strip() if scheme.lower() == "bearer" else "")
    if not policy.needs_token:
        return token
    if token is None:
        return CallRefusal(_UNAUTHENTICATED, "a valid token is needed: send `authorization: Bearer TOKEN` as metadata")
    if not token.may_send:
        return CallRefusal(_PERMISSION_DENIED, "this token may only read: create one with --send")
    return token
