# SPDX-License-Identifier: Apache-2.0
"""The file of tokens: JSON for its owner alone (mode 0600), always replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from otel_sqlite_exporter.errors import ConfigurationError
from otel_sqlite_exporter.storage.system.system_files import BINARY, HAS_MODES, NO_LINK, sync_folder

_VERSION = 1
_MOST_BYTES = 4 << 20


class TokenRow(NamedTuple):
    """A token: its name, the SHA-256 of its secret, what it allows, and when it was created (seconds since 1970)."""

    name: str
    digest: str
    may_send: bool
    may_read: bool
    created: int


class AdmissionRow(NamedTuple):
    """A one-time link, or a browser that used one: the name of its token, the SHA-256 of its secret, and when it ends
    (seconds since 1970)."""

    token: str
    digest: str
    expires: int


class StoredTokens(NamedTuple):
    """All that a file holds."""

    tokens: tuple[TokenRow, ...]
    links: tuple[AdmissionRow, ...]
    browsers: tuple[AdmissionRow, ...]


def read_tokens(path: str) -> StoredTokens:
    """Return what the file holds; nothing if there is none.

    Raises:
        ConfigurationError: It is a link, of another user, for others to read, or not a file of tokens.
        OSError: It cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | BINARY | NO_LINK)
    except FileNotFoundError:
        return StoredTokens((), (), ())
    except OSError:
        if os.path.islink(path):
            raise ConfigurationError(f"the token file {path} is a link: give the path of the file itself") from None
        raise
    try:
        _check_owner(path, os.fstat(descriptor))
        content = b""
        while len(content) <= _MOST_BYTES and (part := os.read(descriptor, 1 << 20)):
            content += part
    finally:
        os.close(descriptor)
    try:
        document = orjson.loads(content)
        if document["version"] != _VERSION:
            raise ValueError
        return StoredTokens(
            tuple(map(_read_token, document["tokens"])),
            tuple(map(_read_link, document["links"])),
            tuple(map(_read_link, document["browsers"])),
        )
    except (ValueError, TypeError, LookupError):
        raise ConfigurationError(
            f"{path} is not a token file of this version: move it away, and create the tokens again"
        ) from None


def write_tokens(path: str, stored: StoredTokens) -> None:
    """Replace the file, at once and durably.

    Raises:
        OSError: It cannot be written.
    """
    document: dict[str, Any] = {"version": _VERSION}
    document |= {name: [row._asdict() for row in rows] for name, rows in stored._asdict().items()}
    path = os.path.abspath(path)
    part = f"{path}.{secrets.token_hex(8)}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(descriptor)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    sync_folder(os.path.dirname(path))


def _check_owner(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"the token file {path} is not a regular file: give the path of one")
    if not HAS_MODES:
        return
    if status.st_uid != os.geteuid():
        raise ConfigurationError(f"the token file {path} belongs to another user: use one of your own")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(f"others may read or change the token file {path}: run `chmod 600 {path}`")


def _read_token(row: Mapping[str, Any]) -> TokenRow:
    name, digest, created = _check_texts(row["name"], row["digest"], row["created"])
    return TokenRow(name, digest, row["may_send"] is True, row["may_read"] is True, created)


def _read_link(row: Mapping[str, Any]) -> AdmissionRow:
    return AdmissionRow(*_check_texts(row["token"], row["digest"], row["expires"]))


def _check_texts(name: Any, digest: Any, seconds: Any) -> tuple[str, str, int]:
    if not (isinstance(name, str) and isinstance(digest, str) and digest.isascii() and type(seconds) is int):
        raise ValueError
    return name, digest, seconds
