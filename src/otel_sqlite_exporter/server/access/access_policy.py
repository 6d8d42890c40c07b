# SPDX-License-Identifier: Apache-2.0
"""Who may reach a server, decided once when it starts. Addresses that other machines reach need tokens and TLS."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.server.access.tokens import TokenFile
from otel_sqlite_exporter.storage.identity import name_command

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who may do what.

    Attributes:
        tokens: The file of tokens.
        needs_token: Whether a request needs one.
        hosts: The names, in small letters, that a `Host` header may have beside the address of the connection.
        origins: The web origins whose pages may read and send, such as `https://dash.example`.
        tls_cert: The file of the certificate chain of the server; None: it does not speak TLS.
        tls_key: The file of the key of that certificate.
        start_page: The path that a one-time link leads to.
        warnings: What to say on stderr when the server starts.
    """

    tokens: TokenFile
    needs_token: bool = False
    hosts: frozenset[str] = _LOOPBACK
    origins: frozenset[str] = frozenset()
    tls_cert: str | None = None
    tls_key: str | None = None
    start_page: str = "/"
    warnings: tuple[str, ...] = ()

    @property
    def is_secure(self) -> bool:
        """Whether the server speaks TLS: its cookies are then sent over TLS only."""
        return self.tls_cert is not None


def make_policy(
    hosts: Sequence[str],
    *,
    token_file: str,
    require_token: bool = False,
    allow_hosts: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
    tls_cert: str | None = None,
    tls_key: str | None = None,
    insecure: bool = False,
) -> AccessPolicy:
    """Return the policy of a server that listens on these addresses or names.

    Raises:
        ConfigurationError: An address that other machines reach has no tokens or no TLS, an option cannot be used, or
            the file of tokens cannot.
    """
    if (tls_cert is None) != (tls_key is None):
        raise ConfigurationError("a certificate needs its key: give both --tls-cert and --tls-key")
    if tls_cert is not None and tls_key is not None:
        _check_certificate(tls_cert, tls_key)
    tokens = TokenFile(token_file)
    open_hosts = [host for host in hosts if not is_loopback(host)]
    needs_token = bool(require_token or open_hosts)
    lacks_tls = bool(open_hosts) and tls_cert is None
    missing = []
    if needs_token and not tokens.list_tokens():
        create = name_command("token create NAME --send --read --token-file", token_file)
        missing.append(f"{token_file} has no tokens: create one with `{create}`")
    if lacks_tls and not insecure:
        missing.append(
            "the server has no TLS: give --tls-cert and --tls-key, or --insecure where something before it speaks TLS "
            "(docs/security.md)"
        )
    if missing:
        why = f"{open_hosts[0]} can be reached by other machines" if open_hosts else "--require-token is given"
        raise ConfigurationError(f"{why}, and {'; and '.join(missing)}")
    warnings: tuple[str, ...] = ()
    if lacks_tls:
        warnings = (
            f"{open_hosts[0]} is served without TLS (--insecure): anyone on the network path can read tokens and "
            "telemetry",
        )
    names = frozenset(map(_check_name, allow_hosts))
    bound = frozenset(host.lower() for host in hosts if not _is_wildcard(host))
    return AccessPolicy(
        tokens,
        needs_token,
        _LOOPBACK | bound | names,
        frozenset(map(_check_origin, allow_origins)),
        tls_cert,
        tls_key,
        warnings=warnings,
    )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_wildcard(host: str) -> bool:
    return host in ("", "0.0.0.0", "::")


def _check_certificate(certificate: str, key: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"{certificate} and {key} are not a certificate and its key: give two PEM files, the key without a password"
        ) from None


def _check_name(name: str) -> str:
    if not name or any(character in name for character in "/*@ ") or (":" in name and not _is_address(name)):
        raise ConfigurationError(f"--allow-host {name!r}: give a name without scheme and port, such as traces.example")
    return name.lower()


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _check_origin(origin: str) -> str:
    try:
        parts = urlsplit(origin.lower())
        has_port = parts.port is not None
    except ValueError:
        parts, has_port = urlsplit(""), False
    whole = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc or whole != origin.lower():
        raise ConfigurationError(f"--allow-origin {origin!r}: give scheme and host, such as https://dash.example")
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return whole.removesuffix(default) if has_port else whole
