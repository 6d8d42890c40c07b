# SPDX-License-Identifier: Apache-2.0
"""The process in which bounded statements run, one after the other.

SQLite bounds memory by process, and inside one function it looks at no clock: one LIKE can take a minute. So here a
thread ends the process if a statement goes on after its deadline.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sqlite3
import sys
import time
from dataclasses import asdict
from functools import lru_cache
from typing import IO, Any

import orjson

from otel_sqlite_exporter import errors
from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.errors import FileRefusedError, FilterError, MissingFileError
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.sandbox.statement import Parameters, calling_after, executing, name_columns
from otel_sqlite_exporter.query.sandbox.statement_limits import BoundedResult, StatementLimits

TOO_LATE = 75
"""The exit code of a process whose statement did not end in time."""
LENGTH_BYTES = 8
"""Each message is its length, big-endian, and JSON."""
_GRACE_S = 0.5
_NICENESS = 5
_MOST_HEAP_BYTES = 512 << 20
"""The most memory that SQLite may have here: what one statement collects ends there."""
_LONGEST_VALUE = 64 << 20
"""That of a request to the receiver: what it stored can be read."""
_SIZES = {
    sqlite3.SQLITE_LIMIT_LENGTH: _LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 64 << 10,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_CUT = "…"


def serve_statements() -> None:
    """Answer the statements that come on stdin, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the end of stdin ends this
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICENESS)  # the receiver goes first
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while (asked := read_message(source)) is not None:
        write_message(target, _answer(asked))


def read_message(source: IO[bytes]) -> Any:
    """Return the next message; None: there are no more."""
    length = source.read(LENGTH_BYTES)
    size = int.from_bytes(length, "big")
    body = source.read(size)
    return _read_json(body) if len(length) == LENGTH_BYTES and len(body) == size else None


def _read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # a path that is no Unicode
        return json.loads(body)


def write_message(target: IO[bytes], message: Any) -> None:
    """Send a message."""
    try:
        body = orjson.dumps(message)
    except orjson.JSONEncodeError:  # a path that is no Unicode
        body = json.dumps(message).encode()
    target.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
    target.flush()


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the result as `result`, or as `error` what `ask_process` is to raise: its kind and arguments."""
    limits = StatementLimits(**asked["limits"])
    try:
        file = _open(asked["path"], asked["busy_timeout_ms"])
        return {"result": asdict(file.read(_run, asked["sql"], asked["parameters"], limits))}
    except FilterError as error:
        argument = "sql" if error.argument == "statement" else error.argument
        return {"error": ["FilterError", argument, error.message]}
    except MemoryError:
        said = "it needs too much memory: select less, or aggregate less at once"
        return {"error": ["FilterError", "sql", said]}
    except MissingFileError as error:
        return {"error": ["MissingFileError", error.path, str(error)]}
    except FileRefusedError as error:
        name = type(error).__name__
        return {"error": [name if hasattr(errors, name) else "FileRefusedError", str(error)]}
    except sqlite3.Error as error:
        return {"error": ["OperationalError", str(error)]}
    except OSError as error:
        return {"error": ["OSError", error.errno, error.strerror, asked["path"]]}
    except Exception as error:
        return {"error": ["RuntimeError", describe_error(error)]}


@lru_cache(maxsize=8)
def _open(path: str, busy_timeout_ms: int) -> TelemetryFile:
    return TelemetryFile(path, busy_timeout_ms, configure=_bound)


def _bound(connection: sqlite3.Connection) -> None:
    """Bound what statements on a new connection can do."""
    connection.execute(f"PRAGMA hard_heap_limit = {_MOST_HEAP_BYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")  # what it sorts counts there, and does not fill a disk


def _run(connection: sqlite3.Connection, text: str, parameters: Parameters, limits: StatementLimits) -> BoundedResult:
    with calling_after(time.monotonic() + limits.timeout_s + _GRACE_S, lambda: os._exit(TOO_LATE)):
        return _run_bounded(connection, text, parameters, limits)


def _run_bounded(
    connection: sqlite3.Connection, text: str, parameters: Parameters, limits: StatementLimits
) -> BoundedResult:
    for category, most in _SIZES.items():
        connection.setlimit(category, most)
    # Only what can be shown is decoded; one character more tells that a value was cut.
    connection.text_factory = lambda stored: stored[: limits.row_bytes + 1].decode("utf-8", "replace")
    rows: list[tuple[Any, ...]] = []
    cut_values, left = 0, limits.answer_bytes
    with executing(connection, text, parameters, limits.timeout_s) as cursor:
        columns = name_columns(cursor)
        for values in cursor:
            if len(rows) == limits.limit:
                return BoundedResult(columns, tuple(rows), None, True, cut_values)
            row, cuts, size = _fit(values, limits.row_bytes)
            if size > left:
                return BoundedResult(columns, tuple(rows), None, True, cut_values)
            rows.append(row)
            cut_values += cuts
            left -= size
    return BoundedResult(columns, tuple(rows), len(rows), False, cut_values)


def _fit(values: tuple[Any, ...], most: int) -> tuple[tuple[Any, ...], int, int]:
    """Return a row whose texts are cut so that it has up to `most` bytes, with the number of cuts and its size."""
    shown, cuts, size = [], 0, 0
    for value in values:
        if isinstance(value, bytes):
            value = value[: most // 2 + 1].hex()
        if isinstance(value, float) and not math.isfinite(value):
            value = None  # JSON has no such number
        if isinstance(value, str):
            encoded = value.encode()
            room = max(most - size, 0)
            if len(encoded) > room:
                value = encoded[:room].decode("utf-8", "ignore") + _CUT
                cuts += 1
            size += min(len(encoded), room)
        size += 8
        shown.append(value)
    return tuple(shown), cuts, size
