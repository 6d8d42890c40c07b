# SPDX-License-Identifier: Apache-2.0
"""Asks a receiver whether it would take what an agent sends."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from otel_sqlite_exporter.connect.agent_profiles import Destination
from otel_sqlite_exporter.storage.identity import name_command

_ANSWER_S = 5.0
_PORT = 4318
"""The port that `serve` has by default."""


def find_obstacle(to: Destination, path: str) -> str | None:
    """Return why what is sent to a destination would not arrive in the file at `path`, and what to do: one sentence.
    None if nothing stands in the way. Sends nothing, and leaves no trace in the file: GET passes the same checks.
    """
    parts = urlsplit(to.endpoint)
    try:
        status = _ask(parts, to.token)
    except ssl.SSLCertVerificationError:
        return (
            f"this program does not trust the certificate of {to.endpoint}, so nothing was checked: "
            "docs/security.md says how to let a client trust it"
        )
    except socket.gaierror:
        return f"{parts.hostname} has no address: give that of `serve` with --endpoint"
    except (ConnectionRefusedError, TimeoutError):
        return f"nothing listens at {to.endpoint}: {_advise_start(parts, path)}"
    except (OSError, http.client.HTTPException):
        return f"what listens at {to.endpoint} does not speak {parts.scheme.upper()}: {_advise_start(parts, path)}"
    create = f"`{name_command('token create NAME --send', path)}`"
    if status == 401:
        what = "asks for a token, and none is given" if to.token is None else "does not know this token"
        return f"{to.endpoint} {what}: create one with {create} and give it with --token"
    if status == 403:
        return f"{to.endpoint} does not let this token send: create one with {create} and give it with --token"
    if status == 421:
        return f"{to.endpoint} does not answer under this name: start `serve` with --allow-host {parts.hostname}"
    return None


def _ask(parts: SplitResult, token: str | None) -> int:
    """Return the status of an answer to a request that has the rights of one that sends."""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_ANSWER_S)
    try:
        connection.request(
            "GET", f"{parts.path}/v1/traces", headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        return connection.getresponse().status
    finally:
        connection.close()


def _advise_start(parts: SplitResult, path: str) -> str:
    """Return how to start the server that is to be there."""
    if not _is_here(parts.hostname or ""):
        return "start `serve` there, or give its address with --endpoint"
    command = name_command("serve", path)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    command += "" if port == _PORT else f" --port {port}"
    command += " --tls-cert FILE --tls-key FILE" if parts.scheme == "https" else ""
    return f"run `{command}`"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
