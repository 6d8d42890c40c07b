# SPDX-License-Identifier: Apache-2.0
"""From a question to rows: one read-only connection and one transaction for each."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from otel_sqlite_exporter.errors import FilterError, MigrationRequiredError, NotFoundError
from otel_sqlite_exporter.query.askable_views import Kind
from otel_sqlite_exporter.query.filter_values import fold_id
from otel_sqlite_exporter.query.pages import Page, RecordT
from otel_sqlite_exporter.query.sql_builder import Select, build_count, build_ids, build_page, encode_cursor
from otel_sqlite_exporter.query.summaries import EventSummary
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.connection import read_file
from otel_sqlite_exporter.storage.identity import find_version, migrate_hint
from otel_sqlite_exporter.storage.migrations import is_older

_T = TypeVar("_T")
_COUNT_S = 0.02
"""A total that is not known within this time is not counted on."""
_STEPS_BETWEEN_LOOKS = 2_000
_NAMED_CANDIDATES = 5
_MISSING = ("no such table", "no such column")


class TelemetryFile:
    """A file that is opened anew for each question."""

    def __init__(self, path: str, busy_timeout_ms: int) -> None:
        self.path = path
        self._busy_timeout_ms = busy_timeout_ms
        self._version = 0

    def read(self, read: Callable[[Reading], _T]) -> _T:
        """Return what `read` returns.

        Raises:
            FileRefusedError: There is no file, or it is damaged, not ours, or older than what is asked for.
            sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
        """
        if not self._version:
            self._version = self._find_version()
        try:
            return read_file(
                self.path, lambda connection: read(Reading(connection)), busy_timeout_ms=self._busy_timeout_ms
            )
        except sqlite3.OperationalError as error:
            if str(error).startswith(_MISSING) and is_older(self.path, busy_timeout_ms=self._busy_timeout_ms):
                raise MigrationRequiredError(
                    f"{self.path} is of an older version, which cannot be asked this: {migrate_hint(self.path)}"
                ) from error
            raise

    def _find_version(self) -> int:
        return find_version(self.path, busy_timeout_ms=self._busy_timeout_ms)


class Reading:
    """A connection in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.row_factory = _make_dict

    def find(
        self, kind: Kind[RecordT], criteria: Mapping[str, Any], limit: int, cursor: str | None, newest_first: bool
    ) -> Page[RecordT]:
        """Return a page, with its total where that is quickly counted."""
        # One more than asked for says whether there is a next page.
        found = build_page(kind, criteria, limit=limit, cursor=cursor, newest_first=newest_first)
        found.parameters["limit"] += 1
        rows = self.run(found)
        records = tuple(kind.record.from_row(row) for row in rows[:limit])
        if len(rows) > limit:
            following = encode_cursor(kind, rows[limit - 1], newest_first=newest_first)
            return Page(kind.record, records, self._count(build_count(kind, criteria)), following)
        total = len(records) if cursor is None else self._count(build_count(kind, criteria))
        return Page(kind.record, records, total, None)

    def find_all(self, kind: Kind[RecordT], **criteria: Any) -> tuple[RecordT, ...]:
        """Return every record, the oldest first."""
        rows = self.run(build_page(kind, criteria, limit=2**31 - 1, newest_first=False))
        return tuple(kind.record.from_row(row) for row in rows)

    def get(self, kind: Kind[RecordT], **criteria: Any) -> RecordT:
        """Return the first record that meets `criteria`.

        Raises:
            NotFoundError: There is none.
        """
        rows = self.run(build_page(kind, criteria, limit=1, newest_first=False))
        if not rows:
            wanted = ", ".join(f"{name} {value!r}" for name, value in criteria.items())
            raise NotFoundError(f"there is nothing with {wanted} in {kind.record.VIEW}")
        return kind.record.from_row(rows[0])

    def get_id(self, argument: str, kind: Kind[Any], text: str, **criteria: str) -> str:
        """Return the one value of the column `argument` that is `text` or else begins so.

        Raises:
            NotFoundError: There is none, or more than one.
        """
        if not isinstance(text, str) or not text:
            raise FilterError(argument, f"{text!r} is no id: give one, or its beginning")
        text = fold_id(argument, text)
        statement = build_ids(kind, argument, text, criteria, limit=_NAMED_CANDIDATES + 1)
        found: list[str] = [row[argument] for row in self.run(statement)]
        if len(found) == 1 or text in found:
            return found[0]  # in order, so that what is whole comes before what it begins
        if found:
            named = ", ".join(found[:_NAMED_CANDIDATES])
            more = ", ..." if len(found) > _NAMED_CANDIDATES else ""
            raise NotFoundError(f"more than one {argument} begins with {text!r}: {named}{more}; give more of it")
        raise NotFoundError(f"no {argument} in {kind.record.VIEW} is {text!r} or begins so")

    def get_events(self, ids: Sequence[int]) -> tuple[EventSummary, ...]:
        """Return the records with these ids, as far as they are there."""
        found = Select(read_query("find_events_by_id"), {"ids": orjson.dumps(ids).decode()})
        return tuple(EventSummary.from_row(row) for row in self.run(found))

    def run(self, select: Select) -> list[dict[str, Any]]:
        """Return the rows by the names of their columns."""
        return self.connection.execute(select.sql, select.parameters).fetchall()

    def read_table(self, select: Select) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows."""
        cursor = self.connection.cursor()
        cursor.row_factory = None
        cursor.execute(select.sql, select.parameters)
        return tuple(column for column, *_ in cursor.description), cursor.fetchall()

    def _count(self, select: Select) -> int | None:
        deadline = time.monotonic() + _COUNT_S
        self.connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        try:
            (total,) = self.run(select)[0].values()
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            return None
        finally:
            self.connection.set_progress_handler(None, 0)
        return int(total)


def _make_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip([column[0] for column in cursor.description], row, strict=True))
