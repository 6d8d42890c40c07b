# SPDX-License-Identifier: Apache-2.0
"""Writes a batch whole, or record by record where one of them is refused: that one goes to quarantine, the rest is
unharmed."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from functools import partial

from otel_sqlite_exporter.encode.quarantine import quarantine_row
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.model.rows import Records
from otel_sqlite_exporter.settings import DEFAULT_SESSION_ATTRIBUTES
from otel_sqlite_exporter.write.exporter_runs import Run
from otel_sqlite_exporter.write.import_marks import Part
from otel_sqlite_exporter.write.shared_texts import Histories
from otel_sqlite_exporter.write.writer import Replay, write_batch

_logger = logging.getLogger(__name__)
# What SQLite says of a value, and not of the file.
_VALUE_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
)


def write_records(
    connection: sqlite3.Connection,
    records: Records,
    run: Run,
    *,
    pairing_window_ns: int,
    session_attributes: Sequence[str] = DEFAULT_SESSION_ATTRIBUTES,
    replay: Replay | None = None,
    part: Part | None = None,
    histories: Histories | None = None,
) -> None:
    """Write a batch of `run`, as `writer.write_batch` does; where a record is refused, all of them one by one.

    Raises:
        sqlite3.Error, OSError: The file cannot be written now: what is not in it yet may be written again later.
    """
    write = partial(write_batch, pairing_window_ns=pairing_window_ns, session_attributes=session_attributes)
    try:
        write(connection, records, run, replay=replay, part=part, histories=histories)
        return
    except Exception as error:
        if is_about_file(error):
            raise
        _logger.debug("the batch is written record by record: %s", error)
    run.retries += 1
    singles = [Records(spans=[span]) for span in records.spans]
    singles += [Records(logs=[log]) for log in records.logs]
    for single in (Records(quarantine=records.quarantine), *singles):
        try:
            write(connection, single, run)
        except Exception as error:
            if is_about_file(error):
                raise
            refused = [quarantine_row(span, error, time.time_ns()) for span in single.spans]
            refused += [quarantine_row(log, error, time.time_ns()) for log in single.logs]
            write(connection, Records(quarantine=refused), run)
    if replay is not None or part is not None:
        write(connection, Records(), run, replay=replay, part=part)


def is_about_file(error: BaseException) -> bool:
    """Return whether an error says that the file cannot be used now, and not that a record cannot be written."""
    if isinstance(error, sqlite3.Error):
        return not isinstance(error, _VALUE_ERRORS)
    return isinstance(error, (SQLiteExporterError, OSError, MemoryError))
