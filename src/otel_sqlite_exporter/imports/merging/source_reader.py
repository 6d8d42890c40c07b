# SPDX-License-Identifier: Apache-2.0
"""Goes through the records of a source, each page in a snapshot of its own, and around what is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.imports.merging.merge_notes import SourcePosition, read_all_sums
from otel_sqlite_exporter.imports.merging.merge_sources import MergeSource
from otel_sqlite_exporter.imports.merging.side_tables import SourceNotes, read_facts, read_rows_of
from otel_sqlite_exporter.imports.merging.source_points import PointPage, PointReader, count_points
from otel_sqlite_exporter.imports.merging.source_rows import (
    LogPage,
    SourceLog,
    SourceSpan,
    SpanPage,
    find_ended,
    find_logs,
    find_logs_of_times,
    find_running,
    read_log_page,
    read_span_page,
)
from otel_sqlite_exporter.model.values import LARGEST
from otel_sqlite_exporter.sql.texts import read_query

_Page = TypeVar("_Page", SpanPage, LogPage)
_ReadPage = Callable[[sqlite3.Connection, Sequence[int]], _Page]
_PAGE = 500
_SMALL = {"quarantine": "read_source_quarantine", "imports": "read_source_imports"}


class RunningPage(NamedTuple):
    """Spans that run, the run that will end each (by the id of the span), and these runs."""

    page: SpanPage
    run_ids: Mapping[int, str]
    runs: Sequence[Mapping[str, Any]]


class SourceReader:
    """Reads a source from a position on, which moves with each page. `damages` says what could not be read."""

    def __init__(self, source: MergeSource, position: SourcePosition) -> None:
        self.source, self.position = source, position
        self.damages: list[str] = []

    def read_notes(self) -> SourceNotes:
        """Return what the source is, and how far it goes. Where it is not what was read before, the position goes back.

        Raises:
            DamagedFileError, sqlite3.OperationalError: The source cannot be read.
        """
        try:
            self.source.read(self.position.check)
        except DamagedFileError:
            self.position = SourcePosition(state=self.position.state)
        notes = self.source.read(_read_notes)
        facts = notes.facts
        if facts.replaced != self.position.replaced:
            self.position.spans = 0
        self.position.replaced = facts.replaced
        return notes

    def count_left(self) -> int:
        """Return how many records are after the position, or run; 0 where that cannot be read."""
        values = {"spans": self.position.spans, "logs": self.position.logs}

        def count(connection: sqlite3.Connection) -> int:
            (left,) = connection.execute(read_query("count_unmerged"), values).fetchone()
            return int(left) + count_points(connection, self.position)

        try:
            return self.source.read(count)
        except DamagedFileError:
            return 0

    def read_ended(self) -> Iterator[SpanPage]:
        """Yield the spans that have ended, after the position."""
        while True:
            try:
                read = self.source.read(self._read_ended)
            except DamagedFileError:
                read = None
                yield from self._read_around_spans()
            if read is None:
                return
            yield read

    def _read_ended(self, connection: sqlite3.Connection) -> SpanPage | None:
        self.position.check(connection)
        found = find_ended(connection, self.position.spans)
        if not found:
            return None
        page = read_span_page(connection, [id for id, _ in found])
        self.position.move(connection, "spans", found[_count(page) - 1][1])
        return page

    def _read_around_spans(self) -> Iterator[SpanPage]:
        while True:
            try:
                found = self.source.read(lambda connection: find_ended(connection, self.position.spans))
            except DamagedFileError as error:
                self.damages.append(f"spans after the record {self.position.spans} cannot be read: {error}")
                return
            if not found:
                return
            done = 0
            for page in self._read_sound(read_span_page, [id for id, _ in found]):
                done += _count(page)
                self.position.spans = found[done - 1][1]
                self.position.marks.pop("spans", None)
                yield page
            self._mark("spans", self.position.spans)

    def read_running(self) -> Iterator[RunningPage]:
        """Yield the spans that run."""
        after = 0
        while True:

            def read(connection: sqlite3.Connection) -> RunningPage | None:
                found = dict(find_running(connection, after))  # noqa: B023
                if not found:
                    return None
                page = read_span_page(connection, list(found))
                return RunningPage(page, found, read_rows_of(connection, "read_source_runs", since=LARGEST))

            try:
                running = self.source.read(read)
            except DamagedFileError as error:
                self.damages.append(f"spans that run cannot be read: {error}")
                return
            if running is None:
                return
            after = _last(running.page)
            yield running

    def read_logs(self) -> Iterator[LogPage]:
        """Yield the log records after the position."""
        while True:
            try:
                page = self.source.read(self._read_logs)
            except DamagedFileError:
                page = None
                yield from self._read_around_logs()
            if page is None:
                return
            yield page

    def _read_logs(self, connection: sqlite3.Connection) -> LogPage | None:
        self.position.check(connection)
        ids = find_logs(connection, self.position.logs, LARGEST)
        if not ids:
            return None
        page = read_log_page(connection, ids)
        self.position.move(connection, "logs", ids[_count(page) - 1])
        return page

    def _read_around_logs(self) -> Iterator[LogPage]:
        step = 0
        while True:
            after = self.position.logs + step
            try:
                ids = self.source.read(lambda connection: find_logs(connection, after, LARGEST, 1 if step else _PAGE))  # noqa: B023
            except DamagedFileError as error:
                step = max(1, 2 * step)
                if self.position.logs + step > LARGEST >> 1:
                    self.damages.append(f"log records after {self.position.logs} cannot be read: {error}")
                    return
                continue
            if step:
                until = f"up to {ids[0] - 1}" if ids else "and all after it"
                self.damages.append(f"log records from {self.position.logs + 1} {until} cannot be read")
            if not ids:
                return
            step = 0
            for page in self._read_sound(read_log_page, ids):
                self.position.logs = _last(page)
                self.position.marks.pop("logs", None)
                yield page
            self._mark("logs", self.position.logs)

    def _read_sound(self, read: _ReadPage[_Page], ids: Sequence[int]) -> Iterator[_Page]:
        """Yield pages of all these records, in their order. Those that lie in a damaged part of the file are
        unreadable: they are found by halves."""
        while ids:
            try:
                page = self.source.read(lambda connection: read(connection, ids))  # noqa: B023
            except DamagedFileError:
                if len(ids) == 1:
                    yield read_nothing(read, ids)
                    return
                yield from self._read_sound(read, ids[: len(ids) // 2])
                ids = ids[len(ids) // 2 :]
            else:
                yield page
                ids = ids[_count(page) :]

    def _mark(self, kind: str, id: int) -> None:
        try:
            self.source.read(lambda connection: self.position.move(connection, kind, id))
        except DamagedFileError:
            self.position.marks.pop(kind, None)

    def read_logs_of_times(self, times: Sequence[int], last: int) -> Iterator[SourceLog]:
        """Yield the log records of these times, up to the id `last`."""

        def find(connection: sqlite3.Connection) -> list[int]:
            return list(find_logs_of_times(connection, times, last))

        try:
            ids = self.source.read(find)
        except DamagedFileError as error:
            self.damages.append(f"the index of the times of log records cannot be read: {error}")
            return
        for first in range(0, len(ids), _PAGE):
            for page in self._read_sound(read_log_page, ids[first : first + _PAGE]):
                yield from page.logs

    def read_points(self) -> Iterator[PointPage]:
        """Yield the data points, if there are others than an earlier merge has read."""
        return PointReader(self.source, self.position, self.damages).read()

    def read_small(self, kind: str, **values: int) -> Iterator[list[dict[str, Any]]]:
        """Yield rows of `quarantine` or `imports` after the position."""
        while True:

            def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
                self.position.check(connection)
                page = {**values, "after": getattr(self.position, kind), "limit": _PAGE}
                rows = read_rows_of(connection, _SMALL[kind], **page)
                if rows:
                    self.position.move(connection, kind, rows[-1]["id"])
                return rows

            try:
                rows = self.source.read(read)
            except DamagedFileError as error:
                self.damages.append(f"{kind}: {error}")
                return
            if not rows:
                return
            yield rows


def read_nothing(read: _ReadPage[_Page], ids: Sequence[int]) -> _Page:
    """Return a page of records that cannot be read."""
    page: Any = SpanPage([], {}, {}, ids) if read is read_span_page else LogPage([], {}, ids)
    found: _Page = page
    return found


def _read_notes(connection: sqlite3.Connection) -> SourceNotes:
    return SourceNotes(read_facts(connection), read_all_sums(connection))


def _count(page: SpanPage | LogPage) -> int:
    return len(page[0]) + len(page.unreadable)


def _last(page: SpanPage | LogPage) -> int:
    """Return the greatest id of a page whose records are in the order of their ids."""
    records: Sequence[SourceSpan | SourceLog] = page[0]
    return max([*(record.id for record in records), *page.unreadable])
