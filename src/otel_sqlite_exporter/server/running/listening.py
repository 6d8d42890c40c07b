# SPDX-License-Identifier: Apache-2.0
"""The sockets that the server listens on, bound before anything else starts."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

from otel_sqlite_exporter.errors import ConfigurationError

LOOPBACK = ("127.0.0.1", "::1")
BACKLOG = 512
"""How many connections wait to be accepted."""
_NO_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
_TRIES = 20


class Listeners(NamedTuple):
    """What was bound: the sockets, host and port of each as in a URL, and in one sentence each what could not be."""

    sockets: tuple[socket.socket, ...]
    addresses: tuple[str, ...]
    warnings: tuple[str, ...]

    def close(self) -> None:
        """Close all of them."""
        for one in self.sockets:
            one.close()


def listen(hosts: Sequence[str], port: int, option: str) -> Listeners:
    """Bind `port` on each of `hosts`, names or addresses; none means both loopback addresses, of which one is enough.
    With port 0 the system picks one that is free on all of them. `option` names the port in messages.

    Raises:
        ConfigurationError: A host is not one of this machine, or the port is taken or not allowed.
    """
    for left in reversed(range(_TRIES if port == 0 else 1)):
        try:
            return _listen(hosts, port, option)
        except ConfigurationError as error:
            # The port that was free on one address is taken on another.
            if not left or getattr(error.__cause__, "errno", None) != errno.EADDRINUSE:
                raise
    raise AssertionError


def check_hosts(hosts: Sequence[str]) -> None:
    """Raise ConfigurationError unless all of `hosts` are names or addresses of this machine."""
    if hosts:
        listen(hosts, 0, "--port").close()


def _listen(hosts: Sequence[str], port: int, option: str) -> Listeners:
    sockets: list[socket.socket] = []
    warnings: list[str] = []
    try:
        for family, address in _resolve(hosts or LOOPBACK):
            try:
                bound = _bind(family, address, port)
            except OSError as error:
                if error.errno in _NO_ADDRESS and not hosts:
                    warnings.append(f"{address} is not available on this machine: the server is not reached there")
                    continue
                raise _explain(error, address, port, option) from error
            sockets.append(bound)
            port = bound.getsockname()[1]
        if not sockets:
            raise ConfigurationError("this machine has no loopback address: give another with --host")
    except BaseException:
        for one in sockets:
            one.close()
        raise
    addresses = (format_address(one.getsockname()[0], port) for one in sockets)
    return Listeners(tuple(sockets), tuple(addresses), tuple(warnings))


def _resolve(hosts: Sequence[str]) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses that the names mean, each once."""
    found: dict[tuple[socket.AddressFamily, str], None] = {}
    for host in hosts:
        try:
            answers = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise ConfigurationError(
                f"--host {host}: this name has no address: give one of this machine, such as 127.0.0.1"
            ) from None
        found |= {(family, str(name[0])): None for family, _, _, _, name in answers}
    return list(found)


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is given; without it an answer in two pieces takes 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # or `::` would take the port of IPv4 too
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _explain(error: OSError, address: str, port: int, option: str) -> ConfigurationError:
    where = format_address(address, port)
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"{where} is taken: stop the program that listens there, or give another port with {option} (0: any)"
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(f"{where} is not allowed for this user: give a port above 1023 with {option}")
    return ConfigurationError(f"{address} is no address of this machine: give one with --host, such as 127.0.0.1")


def format_address(host: str, port: int) -> str:
    """Return host and port as in a URL."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host.partition("%")[0]).version == 6:
            return f"[{host}]:{port}"
    return f"{host}:{port}"
