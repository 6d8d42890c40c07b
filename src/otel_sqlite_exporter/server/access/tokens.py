# SPDX-License-Identifier: Apache-2.0
"""The tokens of a server: who may send, and who may read. Only digests of them are kept.

A token has 256 random bits, so that one round of SHA-256 keeps it: there is nothing to guess, and a check costs next to
nothing. The server reads the file again whenever it changed: a token that is revoked ends at once, and a file that
cannot be read admits nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from otel_sqlite_exporter.errors import ConfigurationError, NotFoundError
from otel_sqlite_exporter.server.access.token_storage import (
    AdmissionRow,
    StoredTokens,
    TokenRow,
    read_tokens,
    write_tokens,
)
from otel_sqlite_exporter.storage.system.system_files import alone_in

_T = TypeVar("_T")
LINK_S = 300
"""How long a one-time link is valid."""
BROWSER_S = 30 * 86400
"""How long a browser that used one stays admitted."""
_MOST_BROWSERS = 1_000
_PREFIX = "otelsqlite_"
"""What every secret begins with, so that scanners of repositories and logs can find one."""
_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Token(NamedTuple):
    """What a token allows: the name that it was created with, and whether it may send telemetry and read it."""

    name: str
    may_send: bool
    may_read: bool


class TokenFile:
    """The tokens in the file at `path`, which need not be there. Safe to use on any thread, and beside other processes
    that change the file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._change_lock = threading.Lock()
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._stored = StoredTokens((), (), ())

    def find(self, secret: str) -> Token | None:
        """Return what this secret allows; None if it is not that of a token, or the file cannot be used. Takes as long
        for a wrong secret as for a right one."""
        row = _match(self._load().tokens, secret)
        return None if row is None else Token(row.name, row.may_send, row.may_read)

    def find_browser(self, secret: str) -> Token | None:
        """Return what the cookie of a browser allows: to read, as its token does."""
        stored, now = self._load(), int(time.time())
        owners = {row.name: row for row in stored.tokens}
        browser = _match(stored.browsers, secret)
        if browser is None or browser.expires <= now or browser.token not in owners:
            return None
        return Token(browser.token, False, owners[browser.token].may_read)

    def list_tokens(self) -> tuple[TokenRow, ...]:
        """Return all tokens, without their secrets.

        Raises:
            ConfigurationError: The file is not one of tokens, or others could read or change it.
        """
        return read_tokens(self.path).tokens

    def create(self, name: str, *, may_send: bool, may_read: bool) -> str:
        """Add a token, and return its secret, which nobody can read again.

        Raises:
            ConfigurationError: The name cannot be used, or is taken; or the file cannot be used.
            OSError: The file cannot be written.
        """
        if not _NAMES.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} cannot be the name of a token: give up to 64 letters, digits and the characters . _ @ -"
            )
        secret = _PREFIX + secrets.token_urlsafe(32)

        def add(stored: StoredTokens) -> tuple[StoredTokens, None]:
            if any(row.name == name for row in stored.tokens):
                raise ConfigurationError(f"{self.path} has a token {name} already: give another name, or revoke it")
            row = TokenRow(name, _digest(secret), may_send, may_read, int(time.time()))
            return stored._replace(tokens=(*stored.tokens, row)), None

        self._change(add)
        return secret

    def revoke(self, name: str) -> None:
        """Remove a token, with its links and the browsers that it admitted.

        Raises:
            NotFoundError: There is none of this name.
            ConfigurationError: The file cannot be used.
            OSError: The file cannot be written.
        """

        def remove(stored: StoredTokens) -> tuple[StoredTokens, None]:
            self._check_name(stored, name)
            return StoredTokens(
                tuple(row for row in stored.tokens if row.name != name),
                tuple(row for row in stored.links if row.token != name),
                tuple(row for row in stored.browsers if row.token != name),
            ), None

        self._change(remove)

    def create_link(self, name: str) -> str:
        """Return a code that admits one browser with the rights of a token to read, once, in the next `LINK_S` seconds.

        Raises:
            NotFoundError: There is no token of this name.
            ConfigurationError: The token may not read, or the file cannot be used.
            OSError: The file cannot be written.
        """
        code = secrets.token_urlsafe(32)

        def add(stored: StoredTokens) -> tuple[StoredTokens, None]:
            if not self._check_name(stored, name).may_read:
                raise ConfigurationError(f"the token {name} may not read: create one with --read for a browser")
            row = AdmissionRow(name, _digest(code), int(time.time()) + LINK_S)
            return stored._replace(links=(*stored.links, row)), None

        self._change(add)
        return code

    def redeem(self, code: str) -> str | None:
        """Return the secret of a cookie for the code of a link, which is used up by that; None if the code is wrong,
        used or too old.

        Raises:
            ConfigurationError: The file cannot be used.
            OSError: The file cannot be written.
        """
        if _match(self._load().links, code) is None:
            return None  # most wrong codes cost no write
        secret = secrets.token_urlsafe(32)

        def use(stored: StoredTokens) -> tuple[StoredTokens, str | None]:
            link = _match(stored.links, code)
            links = tuple(row for row in stored.links if row is not link)
            if link is None:
                return stored, None
            row = AdmissionRow(link.token, _digest(secret), int(time.time()) + BROWSER_S)
            browsers = (*stored.browsers, row)[-_MOST_BROWSERS:]
            return stored._replace(links=links, browsers=browsers), secret

        return self._change(use)

    def _check_name(self, stored: StoredTokens, name: str) -> TokenRow:
        for row in stored.tokens:
            if row.name == name:
                return row
        raise NotFoundError(f"{self.path} has no token {name}: `token list` shows those that there are")

    def _change(self, change: Callable[[StoredTokens], tuple[StoredTokens, _T]]) -> _T:
        """Write what `change` makes of the newest tokens, without what is over, and return its second result."""
        with self._change_lock, alone_in(os.path.dirname(os.path.abspath(self.path))):
            stored, now = read_tokens(self.path), time.time()
            stored = StoredTokens(
                stored.tokens,
                tuple(row for row in stored.links if row.expires > now),
                tuple(row for row in stored.browsers if row.expires > now),
            )
            changed, result = change(stored)
            if changed != stored:
                write_tokens(self.path, changed)
            return result

    def _load(self) -> StoredTokens:
        """Return the tokens as they are now: the file is read only if it changed, or could not be read before, as
        while too many files are open."""
        with self._lock:
            seen = _fingerprint(self.path)
            if seen != self._seen:
                self._stored, self._seen = StoredTokens((), (), ()), None
                with contextlib.suppress(OSError):
                    with contextlib.suppress(ConfigurationError):
                        self._stored = read_tokens(self.path)
                    self._seen = seen
            return self._stored


def _fingerprint(path: str) -> tuple[int, ...] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode, status.st_uid


_RowT = TypeVar("_RowT", TokenRow, AdmissionRow)


def _match(rows: tuple[_RowT, ...], secret: str) -> _RowT | None:
    """Return the row of a secret. All rows are compared, each in the same time."""
    digest, found = _digest(secret), None
    for row in rows:
        if hmac.compare_digest(row.digest, digest):
            found = row
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
