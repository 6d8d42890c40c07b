# SPDX-License-Identifier: Apache-2.0
"""Runs a statement of somebody who is not at this machine, or of a program that acts on what it reads: bounded in time,
rows, bytes and depth, on a connection of its own."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.pages import TableResult
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.sandbox.statement import Parameters, executing, name_columns

LONGEST_S = 30.0
MOST_ROWS = 5_000
_MOST_HEAP_BYTES = 1 << 30
"""The most memory that SQLite may have in this process: what one statement collects ends there, and not with the
process. Nothing else of this package comes near it."""
_LONGEST_VALUE = 64 << 20
"""That of a request to the receiver: what it stored can be read."""
_LONGEST_COSTLY_VALUE = 1 << 20
_COSTLY = re.compile("blob|instr|replace|trim|json_patch|unhex", re.IGNORECASE)
"""Functions that take the product of the lengths of two arguments, during which SQLite does not look at the clock (4 s
for 1 MB, measured), and bytes, which are fetched whole."""
_SIZES = {
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


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """How long a statement may run, in seconds up to 30, and how much it may return: rows up to 5,000, bytes of one row
    and of all.

    Raises:
        FilterError: `timeout_s` or `limit` is too large, or not positive.
    """

    timeout_s: float = 1.0
    limit: int = 500
    row_bytes: int = 256 << 10
    answer_bytes: int = 4 << 20

    def __post_init__(self) -> None:
        """Check what callers may choose."""
        if not 0 < self.timeout_s <= LONGEST_S:
            raise FilterError("timeout_s", f"give more than 0 and up to {LONGEST_S:g} seconds")
        if not 1 <= self.limit <= MOST_ROWS:
            raise FilterError("limit", f"give 1 to {MOST_ROWS:,} rows")


@dataclass(frozen=True, slots=True)
class BoundedResult(TableResult):
    """The rows of a statement, bytes as hex text.

    Attributes:
        columns: The names, each once: `a`, `a:1`.
        rows: The values: None, int, float or text.
        total: The number of rows; None if the answer is truncated.
        truncated: Whether there are more rows than were returned.
        cut_values: How many values are cut, as their row was too large. Such a value ends with `…`.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None
    truncated: bool
    cut_values: int


def run_bounded_statement(
    path: str,
    text: str,
    parameters: Parameters = (),
    limits: StatementLimits | None = None,
    *,
    busy_timeout_ms: int = 1_000,
) -> BoundedResult:
    """Run one statement that reads the views of the file at `path`, on the calling thread. Placeholders (`?`, `:name`)
    have the values of `parameters`: a list or a mapping.

    Raises:
        FilterError: The statement (`sql`), a parameter or a limit cannot be used, or it takes too long or too much
            memory.
        FileRefusedError: The file is missing, damaged, of another program, or too old.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
    """
    _check_parameters(parameters)
    try:
        return _open(path, busy_timeout_ms).read(_run, text, parameters, limits or StatementLimits())
    except FilterError as error:
        if error.argument != "statement":
            raise
        raise FilterError("sql", str(error).removeprefix("statement: ")) from None
    except MemoryError:
        raise FilterError("sql", "it needs too much memory: select less, or aggregate less at once") from None


@lru_cache(maxsize=8)
def _open(path: str, busy_timeout_ms: int) -> TelemetryFile:
    return TelemetryFile(path, busy_timeout_ms, configure=_bound)


def _bound(connection: sqlite3.Connection) -> None:
    """Bound what statements on a new connection can do."""
    connection.execute(f"PRAGMA hard_heap_limit = {_MOST_HEAP_BYTES}")
    connection.execute("PRAGMA temp_store = MEMORY")  # what it sorts counts there, and does not fill a disk


def _run(connection: sqlite3.Connection, text: str, parameters: Parameters, limits: StatementLimits) -> BoundedResult:
    for category, most in _SIZES.items():
        connection.setlimit(category, most)
    longest = _LONGEST_COSTLY_VALUE if _COSTLY.search(text) else _LONGEST_VALUE
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
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


def _check_parameters(parameters: Any) -> None:
    if not isinstance(parameters, (list, tuple, Mapping)):
        raise FilterError("parameters", "give a list, or an object with names")
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    for value in values:
        is_usable = value is None or isinstance(value, str | float) or (type(value) in (int, bool))
        if not is_usable or (type(value) is int and not -(2**63) <= value < 2**63):
            raise FilterError("parameters", "a value is null, true, false, a text, or a number of up to 64 bits")
        if isinstance(value, str) and not _is_text(value):
            raise FilterError("parameters", "a text is not Unicode")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
