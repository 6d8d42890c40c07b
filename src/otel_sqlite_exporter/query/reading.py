# SPDX-License-Identifier: Apache-2.0
"""Reads a file: each question gets a read-only connection and one transaction of its own."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson

from otel_sqlite_exporter.errors import (
    FilterError,
    MigrationRequiredError,
    NotFoundError,
    ReadTooLongError,
)
from otel_sqlite_exporter.query.askable_views import AskableView
from otel_sqlite_exporter.query.conditions.text_search import MOST_TEXT, TextSearch
from otel_sqlite_exporter.query.id_prefixes import NAMED_CANDIDATES, check_prefix, check_unique
from otel_sqlite_exporter.query.indexes.indexed_filters import find_among
from otel_sqlite_exporter.query.pages import Page, RowT
from otel_sqlite_exporter.query.sql_builder import (
    Select,
    build_count,
    build_ids,
    build_page,
    build_prefixed,
    encode_cursor,
    read_moment,
)
from otel_sqlite_exporter.query.summaries import EventSummary
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import allow_signals, read_file
from otel_sqlite_exporter.storage.identity import find_version, make_missing_error, migrate_hint
from otel_sqlite_exporter.storage.migrations import is_older
from otel_sqlite_exporter.storage.open_work import show_open_work
from otel_sqlite_exporter.storage.running_reads import is_reading_over, noting_read

_P = ParamSpec("_P")
_T = TypeVar("_T")
_COUNT_S = 0.02
"""A count that takes longer is given up."""
_STEPS_BETWEEN_LOOKS = 2_000
_GIVEN_UP = ("interrupted", "user-defined function raised exception")
_SHARED = frozenset(
    (
        *(
            "trace_id",
            "session_id",
            "conversation_id",
            "service_name",
            "name",
            "kind",
            "status",
            "status_code",
            "user_id",
        ),
        *(
            "start_time_source",
            "end_time_source",
            "scope_name",
            "scope_version",
            "scope_schema_url",
            "scope_attributes",
        ),
        *("scope_attribute_types", "resource_schema_url", "resource_attributes", "resource_attribute_types"),
        *("agent_name", "model", "request_model", "response_model", "provider", "operation", "tool_name", "source"),
    )
)
"""Columns whose values repeat from row to row."""
_MISSING = ("no such table", "no such column")


class TelemetryFile:
    """A file that is opened for each question and closed after it."""

    def __init__(
        self,
        path: str,
        busy_timeout_ms: int,
        *,
        configure: Callable[[sqlite3.Connection], None] = lambda connection: None,
    ) -> None:
        """`configure` is called with each new connection, before its transaction begins."""
        self.path = path
        self._busy_timeout_ms = busy_timeout_ms
        self._configure = configure
        self._version = 0

    def read(
        self, question: Callable[Concatenate[sqlite3.Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Return `question(connection, *args, **kwargs)`. It is called again if the file changed while it was read
        without locks: see `read_file`.

        Raises:
            FileRefusedError: The file is missing, damaged, of another program, or too old for this question.
            ReadTooLongError: It takes longer than `reading_for` allows.
            sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
        """
        if not self._version:
            self._version = find_version(self.path, busy_timeout_ms=self._busy_timeout_ms)
        try:
            return read_file(
                self.path,
                lambda connection: _ask(self.path, connection, question, *args, **kwargs),
                busy_timeout_ms=self._busy_timeout_ms,
                configure=self._configure,
            )
        except FileNotFoundError as error:
            raise make_missing_error(self.path) from error
        except sqlite3.OperationalError as error:
            if is_reading_over() and str(error).startswith(_GIVEN_UP):
                raise ReadTooLongError(
                    "it takes too long to read: narrow it by since, by a session, or by a filter that more rows meet"
                ) from error
            if str(error).startswith(_MISSING) and is_older(self.path, busy_timeout_ms=self._busy_timeout_ms):
                raise MigrationRequiredError(
                    f"the schema of {self.path} is too old for this question: {migrate_hint(self.path)}"
                ) from error
            raise


