# SPDX-License-Identifier: Apache-2.0
"""Merges files into one: their records are encoded by the rules in force and written as exported ones are.

Each batch is read in one snapshot of its source and written in one transaction, which also notes how far the source was
read. So a merge that was killed goes on there, and one that is run again reads only what is new.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from otel_sqlite_exporter.deliver.retry import is_about_file
from otel_sqlite_exporter.encode.quarantine import quarantine_row
from otel_sqlite_exporter.errors import DamagedFileError
from otel_sqlite_exporter.genai.rule_digests import digest_rules
from otel_sqlite_exporter.imports.merging.copied_costs import CopiedCosts
from otel_sqlite_exporter.imports.merging.copied_points import PointCopier
from otel_sqlite_exporter.imports.merging.copied_records import CopiedSpan, RecordCopier
from otel_sqlite_exporter.imports.merging.log_counts import LogCounts, digest_log
from otel_sqlite_exporter.imports.merging.merge_notes import AddedSums, SourcePosition, note_merged_points
from otel_sqlite_exporter.imports.merging.merge_report import MergeReport
from otel_sqlite_exporter.imports.merging.merge_sources import MergeSource
from otel_sqlite_exporter.imports.merging.merged_hours import PointUnit, choose_points, split_hours
from otel_sqlite_exporter.imports.merging.merged_usage import merge_usage, note_own_time
from otel_sqlite_exporter.imports.merging.side_tables import (
    Row,
    merge_import_rows,
    merge_quarantine_rows,
    merge_run_rows,
    merge_side_tables,
    read_rows_of,
)
from otel_sqlite_exporter.imports.merging.source_points import PointPage
from otel_sqlite_exporter.imports.merging.source_reader import SourceReader
from otel_sqlite_exporter.imports.merging.source_rows import LogPage, SpanPage
from otel_sqlite_exporter.imports.merging.span_endings import cut_short, keep_starts
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Records
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.batch_lookup import find_key
from otel_sqlite_exporter.write.exporter_runs import fold_runs
from otel_sqlite_exporter.write.statements import run_query
from otel_sqlite_exporter.write.writer import Writer

_Record = TypeVar("_Record")
_Copy = TypeVar("_Copy")
_UNREADABLE = (ValueError, TypeError, KeyError)


class Merger:
    """Merges sources into the file of `settings`, redacted as these say. The file is created or upgraded if
    `settings.auto_migrate` allows it.

    Raises:
        FileRefusedError, MigrationFailedError: The file cannot be used as it is.
        sqlite3.Error, OSError: The file cannot be opened.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._target = open_file(settings)
        self._costs = CopiedCosts(is_on=settings.cost == "auto")
        self._writer = self._make_writer()
        self._copier = RecordCopier(settings)
        self._point_copier = PointCopier(settings)
        self._log_counts = LogCounts()
        self._rules = digest_rules(settings)

    def close(self) -> None:
        """Close the file."""
        self._log_counts.close()
        self._target.close()

    def merge(self, source: MergeSource, progress: Callable[[int, int], None]) -> MergeReport:
        """Write what `source` holds and the file does not. `progress` is called with the number of records that are
        done, and of all.

        Raises:
            DamagedFileError: Nothing of the source can be read.
            sqlite3.Error, OSError: The file cannot be written, or the source is locked. What was written stays, and the
                next merge goes on there.
        """
        report = MergeReport(source.path, waiting_batches=source.count_waiting())
        before = source.read_state()
        reader = SourceReader(source, SourcePosition.read(self._target, source.path))
        if source.path != source.read_path and reader.position.state == before:
            report.is_unchanged = True
            return report  # its copy was merged, and it did not change
        noted = replace(reader.position)
        notes = reader.read_notes()
        report.is_unchanged = noted.state == before
        note_own_time(self._target, reader.position, noted)
        left = reader.count_left()
        self._log_counts.forget_source()
        self._costs.forget()

        def note_progress() -> None:
            progress(report.count(), max(left, report.count()))

        for page in reader.read_ended():
            self._write_spans(reader, report, page)
            note_progress()
        for running in reader.read_running():
            self._write_spans(reader, report, running.page, running.run_ids, running.runs)
            note_progress()
        read_before = reader.position.logs
        for logs in reader.read_logs():
            self._write_logs(reader, report, logs, read_before)
            note_progress()
        for points in reader.read_points():
            self._write_points(reader, report, points)
            note_progress()
        for rows in reader.read_small("quarantine"):
            with transaction(self._target):
                report.new_quarantined += merge_quarantine_rows(
                    self._target, rows, is_redacting=self._copier.is_redacting
                )
                reader.position.note(self._target, source.path)
        report.damages += reader.damages
        is_whole = not (report.damages or report.unreadable)
        if is_whole:  # else what was imported may be what is missing
            for rows in reader.read_small("imports", last=notes.facts.last_import):
                with transaction(self._target):
                    merge_import_rows(self._target, rows)
                    reader.position.note(self._target, source.path)
        try:
            self._merge_runs(source, notes.facts.identity)
            report.lost_calls = merge_usage(self._target, source, notes, reader.position)
            merge_side_tables(self._target, source, notes, is_redacting=self._copier.is_redacting)
        except DamagedFileError as error:
            report.damages.append(str(error))
        reader.position.state, reader.position.own = before, None
        if not is_whole:  # so that it is read again, whether it was repaired or not
            reader.position = SourcePosition()
        with transaction(self._target):
            reader.position.note(self._target, source.path)
        fold_runs(self._target)
        return report

    def _make_writer(self) -> Writer:
        writer = Writer(self._target, self._settings)
        writer.prices = self._costs
        return writer

    def _copy(self, report: MergeReport, records: Sequence[_Record], copy: Callable[[_Record], _Copy]) -> list[_Copy]:
        """Return the copies of records; those of which a value cannot be read are counted and left out."""
        copies = []
        for record in records:
            try:
                copies.append(copy(record))
            except MemoryError:
                raise
            except Exception:  # a damaged source may hold anything
                report.unreadable += 1
        return copies

    def _write_spans(
        self,
        reader: SourceReader,
        report: MergeReport,
        page: SpanPage,
        run_ids: Mapping[int, str] | None = None,
        runs: Sequence[Row] = (),
    ) -> None:
        report.unreadable += len(page.unreadable)
        copies = self._copy(report, page.spans, self._copier.copy_span)
        self._costs.know(page.costs)
        self._costs.prepare(Records([copy.span for copy in copies]))

        def write(chosen: Sequence[CopiedSpan]) -> None:
            merge_run_rows(self._target, runs, self._rules)
            spans = [copy.span for copy in chosen]
            starts = [copy.start for copy in chosen if copy.start is not None]
            counts = self._writer.add_copies([*self._copier.find_lost_namings(page, chosen), *starts, *spans], ())
            keep_starts(self._target, chosen)
            cut_short(self._target, chosen)
            if run_ids:
                keys = [(*find_key(copy.span), run_ids[copy.source_id]) for copy in chosen]
                run_query(self._target, "note_running_spans", spans=keys)
            new = counts.written + counts.opened
            report.new_spans += new
            report.known_spans += len(chosen) - new
            report.running_spans += len(chosen) if run_ids else 0

        self._write(reader, report, copies, write, lambda copy: copy.span)

    def _write_logs(self, reader: SourceReader, report: MergeReport, page: LogPage, read_before: int) -> None:
        report.unreadable += len(page.unreadable)
        copies = self._copy(report, page.logs, self._copier.copy_log)
        self._costs.know(page.costs)
        self._costs.prepare(Records(logs=copies))
        if read_before:
            self._count_earlier(reader, {log.row.time_unix_nano for log in copies}, read_before)

        def write(chosen: Sequence[EncodedLog]) -> None:
            def add(places: Sequence[int]) -> None:
                if places:
                    self._writer.add_copies((), [chosen[place] for place in places])

            identities = [(log.row.time_unix_nano, digest_log(log)) for log in chosen]
            new = self._log_counts.choose(self._target, identities, add)
            report.new_logs += new
            report.known_logs += len(chosen) - new

        self._write(reader, report, copies, write, lambda copy: copy)

    def _write_points(self, reader: SourceReader, report: MergeReport, page: PointPage) -> None:
        report.unreadable += len(page.unreadable)
        copier = self._point_copier
        copies = self._copy(report, page.points, lambda point: (point.series, copier.copy_point(point)))
        names = ("digest", "hourly_until", "late", "refused")
        found = {
            (copied.series.row.digest, one.hourly_until, one.late_points, one.refused_points) for one, copied in copies
        }
        counts = [dict(zip(names, columns, strict=True)) for columns in sorted(found) if any(columns[1:])]

        def write(chosen: Sequence[PointUnit]) -> None:
            before = self._target.total_changes
            points = choose_points(self._target, chosen)
            new = self._writer.add_copied_points(points)
            self._target.executemany(read_query("merge_series_counts"), counts)
            if self._target.total_changes != before:
                note_merged_points(self._target)
            report.new_points += new
            report.known_points += sum(map(len, chosen)) - new

        self._write(reader, report, split_hours(copied for _, copied in copies), write, lambda unit: unit[0])

    def _count_earlier(self, reader: SourceReader, times: Collection[int], read_before: int) -> None:
        """Count the records of these times that an earlier merge has read."""
        unknown = self._log_counts.find_unknown_times(times)
        if not unknown:
            return
        counted = []
        for log in reader.read_logs_of_times(unknown, read_before):
            with contextlib.suppress(*_UNREADABLE):
                counted.append((log.row.time_unix_nano, digest_log(self._copier.copy_log(log))))
        self._log_counts.note_source(unknown, counted)

    def _write(
        self,
        reader: SourceReader,
        report: MergeReport,
        copies: Sequence[_Copy],
        write: Callable[[Sequence[_Copy]], None],
        encoded: Callable[[_Copy], EncodedSpan | EncodedLog | EncodedPoint],
    ) -> None:
        """Write copies in one transaction with the position of their source; where SQLite refuses one, by halves: that
        one goes to quarantine, and the position is noted when all others are written."""
        kept = report.copy()
        try:
            with transaction(self._target):
                write(copies)
                reader.position.note(self._target, reader.source.path)
            return
        except Exception as error:
            if is_about_file(error):
                raise
            self._writer = self._make_writer()
            report.take_counts(kept)
            refused = error
        self._write_halves(report, copies, write, encoded, refused)
        with transaction(self._target):
            reader.position.note(self._target, reader.source.path)

    def _write_halves(
        self,
        report: MergeReport,
        copies: Sequence[_Copy],
        write: Callable[[Sequence[_Copy]], None],
        encoded: Callable[[_Copy], EncodedSpan | EncodedLog | EncodedPoint],
        refused: Exception,
    ) -> None:
        if len(copies) == 1:
            row = quarantine_row(encoded(copies[0]), refused, time.time_ns())
            with transaction(self._target):
                merge_quarantine_rows(self._target, [row._asdict()], is_redacting=False)
            report.refused += 1
            return
        for half in (copies[: len(copies) // 2], copies[len(copies) // 2 :]):
            kept = report.copy()
            try:
                with transaction(self._target):
                    write(half)
            except Exception as error:
                if is_about_file(error):
                    raise
                self._writer = self._make_writer()
                report.take_counts(kept)
                self._write_halves(report, half, write, encoded, error)

    def _merge_runs(self, source: MergeSource, identity: str) -> None:
        since = AddedSums.read(self._target, identity).until
        runs = source.read(lambda connection: read_rows_of(connection, "read_source_runs", since=since))
        if runs:
            with transaction(self._target):
                merge_run_rows(self._target, runs, self._rules)
