# SPDX-License-Identifier: Apache-2.0
"""Reads a configuration of another program, and replaces it: whole, with its mode, and with a copy beside it."""

from __future__ import annotations

import codecs
import contextlib
import difflib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from otel_sqlite_exporter.errors import ConfigurationFileError
from otel_sqlite_exporter.storage.system.system_files import HAS_MODES, is_writable

_NEW_MODE = 0o600


class ConfigFile(NamedTuple):
    """A file as it was read."""

    path: str
    content: bytes | None
    """None: there is no such file."""
    mode: int
    owner: tuple[int, int] | None
    """User and group, if they are not those of this process."""

    @property
    def text(self) -> str:
        """The content without a byte order mark; nothing if there is no such file."""
        return (self.content or b"").decode("utf-8").removeprefix("\ufeff")

    def encode(self, text: str) -> bytes:
        """Return the content that has `text`, with the byte order mark that the file has."""
        mark = codecs.BOM_UTF8 if (self.content or b"").startswith(codecs.BOM_UTF8) else b""
        return mark + text.encode("utf-8")


def read_config(path: str) -> ConfigFile:
    """Read the file at `path`, which need not be there.

    Raises:
        ConfigurationFileError: It is no file of its own in UTF-8, or may not be read.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            raise ConfigurationFileError(f"{path} is a link to {os.path.realpath(path)}")
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationFileError(f"{path} is not a file")
        if status.st_nlink > 1:
            raise ConfigurationFileError(f"{path} has other names, too: it is a hard link")
        with open(path, "rb") as file:
            content = file.read()
        content.decode("utf-8")
    except FileNotFoundError:
        return ConfigFile(path, None, _NEW_MODE, None)
    except UnicodeDecodeError:
        raise ConfigurationFileError(f"{path} is not text in UTF-8") from None
    except OSError as error:
        raise ConfigurationFileError(f"{path} cannot be read: {error.strerror}") from None
    owner = (status.st_uid, status.st_gid)
    is_ours = not HAS_MODES or owner == (os.geteuid(), os.getegid())
    return ConfigFile(path, content, stat.S_IMODE(status.st_mode), None if is_ours else owner)


def show_difference(file: ConfigFile, text: str | None) -> Iterator[str]:
    """Yield the lines of the difference between a file and what is to stand there; None: nothing is to."""
    old, new = file.text.splitlines(), (text or "").splitlines()
    names = (file.path if file.content is not None else os.devnull, os.devnull if text is None else file.path)
    yield from difflib.unified_diff(old, new, *names, lineterm="")


def replace_config(file: ConfigFile, text: str | None, *, keep_copy: bool = True) -> str | None:
    """Write `text` to the file, or remove the file if it is None; return the path of the copy of what stood there, if
    there is one to keep.

    Raises:
        ConfigurationFileError: Somebody else has changed the file since it was read, or it cannot be written. It is as
            it was.
    """
    try:
        _refuse_read_only(file)
        with _prepare(file, text) as unfinished:
            if read_config(file.path).content != file.content:
                raise ConfigurationFileError(f"{file.path} was changed meanwhile: run the command again")
            copy = _copy(file) if keep_copy and file.content and text is not None else None
            if unfinished is None:
                os.unlink(file.path)
            else:
                os.replace(unfinished, file.path)
    except OSError as error:
        raise ConfigurationFileError(f"{error.filename or file.path} cannot be written: {error.strerror}") from None
    return copy


def _refuse_read_only(file: ConfigFile) -> None:
    """Refuse a file that may not be written: the folder alone decides whether it can be replaced."""
    if file.content is not None and not (file.mode & 0o222 and is_writable(file.path)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), file.path)


@contextlib.contextmanager
def _prepare(file: ConfigFile, text: str | None) -> Iterator[str | None]:
    """Write the new content beside the file, and yield its path."""
    if text is None:
        yield None
        return
    folder = os.path.dirname(file.path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=folder, prefix=f"{os.path.basename(file.path)}.")
    try:
        _fill(descriptor, file.owner, file.mode, file.encode(text))
        yield unfinished
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)


def _copy(file: ConfigFile) -> str:
    """Write the content that was read to a new file beside it, whose name has the time, and return its path. It may
    hold a token, and stays when the file itself goes: it is for its owner alone, whatever the mode of the file."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = f"{file.path}.{moment}.bak"
    _fill(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_MODE), file.owner, _NEW_MODE, file.content or b"")
    return path


def _fill(descriptor: int, owner: tuple[int, int] | None, mode: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as opened:
        if owner is not None:
            os.fchown(descriptor, *owner)
        if HAS_MODES:
            os.fchmod(descriptor, mode)
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