def _ask(
    path: str,
    connection: sqlite3.Connection,
    question: Callable[Concatenate[sqlite3.Connection, _P], _T],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    show_open_work(connection)
    texts = TextSearch(connection)
    try:
        with noting_read(path, connection.interrupt):
            return question(connection, *args, **kwargs)
    except sqlite3.OperationalError as error:
        if texts.is_exhausted:
            raise FilterError(
                "filter",
                f"its text was looked for in {MOST_TEXT // 10**6} million characters without an end: narrow it by a "
                "session or by since, or give a lower limit",
            ) from error
        raise


def find_page(
    connection: sqlite3.Connection,
    view: AskableView[RowT],
    filters: Mapping[str, Any],
    limit: int,
    cursor: str | None,
    newest_first: bool,
    sort: str = "start",
    *,
    with_total: bool = True,
    columns: Sequence[str] = ("*",),
) -> Page[RowT]:
    """Return a page, with its total if that is wanted and can be counted quickly. One that is sorted by something else
    than the order of the list is the only one. Fields of records that are not among `columns` are None; those of
    `view.order` must be.

    Raises:
        FilterError: A filter is unknown, or a value cannot be used.
    """
    # What runs ends now. So where the end is the order, all pages show the moment of the first.
    moment = show_open_work(connection, read_moment(view, cursor)) if view.is_ordered_by_end else None
    among = find_among(connection, view, filters)
    order: dict[str, Any] = {"cursor": cursor, "newest_first": newest_first, "sort": sort}
    select = build_page(view, filters, limit=limit, among=among, columns=columns, **order)
    select.parameters["limit"] += 1  # one row more shows whether there is a next page
    rows = fetch(connection, select)
    records = tuple(view.row_type.from_row(row) for row in rows[:limit])
    is_last = len(rows) <= limit
    following = None
    if not is_last and sort == "start":
        following = encode_cursor(view, rows[limit - 1], newest_first=newest_first, moment=moment)
    total = len(records) if is_last and cursor is None else None
    if total is None and with_total:
        total = _count(connection, build_count(view, filters, among))
    return Page(view.row_type, records, total, following)


def find_all(connection: sqlite3.Connection, view: AskableView[RowT], **filters: Any) -> tuple[RowT, ...]:
    """Return every row that meets the filters, the oldest first."""
    return tuple(view.row_type.from_row(row) for row in iterate_rows(connection, view, **filters))


def iterate_rows(
    connection: sqlite3.Connection, view: AskableView[Any], columns: Sequence[str] = ("*",), **filters: Any
) -> Iterator[dict[str, Any]]:
    """Yield every row that meets the filters by column name, the oldest first. Values that repeat from row to row, such
    as a resource, are one object."""
    select = build_page(view, filters, limit=2**31 - 1, newest_first=False, columns=columns)
    cursor = connection.execute(select.sql, select.parameters)
    names = tuple(column for column, *_ in cursor.description)
    shared = [name for name in names if name in _SHARED]
    known: dict[Any, Any] = {}
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        for name in shared:
            value = row[name]
            row[name] = known.setdefault(value, value)
        yield row


def get_first(connection: sqlite3.Connection, view: AskableView[RowT], **filters: Any) -> RowT:
    """Return the first row that meets the filters.

    Raises:
        NotFoundError: There is none.
    """
    rows = fetch(connection, build_page(view, filters, limit=1, newest_first=False))
    if not rows:
        wanted = ", ".join(f"{name} {value!r}" for name, value in filters.items())
        raise NotFoundError(f"{view.name} has no row with {wanted}")
    return view.row_type.from_row(rows[0])


def resolve_id(
    connection: sqlite3.Connection,
    view: AskableView[Any],
    column: str,
    prefix: str,
    *,
    trace_id: str | None = None,
    others: Sequence[str] = (),
) -> str:
    """Return the value of the id `column` that equals `prefix`, or else the only one that starts with it, in the whole
    view or in one trace. `others` are ids elsewhere that start with it.

    Raises:
        FilterError: `prefix` is not a text, or is empty.
        NotFoundError: No value starts with `prefix`, or several do.
    """
    prefix = check_prefix(column, prefix)
    select = build_ids(view, column, prefix, {"trace_id": trace_id}, limit=NAMED_CANDIDATES + 1)
    found = [row[column] for row in fetch(connection, select)]
    if others:
        found = sorted({*found, *others})
    _check_found(connection, view, column, prefix, found)
    return str(found[0])


def get_by_prefix(connection: sqlite3.Connection, view: AskableView[RowT], column: str, prefix: str) -> RowT:
    """Return the row whose id in `column` equals `prefix`, or else the only one whose id starts with it: one statement,
    where `resolve_id` and `get_first` are two.

    Raises:
        FilterError: `prefix` is not a text, or is empty.
        NotFoundError: No value starts with `prefix`, or several do.
    """
    prefix = check_prefix(column, prefix)
    rows = fetch(connection, build_prefixed(view, column, prefix, limit=NAMED_CANDIDATES + 1))
    _check_found(connection, view, column, prefix, [row[column] for row in rows])
    return view.row_type.from_row(rows[0])


def _check_found(
    connection: sqlite3.Connection, view: AskableView[Any], column: str, prefix: str, found: Sequence[str]
) -> None:
    """Raise NotFoundError unless the first of these ids is the one that is meant."""
    check_unique(view.name, column, prefix, found, is_archived=not found and _is_archived(connection))


def _is_archived(connection: sqlite3.Connection) -> bool:
    """Return whether days of the file are in a dataset. Files of older versions cannot note that."""
    try:
        return bool(connection.execute(read_query("has_archives")).fetchone()[0])
    except sqlite3.OperationalError as error:
        if str(error).startswith(_MISSING):
            return False
        raise


def get_events(connection: sqlite3.Connection, ids: Sequence[int | None]) -> tuple[EventSummary, ...]:
    """Return the records with these ids that exist."""
    rows = fetch(connection, Select(read_query("find_events_by_id"), {"ids": orjson.dumps(ids).decode()}))
    return tuple(map(EventSummary.from_row, rows))


def fetch(connection: sqlite3.Connection, select: Select) -> list[dict[str, Any]]:
    """Return the rows, each by column name."""
    columns, rows = fetch_table(connection, select)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def fetch_table(connection: sqlite3.Connection, select: Select) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the column names, and the rows."""
    cursor = connection.execute(select.sql, select.parameters)
    return tuple(column for column, *_ in cursor.description), cursor.fetchall()


def _count(connection: sqlite3.Connection, select: Select) -> int | None:
    deadline = time.monotonic() + _COUNT_S
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        return int(connection.execute(select.sql, select.parameters).fetchone()[0])
    except sqlite3.OperationalError as error:
        if not str(error).startswith(_GIVEN_UP):
            raise
        return None
    finally:
        allow_signals(connection)
