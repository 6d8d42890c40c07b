# SPDX-License-Identifier: Apache-2.0
"""Waits until an agent's first records are in a file."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.summaries import LogSummary, SpanSummary
from otel_sqlite_exporter.storage.identity import identify_file

_PAUSE_S = 0.5
_SETTLED_S = 1.0
"""A first batch of an agent has come whole after so many seconds."""
_MOST = 500
_BUSY_MS = 5_000


class FirstRecords(NamedTuple):
    """What came.

    Attributes:
        spans, logs: How many records came at first, at most 500 of each.
        service: The name of the program that sent them.
        session_id: The session of the latest of them; None if they name none.
    """

    spans: int
    logs: int
    service: str
    session_id: str | None


def wait_for_records(database: TelemetryDatabase, service: str, since_ns: int, wait_s: float) -> FirstRecords | None:
    """Return the first records at or after `since_ns` of a service whose name begins with `service`; None if none came
    in `wait_s` seconds. The file need not be there yet.

    Raises:
        FileRefusedError: The file is damaged, of another program, or too old.
        sqlite3.Error, OSError: The file cannot be read, or is locked for too long.
    """
    deadline = time.monotonic() + wait_s
    while not _read(database, service, since_ns):
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(_PAUSE_S, left))
    time.sleep(_SETTLED_S)
    found = _read(database, service, since_ns)
    latest = max(found, key=lambda record: (record.session_id is not None, record.start_time_unix_nano))
    spans = sum(isinstance(record, SpanSummary) for record in found)
    return FirstRecords(spans, len(found) - spans, latest.service_name, latest.session_id)


def _read(database: TelemetryDatabase, service: str, since_ns: int) -> list[SpanSummary | LogSummary]:
    if not identify_file(database.path, busy_timeout_ms=_BUSY_MS)[1]:
        return []  # it has no schema before its first request
    spans = database.find_spans(since=since_ns, limit=_MOST)
    logs = database.find_logs(since=since_ns, limit=_MOST)
    records: Iterable[SpanSummary | LogSummary] = (*spans, *logs)
    return [record for record in records if record.service_name.startswith(service)]
