# SPDX-License-Identifier: Apache-2.0
"""Requests that are written in one transaction."""

from __future__ import annotations

import contextlib
from concurrent.futures import InvalidStateError

from otel_sqlite_exporter.model.arrivals.request_rows import RequestRow
from otel_sqlite_exporter.model.metric_records.metric_rows import EncodedPoint
from otel_sqlite_exporter.model.rows import EncodedLog, EncodedSpan, QuarantineRow, Records
from otel_sqlite_exporter.model.values import repair_text
from otel_sqlite_exporter.receive.request_decoder import EncodedRequest
from otel_sqlite_exporter.receive.requests import BusyError, ExportAnswer
from otel_sqlite_exporter.receive.waiting_requests import WaitingRequest

_MOST_RECORDS, _MOST_BYTES = 512, 4 << 20


class RequestGroup:
    """A group that is being made. `taken` are all its requests, also those without records."""

    def __init__(self) -> None:
        self.taken: list[WaitingRequest] = []
        self._answers: list[tuple[WaitingRequest, ExportAnswer]] = []
        self._requests: list[RequestRow] = []
        self._spans: list[EncodedSpan] = []
        self._logs: list[EncodedLog] = []
        self._points: list[EncodedPoint] = []
        self._quarantine: list[QuarantineRow] = []
        self._bytes = 0

    @property
    def left_bytes(self) -> int:
        """How large the next request may be; 0 if none is to be added. A larger one is a group of its own, so it keeps
        no other waiting, and where it is too large for the spool, it costs no other."""
        is_full = len(self.make_records()) >= _MOST_RECORDS
        return 0 if is_full else max(0, _MOST_BYTES - self._bytes)

    def take(self, one: WaitingRequest) -> None:
        """Note that a request is of this group, before it is read."""
        self.taken.append(one)
        self._bytes += one.size_bytes

    def add(self, one: WaitingRequest, encoded: EncodedRequest, digest: str) -> None:
        """Add the records of a request. One without any is answered at once."""
        records = len(encoded.spans) + len(encoded.logs) + len(encoded.points)
        rejected = encoded.rejected
        if not records and not rejected:
            one.answer.set_result(ExportAnswer())
            return
        request = one.request
        sender, _ = repair_text(request.sender)
        row = RequestRow(digest, request.signal, sender, request.sent_bytes, records, len(encoded.quarantine), rejected)
        self._requests.append(row)
        self._spans += encoded.spans
        self._logs += encoded.logs
        self._points += encoded.points
        self._quarantine += encoded.quarantine
        reasons = dict.fromkeys(rejection.reason for rejection in rejected)
        self._answers.append((one, ExportAnswer(row.rejections, "; ".join(reasons))))

    def make_records(self) -> Records:
        """Return what is to be written."""
        return Records(self._spans, self._logs, self._quarantine, self._requests, self._points)

    def answer(self) -> None:
        """Answer all requests: their records are durable."""
        for one, answer in self._answers:
            one.answer.set_result(answer)

    def fail(self, error: BusyError) -> None:
        """Answer all requests that have no answer yet: nothing of them was written."""
        for one in self.taken:
            with contextlib.suppress(InvalidStateError):  # it has one, or was cancelled
                one.answer.set_exception(error)
