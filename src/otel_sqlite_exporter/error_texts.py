# SPDX-License-Identifier: Apache-2.0
"""What may be stored, logged and printed of an exception. Messages of Python and of other packages quote the value that
they are about, and a value that was recorded belongs only where redaction let it. Pure."""

from __future__ import annotations

import os
import sqlite3
import traceback
from types import TracebackType

from otel_sqlite_exporter.errors import SQLiteExporterError

_PACKAGE = __name__.partition(".")[0]


def describe_error(error: BaseException) -> str:
    """Return the type of an exception, and what `explain_error` returns."""
    return f"{type(error).__name__}: {explain_error(error)}"


def explain_error(error: BaseException) -> str:
    """Return what an exception says without any recorded value: the message of this package's own and of SQLite's, up
    to the first quote; the words of the operating system; and of all others the place in this package."""
    if isinstance(error, SQLiteExporterError):
        return str(error)
    if isinstance(error, sqlite3.Error):
        return _explain_sqlite(error)
    if isinstance(error, OSError) and type(error.errno) is int:
        return f"[Errno {error.errno}] {os.strerror(error.errno)}"
    return f"raised in {_find_place(error.__traceback__)}"


def list_frames(error: BaseException) -> str:
    """Return the lines of code that an exception passed, as in a traceback, without messages."""
    return "".join(traceback.format_tb(error.__traceback__))


def _explain_sqlite(error: sqlite3.Error) -> str:
    text = str(error)
    place = min((at for at in map(text.find, "'\"`") if at >= 0), default=len(text))
    return text[:place].rstrip(" :(") or getattr(error, "sqlite_errorname", "no message")


def _find_place(trace: TracebackType | None) -> str:
    """Return the module and function of this package where an exception was raised, or that called what raised it."""
    found = "another package"
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__")
        if isinstance(module, str) and module.startswith(f"{_PACKAGE}."):
            found = f"{module.removeprefix(f'{_PACKAGE}.')}.{trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return found
