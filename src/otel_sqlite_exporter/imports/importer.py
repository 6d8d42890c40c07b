# SPDX-License-Identifier: Apache-2.0
"""Imports files of OTLP and event logs: their records are encoded and written as exported ones are.

A source is written in parts. Each transaction writes one part and notes it, so an import that was killed goes on after
the last part, and a source that was imported before adds nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from typing import NamedTuple

from otel_sqlite_exporter.deliver.retry import write_records
from otel_sqlite_exporter.errors import UnreadableMarkError
from otel_sqlite_exporter.imports.event_logs import EVENT_LOG_SCOPE, read_event
from otel_sqlite_exporter.imports.event_records import EventReader
from otel_sqlite_exporter.imports.formats.document_formats import EVENT_LOG, find_documents, find_ignored
from otel_sqlite_exporter.imports.source_pieces import SourcePiece
from otel_sqlite_exporter.imports.source_reports import SourceReport
from otel_sqlite_exporter.imports.sources import ImportSource
from otel_sqlite_exporter.model.mark_rows import MarkRow, is_mark
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.metric_records.metric_signals import PointFields
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow, Records
from otel_sqlite_exporter.model.signals import LogFields, SpanFields
from otel_sqlite_exporter.otlp.alterations import Alterations
from otel_sqlite_exporter.otlp.message_levels import UnreadableRecord
from otel_sqlite_exporter.otlp.otlp_decoder import decode_message
from otel_sqlite_exporter.receive.record_encoder import RecordEncoder
from otel_sqlite_exporter.settings import Settings
from otel_sqlite_exporter.sql.texts import read_query
from otel_sqlite_exporter.storage.database import open_file
from otel_sqlite_exporter.storage.transactions import transaction
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.row_tables.stored_marks import add_marks
from otel_sqlite_exporter.write.statements import run_query
from otel_sqlite_exporter.write.writer import ImportMark, Writer

# A noted part is found again only if it is not larger than a part is now: these limits may grow, but never shrink.
_PART_PIECES, _PART_BYTES = 1_000, 4 << 20
_Fields = SpanFields | LogFields | PointFields


class Totals(NamedTuple):
    """Numbers of records of an import, as in the view `exporter_health`."""

    received: int = 0
    written: int = 0
    duplicate: int = 0
    repaired: int = 0
    quarantined: int = 0


class Importer:
    """Imports sources into the file of `settings`, redacted as these say. Timestamps without an offset are in `zone`
    (None: the local time zone)."""

    def __init__(self, settings: Settings, zone: tzinfo | None) -> None:
        """Open nothing: the file is opened when the first part is written."""
        self._settings = settings
        self._opened: Writer | None = None
        self._events = EventReader(EVENT_LOG_SCOPE, zone=zone)
        self._encoder = RecordEncoder(settings)
        self._run = Run.begin("import", settings)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._opened is not None:
            self._opened.connection.close()

    def import_source(self, source: ImportSource, progress: Callable[[SourceReport], None]) -> SourceReport:
        """Write the part of `source` that was not imported before; `progress` is called after each part. The file is
        created or upgraded if `settings.auto_migrate` allows it.

        Raises:
            FileRefusedError, MigrationFailedError: The file cannot be used as it is.
            UnreadableSourceError, MissingPackageError: The source cannot be read, or not to its end.
            sqlite3.Error, OSError: The file cannot be written, or the source cannot be read. The parts that were
                written stay, and are passed over the next time.
        """
        report = SourceReport(source.name)
        for pieces in _cut(source.read_pieces()):
            self._write(report, pieces)
            progress(report)
        report.damages += source.damages
        return report

    def read_totals(self) -> Totals:
        """Return the totals of all sources so far."""
        if self._opened is None:
            return Totals()
        found = self._opened.connection.execute(read_query("get_run_totals"), {"run_id": self._run.run_id}).fetchone()
        return Totals() if found is None else Totals(*found)

    def _open(self) -> Writer:
        if self._opened is None:
            self._opened = Writer(open_file(self._settings), self._settings)
        return self._opened

    def _write(self, report: SourceReport, pieces: list[tuple[SourcePiece, str]]) -> None:
        report.pieces += len(pieces)
        writer = self._open()
        digests = [digest for _, digest in pieces]
        (known,) = run_query(writer.connection, "count_imported_pieces", digests=digests).fetchone()
        for piece, _ in pieces[:known]:
            records = [record for record, _ in self._decode(piece, report)]
            refused = [record for record in records if isinstance(record, UnreadableRecord)]
            report.known += not records or len(refused) < len(records)
            for record in refused:
                report.refuse(piece.location, record.reason)
        if known == len(pieces):
            return
        now = time.time_ns()
        marks: list[MarkRow] = []
        new = self._encode(report, (piece for piece, _ in pieces[known:]), now, marks)
        if marks:  # adding them again changes nothing
            with transaction(writer.connection):
                add_marks(writer.connection, marks)
        write_records(writer, new, self._run, ImportMark(digests[-1], report.source, now))

    def _encode(self, report: SourceReport, pieces: Iterable[SourcePiece], now: int, marks: list[MarkRow]) -> Records:
        """Return the records of these pieces, and add the marks among them to `marks`."""
        spans: list[EncodedSpan] = []
        logs: list[EncodedLog] = []
        points: list[EncodedPoint] = []
        quarantine: list[QuarantineRow] = []
        for piece in pieces:
            before = len(points)
            for record, altered in self._decode(piece, report):
                if isinstance(record, UnreadableRecord):
                    report.refuse(piece.location, record.reason)
                    if piece.is_kept:
                        quarantine.append(self._encoder.refuse(record, report.source, piece.location, now))
                    continue
                encoded = self._encode_record(record, altered, now)
                if isinstance(encoded, MarkRow):
                    marks.append(encoded)
                    continue
                if isinstance(encoded, QuarantineRow):
                    report.refuse(piece.location, encoded.reason)
                    quarantine.append(encoded)
                elif isinstance(encoded, EncodedSpan):
                    report.note_repaired(piece.location, "span", encoded.repaired - altered)
                    spans.append(encoded)
                elif isinstance(encoded, EncodedPoint):
                    report.note_repaired(piece.location, "data point", encoded.repaired - altered)
                    points.append(encoded)
                else:
                    report.note_repaired(piece.location, "log record", encoded.repaired - altered)
                    logs.append(encoded)
            points[before:] = self._encoder.merge(points[before:])
        report.spans += len(spans)
        report.logs += len(logs)
        report.points += len(points)
        report.marks += len(marks)
        return Records(spans, logs, quarantine, points=points)

    def _encode_record(
        self, record: _Fields, altered: int, now: int
    ) -> EncodedSpan | EncodedLog | EncodedPoint | QuarantineRow | MarkRow:
        """Return the rows of a record. A mark that cannot be one is refused by the encoder of log records."""
        if isinstance(record, LogFields) and is_mark(record):
            with contextlib.suppress(UnreadableMarkError):
                return self._encoder.encode_mark(record)
        return self._encoder.encode(record, altered, now)

    def _decode(self, piece: SourcePiece, report: SourceReport) -> Iterator[tuple[_Fields | UnreadableRecord, int]]:
        """Yield the records of a piece, each with the number of its values that are altered. Those of a resource or
        scope count with its first record."""
        alterations = Alterations()
        for record in self._read(piece, report, alterations):
            yield record, report.note(piece.location, alterations)
        report.note(piece.location, alterations)

    def _read(
        self, piece: SourcePiece, report: SourceReport, alterations: Alterations
    ) -> Iterator[_Fields | UnreadableRecord]:
        if piece.refusal is not None:
            yield UnreadableRecord(piece.value, piece.refusal)
            return
        for found in find_documents(piece.value):
            if found.format is None:
                reason = "it is neither an OTLP message nor an event with a name and a timestamp"
                yield UnreadableRecord(found.content, reason)
                continue
            if found.format.advice is not None:
                yield UnreadableRecord(found.content, f"it {found.format.advice}")
                continue
            report.formats[found.format.name] = report.formats.get(found.format.name, 0) + 1
            if found.format is EVENT_LOG:
                yield read_event(found.content, self._events)
            elif found.message is not None:
                for signal in find_ignored(found.message):
                    report.ignored[signal] = report.ignored.get(signal, 0) + 1
                yield from decode_message(found.message, alterations)


def _cut(pieces: Iterable[SourcePiece]) -> Iterator[list[tuple[SourcePiece, str]]]:
    """Yield the pieces of a source, each with its digest, in parts for one transaction each."""
    part: list[tuple[SourcePiece, str]] = []
    size, digest = 0, ""
    for piece in pieces:
        if not piece.is_finished and part:  # alone, so the pieces before it are known when it has got its end
            yield part
            part, size = [], 0
        # Of the piece and of all pieces before it, so that a source is known by its content, under whatever name.
        digest = hashlib.blake2b(piece.content, digest_size=16, key=digest.encode()).hexdigest()
        part.append((piece, digest))
        size += len(piece.content)
        if len(part) >= _PART_PIECES or size >= _PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
