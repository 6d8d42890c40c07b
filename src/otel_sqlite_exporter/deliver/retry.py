# SPDX-License-Identifier: Apache-2.0
"""Writes a batch whole, or record by record where SQLite refuses one of them: that one goes to quarantine, and the
others are written."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from dataclasses import replace

from otel_sqlite_exporter.encode.quarantine import quarantine_row
from otel_sqlite_exporter.error_texts import describe_error
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.model.arrivals.request_rows import RejectedRecords, RequestRow
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, Records
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.receipts.known_requests import split_by_request
from otel_sqlite_exporter.write.writer import ImportMark, Replay, Writer

_logger = logging.getLogger(__name__)
REFUSED = "the file cannot hold a value of the record"
"""Why a record is rejected that SQLite refuses."""
# SQLite's errors about a value, and not about the file.
_VALUE_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
)


def write_records(writer: Writer, records: Records, run: Run, mark: Replay | ImportMark | None = None) -> None:
    """Write a batch of `run`, as `Writer.write` does; where SQLite refuses a record, all of them one by one.

    Raises:
        sqlite3.Error, OSError: The file cannot be written now; records that are not in it may be written again later.
    """
    try:
        _write_twice(writer, records, run, mark)
        return
    except Exception as error:
        if is_about_file(error):
            raise
        _logger.debug("the batch is written record by record: %s", describe_error(error))
    run.retries += 1
    if len(records.requests) > 1:
        for part in split_by_request(records):
            write_records(writer, part, run)
    else:
        _write_singly(writer, records, run)
    if mark is not None:
        writer.write(Records(), run, mark)


def _write_singly(writer: Writer, records: Records, run: Run) -> None:
    """Write a batch record by record. The records of a request are noted one by one too, before the request is: where
    the process is killed half-way and the request is repeated, none is written twice."""
    singles = [Records(spans=[span]) for span in records.spans]
    singles += [Records(logs=[log]) for log in records.logs]
    singles += [Records(points=[point]) for point in records.points]
    for number, unmarked in enumerate(singles):
        parts = [
            RequestRow(
                f"{request.digest}/{number}", request.signal, request.sender, 0 if number else request.sent_bytes, 1
            )
            for request in records.requests
        ]
        single = replace(unmarked, requests=parts)
        try:
            _write_twice(writer, single, run)
        except Exception as error:
            if is_about_file(error):
                raise
            _write_twice(writer, _refuse(single, error), run)
    requests = [
        request._replace(records=0, sent_bytes=0 if singles else request.sent_bytes) for request in records.requests
    ]
    if rest := Records(quarantine=records.quarantine, requests=requests):
        _write_twice(writer, rest, run)


def _refuse(single: Records, error: Exception) -> Records:
    """Return the row for the quarantine of the one record, which SQLite refused."""
    refused: list[EncodedSpan | EncodedLog | EncodedPoint] = [*single.spans, *single.logs, *single.points]
    rows = [quarantine_row(record, error, time.time_ns()) for record in refused]
    rejected = [RejectedRecords(REFUSED, record.resource.service_name, 1) for record in refused]
    requests = [request._replace(records=0, quarantined=1, rejected=rejected) for request in single.requests]
    return Records(quarantine=rows, requests=requests)


def _write_twice(writer: Writer, records: Records, run: Run, mark: Replay | ImportMark | None = None) -> None:
    """Write a batch, once more where an error is neither about the file nor SQLite's about a value: a signal handler
    may have raised it (Celery's SoftTimeLimitExceeded, a test's timeout), and then it comes once."""
    try:
        writer.write(records, run, mark)
    except Exception as error:
        if is_about_file(error) or isinstance(error, _VALUE_ERRORS):
            raise
        if not writer.has_written(records):
            writer.write(records, run, mark)


def is_about_file(error: BaseException) -> bool:
    """Return whether an error means that the file cannot be used now, and not that a record cannot be written. Of a
    damaged file, Python's module passes on texts that are not UTF-8, and the JSON in it may be none."""
    if isinstance(error, sqlite3.Error):
        return not isinstance(error, _VALUE_ERRORS)
    about_file = (SQLiteExporterError, OSError, MemoryError, SystemError, UnicodeDecodeError, json.JSONDecodeError)
    return isinstance(error, about_file)
