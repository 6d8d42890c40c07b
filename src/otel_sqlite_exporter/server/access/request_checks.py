# SPDX-License-Identifier: Apache-2.0
"""What the headers of a request say of where it comes from. Pure.

`Host` is checked against DNS rebinding: a page of another site whose name was made to mean this server still sends the
name of that site. `Origin` and `Sec-Fetch-Site` are set by browsers, and no page can change them. Sources: RFC 9110,
7.2; fetch.spec.whatwg.org; w3.org/TR/fetch-metadata.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[0-9a-z._-]+)(?::\d{1,5})?")
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_OWN_SITE = frozenset(("", "same-origin", "none"))
_FORM_TYPES = frozenset(("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"))
"""What a form or a script of another site can post without asking first. So can it a body of no type."""


class RequestFacts(NamedTuple):
    """The headers that say where a request comes from: empty if they are missing; `hosts` has each that was sent."""

    hosts: tuple[str, ...]
    origin: str
    site: str
    mode: str
    destination: str
    content_type: str
    authorization: str
    cookie: str
    is_prefetched: bool
    has_body: bool
    takes_html: bool


def read_facts(headers: Iterable[tuple[bytes, bytes]]) -> RequestFacts:
    """Return them from the headers of an ASGI scope."""
    found: dict[bytes, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.decode("latin-1").strip())

    def first(name: bytes) -> str:
        return ",".join(found.get(name, ()))  # a header that was sent twice is none that is allowed

    return RequestFacts(
        tuple(found.get(b"host", ())),
        first(b"origin").lower(),
        first(b"sec-fetch-site").lower(),
        first(b"sec-fetch-mode").lower(),
        first(b"sec-fetch-dest").lower(),
        first(b"content-type").partition(";")[0].strip().lower(),
        first(b"authorization"),
        "; ".join(found.get(b"cookie", ())),
        bool(found.keys() & {b"purpose", b"sec-purpose", b"x-moz"}),
        b"transfer-encoding" in found or first(b"content-length") not in ("", "0"),
        "text/html" in first(b"accept").lower(),
    )


def is_host_allowed(host: str, names: frozenset[str], address: str) -> bool:
    """Return whether a `Host` has one of these names, or is the address of this end of the connection. A page that has
    an address in place of a name comes from that address."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match["name"].strip("[]")
    return name in names or (_read_address(name) is not None and _read_address(name) == _read_address(address))


def is_foreign(facts: RequestFacts, method: str, origins: frozenset[str], *, is_guarded: bool) -> bool:
    """Return whether a page of another site made a request that it may not make: one that changes something, one to a
    guarded route, and any that is not a link that the user followed. Programs that are not browsers send neither of
    the two headers."""
    if facts.origin in origins:
        return False
    if facts.site in _OWN_SITE and (not facts.origin or is_same_origin(facts)):
        return False
    return is_guarded or method not in _SAFE_METHODS or facts.mode != "navigate"


def is_opened_page(facts: RequestFacts, method: str) -> bool:
    """Return whether a browser shows the answer as a page of its own: by the address bar, or a link on any site that
    was followed. What looks ahead, a frame and a script are none. Programs that are not browsers, and browsers that do
    not trust the connection, send no such headers."""
    is_page = facts.mode in ("", "navigate") and facts.destination in ("", "document")
    return method == "GET" and not facts.is_prefetched and is_page


def is_same_origin(facts: RequestFacts) -> bool:
    """Return whether the page of a request is one of the server that it goes to. The scheme is not compared, as a proxy
    may add TLS."""
    return any(facts.origin in (f"http://{host.lower()}", f"https://{host.lower()}") for host in facts.hosts)


def is_sent_by_own_page(facts: RequestFacts) -> bool:
    """Return whether a browser says that a page of this server made the request. Of a server that it does not trust, as
    one without TLS on another machine, it says so by the origin alone."""
    return facts.site == "same-origin" or (not facts.site and bool(facts.origin) and is_same_origin(facts))


def is_form(facts: RequestFacts, method: str) -> bool:
    """Return whether a page of another site could send this without asking first."""
    return method == "POST" and (facts.content_type in _FORM_TYPES or (facts.has_body and not facts.content_type))


def _read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
