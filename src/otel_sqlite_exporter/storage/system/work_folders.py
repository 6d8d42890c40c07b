# SPDX-License-Identifier: Apache-2.0
"""Folders for what is needed while a file is made: hidden, beside it, and gone afterwards, also where a process was
killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

from otel_sqlite_exporter.storage.system.system_files import lock_file, unlock_file

_NAME = "otel-sqlite-exporter"


@contextlib.contextmanager
def make_work_folder(path: str, ending: str) -> Iterator[str]:
    """Yield a new folder beside `path`, for its owner alone, and remove it after that; and those of the same name and
    `ending` whose processes were killed."""
    beside, name = os.path.split(os.path.realpath(path))
    prefix = f".{name}{ending}"
    with contextlib.suppress(OSError):
        for entry in os.listdir(beside):
            if entry.startswith(prefix) and not _is_held(os.path.join(beside, entry)):
                shutil.rmtree(os.path.join(beside, entry), ignore_errors=True)
    os.makedirs(beside, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=prefix, dir=beside)
    try:
        with _holding(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_temporary_folder(ending: str) -> contextlib.AbstractContextManager[str]:
    """Do so where the system has temporary files: for what no file of the user is beside."""
    return make_work_folder(os.path.join(tempfile.gettempdir(), _NAME), ending)


@contextlib.contextmanager
def _holding(folder: str) -> Iterator[None]:
    """Hold the lock by which others know that the folder is in use. The system releases it when the process ends."""
    descriptor = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_file(descriptor)
        yield
    finally:
        os.close(descriptor)


def _is_held(folder: str) -> bool:
    try:
        descriptor = os.open(os.path.join(folder, "lock"), os.O_RDWR)
    except OSError:
        return True  # it is being made, or another user's
    try:
        lock_file(descriptor)
        unlock_file(descriptor)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)
