# SPDX-License-Identifier: Apache-2.0
"""Runs a user's SQL statement on a dataset: it can read the parts of the dataset and do nothing else.

The statement is one of DuckDB's SQL. The connection has no other file than the parts: see `dataset_engine`. These it
could write over, by COPY, which may also stand in the WITH of a SELECT: so only what reads is run, and without COPY.
"""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from otel_sqlite_exporter.archive.archive_packages import describe_error, list_duckdb_errors, load_duckdb
from otel_sqlite_exporter.archive.asking.dataset_engine import DatasetEngine, name_damaged, open_engine
from otel_sqlite_exporter.archive.asking.engine_views import find_needed
from otel_sqlite_exporter.archive.dataset_format.dataset_folder import DatasetFolder
from otel_sqlite_exporter.errors import FilterError
from otel_sqlite_exporter.query.sandbox.statement import StatementResult, calling_after, name_columns

GRACE_S = 10
_READ_ONLY = "only reading is allowed here: give a SELECT"
_COPY = re.compile(rb"COPY\b", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*EXPLAIN(\s+ANALYZE)?(\s*\([^)]*\))?\s", re.IGNORECASE)


def run_on_dataset(
    dataset: DatasetFolder,
    text: str,
    *,
    limit: int,
    timeout_s: float = math.inf,
    give_up: Callable[[], None] = lambda: None,
) -> StatementResult:
    """Run one statement on the views of a dataset, for up to `timeout_s` seconds, and return up to `limit` of its rows.
    DuckDB does not stop while it computes one value, such as `repeat('x', 4000000000)`: then `give_up` is called again
    and again from `GRACE_S` seconds after that time on, by another thread.

    Raises:
        FilterError: `text` does more than read, is not exactly one statement, takes too long, or fails.
        MissingPackageError: DuckDB is not installed.
        DamagedFileError: The dataset cannot be read.
    """
    try:
        if find_needed([text])[1]:
            with open_engine(dataset, texts=[text]) as engine, contextlib.suppress(_MissingViewError):
                return run_on_engine(engine, text, limit=limit, timeout_s=timeout_s, give_up=give_up)
        with open_engine(dataset) as engine:
            return run_on_engine(engine, text, limit=limit, timeout_s=timeout_s, give_up=give_up)
    except _UnreadableError as error:
        raise name_damaged(dataset, error) or error from None


class _MissingViewError(FilterError):
    """A statement names something that does not exist, or a view that was not made for it."""


class _UnreadableError(FilterError):
    """A statement fails as it does where a part cannot be read."""


def run_on_engine(
    engine: DatasetEngine,
    text: str,
    *,
    limit: int,
    timeout_s: float = math.inf,
    give_up: Callable[[], None] = lambda: None,
) -> StatementResult:
    """Run one statement, for up to `timeout_s` seconds, and return up to `limit` of its rows. `give_up`: see
    `run_on_dataset`.

    Raises:
        FilterError: `text` does more than read, is not exactly one statement, takes too long, or fails.
    """
    duckdb = load_duckdb()
    reading = (duckdb.IOException, duckdb.InvalidInputException, duckdb.InternalException, UnicodeDecodeError)
    deadline = time.monotonic() + timeout_s
    try:
        check_statement(engine.connection, text)
        with calling_after(deadline, engine.connection.interrupt), calling_after(deadline + GRACE_S, give_up):
            cursor = engine.connection.execute(text)
            columns = name_columns(cursor)
            rows = cursor.fetchmany(limit + 1)
    except duckdb.InterruptException:
        if time.monotonic() < deadline:
            raise KeyboardInterrupt from None
        raise FilterError("timeout_s", f"the statement took longer than {timeout_s:g} s") from None
    except list_duckdb_errors() as error:
        kind = FilterError
        if isinstance(error, duckdb.CatalogException):
            kind = _MissingViewError
        elif isinstance(error, reading) or type(error) is duckdb.Error:
            kind = _UnreadableError
        raise kind("statement", f"DuckDB cannot run it: {describe_error(error)}") from None
    readable = [tuple(map(_make_readable, row)) for row in rows[:limit]]
    return StatementResult(columns, tuple(readable), len(rows) if len(rows) <= limit else None)


def check_statement(connection: Any, text: str) -> None:
    """Raise a FilterError unless the text is one statement that reads."""
    duckdb = load_duckdb()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FilterError("statement", "it is not Unicode") from None
    types = duckdb.StatementType
    found = _parse(connection, text)
    explained = _EXPLAIN.match(text)
    if [one.type for one in found] == [types.EXPLAIN] and explained is not None:
        found = _parse(connection, text[explained.end() :])
    if not found:
        raise FilterError("statement", "it returns no rows: give a SELECT")
    if len(found) > 1:
        raise FilterError("statement", "it is more than one statement: give one SELECT")
    if found[0].type != types.SELECT:
        raise FilterError("statement", _READ_ONLY)
    starts = [start for start, type in duckdb.tokenize(text) if type == duckdb.token_type.keyword]
    if any(_COPY.match(text.encode(), start) for start in starts):
        raise FilterError("statement", f"{_READ_ONLY}, and put a name that is COPY in double quotes")


def _parse(connection: Any, text: str) -> Sequence[Any]:
    found: Sequence[Any] = connection.extract_statements(text)
    return found


def _make_readable(cell: Any) -> Any:
    """Return a value as the output of rows has it: bytes as hexadecimal, and what JSON has no type for as text."""
    if isinstance(cell, bytes):
        return cell.hex()
    if cell is None or isinstance(cell, (str, int, float)):
        return cell
    if isinstance(cell, (list, tuple)):
        return [_make_readable(one) for one in cell]
    if isinstance(cell, dict):
        return {str(name): _make_readable(one) for name, one in cell.items()}
    return str(cell)
