# SPDX-License-Identifier: Apache-2.0
"""Overwrites on the disk what was removed from the tables, wherever it is left in the file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from otel_sqlite_exporter.errors import CopyRefusedError
from otel_sqlite_exporter.maintain.deletion.left_texts import find_in_free_space
from otel_sqlite_exporter.maintain.deletion.text_forms import is_too_short
from otel_sqlite_exporter.maintain.vacuum import rewrite_file
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.storage.system.file_space import empty_log

Progress = Callable[[str, int, int | None], None]
"""Called with what is done, how much of it, and of how much (None: not known)."""


class Erasure(NamedTuple):
    """Whether what was removed is gone from the disk: the write-ahead log is empty (else a reader or a writer holds
    it), the file was rewritten, and why it was not though something was left in free space."""

    is_log_empty: bool
    is_rewritten: bool
    problem: str | None

    @property
    def is_complete(self) -> bool:
        """Whether nothing of it is left in the file and its write-ahead log."""
        return self.is_log_empty and self.problem is None


def erase(connection: sqlite3.Connection, settings: Settings, texts: Sequence[str], progress: Progress) -> Erasure:
    """Overwrite what was removed, wherever it is left in the file."""
    is_log_empty = empty_log(connection)
    if not _is_left(settings.path, texts, progress):
        return Erasure(is_log_empty, False, None)
    progress("rewriting the file", 0, None)
    try:
        rewrite_file(connection, settings.path)
    except CopyRefusedError as error:
        return Erasure(is_log_empty, False, str(error))
    except sqlite3.OperationalError as error:
        return Erasure(is_log_empty, False, f"{settings.path} cannot be rewritten now ({error}): others use it")
    return Erasure(empty_log(connection), True, None)


def _is_left(path: str, texts: Sequence[str], progress: Progress) -> bool:
    of, done = os.stat(path).st_size, 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress("looking into free space", min(done, of), of)

    looked_for = [text for text in dict.fromkeys(texts) if not is_too_short(text)]
    return bool(looked_for) and bool(find_in_free_space(path, looked_for, advance))
