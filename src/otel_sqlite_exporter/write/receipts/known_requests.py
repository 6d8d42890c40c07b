# SPDX-License-Identifier: Apache-2.0
"""Requests by their digests: a file knows those of the last hour, so one that a sender repeats adds nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import orjson

from otel_sqlite_exporter.model.arrivals.request_rows import RequestRow, count_records
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow, Records
from otel_sqlite_exporter.sql.texts import read_query

KEPT_NS = 3_600_000_000_000
"""How long a request is known at least. A sender repeats one for some minutes at most."""


def take_new(connection: sqlite3.Connection, records: Records, now_unix_nano: int) -> tuple[Records, list[Records]]:
    """Note the requests of a batch in the caller's transaction, which writes it now. Return the records of those that
    the file did not know, and those of each other request: it was written before, or stands twice in the batch."""
    digests = orjson.dumps([request.digest for request in records.requests]).decode()
    noted = connection.execute(read_query("note_requests"), {"digests": digests, "now": now_unix_nano})
    new = {digest for (digest,) in noted.fetchall()}
    if len(new) == len(records.requests):
        return records, []
    spans: list[EncodedSpan] = []
    logs: list[EncodedLog] = []
    points: list[EncodedPoint] = []
    quarantine: list[QuarantineRow] = []
    kept: list[RequestRow] = []
    known: list[Records] = []
    for part in split_by_request(records):
        request = part.requests[0]
        if request.digest not in new:
            known.append(part)
            continue
        new.remove(request.digest)
        kept.append(request)
        spans += part.spans
        logs += part.logs
        points += part.points
        quarantine += part.quarantine
    return Records(spans, logs, quarantine, kept, points), known


def forget_requests(connection: sqlite3.Connection, new: int, now_unix_nano: int) -> None:
    """Forget old requests in the caller's transaction: up to twice as many as are `new`, so each batch takes the same
    time, and there are never many more than those of an hour."""
    values = {"most": 2 * new + 8, "now": now_unix_nano, "kept_ns": KEPT_NS}
    connection.execute(read_query("forget_requests"), values)


def split_by_request(records: Records) -> Iterator[Records]:
    """Yield the records of each request."""
    first_span = first_log = first_point = first_row = 0
    for request in records.requests:
        spans, logs, points, quarantined = count_records([request])
        yield Records(
            records.spans[first_span : first_span + spans],
            records.logs[first_log : first_log + logs],
            records.quarantine[first_row : first_row + quarantined],
            [request],
            records.points[first_point : first_point + points],
        )
        first_span, first_log, first_point = first_span + spans, first_log + logs, first_point + points
        first_row += quarantined
