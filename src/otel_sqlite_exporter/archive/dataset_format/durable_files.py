# SPDX-License-Identifier: Apache-2.0
"""Files that are there wholly or not at all: written beside, synced, then renamed.

What is written has a name that begins with a dot, which readers of datasets pass over. A process that was killed leaves
it, and the next run writes over it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from otel_sqlite_exporter.storage.system.system_files import sync_folder


def write_durably(path: str, content: bytes, *, replace: bool = True) -> None:
    """Write a small file. Unless `replace`, a file that is there stays as it is.

    Raises:
        OSError: It cannot be written.
    """

    def write(beside: str) -> None:
        with open(beside, "wb") as file:
            file.write(content)

    if replace or not os.path.exists(path):
        put_durably(path, write)


def put_durably(path: str, write: Callable[[str], None]) -> None:
    """Let `write` make a file at the path that it is given, sync it, and rename it to `path`.

    Raises:
        OSError: It cannot be written.
    """
    folder, name = os.path.split(path)
    made = make_folders(folder)
    beside = os.path.join(folder, f".{name}.tmp")
    try:
        write(beside)
        _sync(beside)
        os.replace(beside, path)
    except OSError as error:
        _remove(beside)
        raise _name_file(error, path) from error
    except BaseException:
        _remove(beside)
        raise
    sync_folders({folder, *made})


def _name_file(error: OSError, path: str) -> OSError:
    """Return an error that names the file: those of pyarrow and of a descriptor do not."""
    if error.filename is not None or error.errno is None:
        return error
    return OSError(error.errno, os.strerror(error.errno), path)


def make_folders(folder: str) -> list[str]:
    """Make a folder and those above it, and return those in which one was made."""
    made: list[str] = []
    while not os.path.isdir(folder):
        above = os.path.dirname(folder)
        made += make_folders(above)
        try:
            os.mkdir(folder)
        except FileExistsError:
            continue
        made.append(above)
    return made


def sync_folders(folders: Iterable[str]) -> None:
    """Make renames and removals in these folders durable."""
    for folder in folders:
        sync_folder(folder)


def remove_files(paths: Iterable[str]) -> None:
    """Remove files durably. Some may be gone already."""
    sync_folders({os.path.dirname(path) for path in paths if _remove(path)})


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> bool:
    """Remove a file, and return whether it was there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
