# SPDX-License-Identifier: Apache-2.0
"""Requests that are written in one transaction."""

from __future__ import annotations

from otel_sqlite_exporter.model.arrivals.request_rows import RequestRow
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
        self._quarantine: list[QuarantineRow] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no request is to be added."""
        return len(self._spans) + len(self._logs) >= _MOST_RECORDS or self._bytes >= _MOST_BYTES

    def add(self, one: WaitingRequest, encoded: EncodedRequest, digest: str) -> None:
        """Add the records of a request. One without any is answered at once."""
        records = len(encoded.spans) + len(encoded.logs)
        rejected = encoded.rejected.most_common()
        if not records and not rejected:
            one.answer.set_result(ExportAnswer())
            return
        request = one.request
        sender, _ = repair_text(request.sender)
        row = RequestRow(digest, request.signal, sender, request.sent_bytes, records, len(encoded.quarantine), rejected)
        self._requests.append(row)
        self._spans += encoded.spans
        self._logs += encoded.logs
        self._quarantine += encoded.quarantine
        self._bytes += one.size_bytes
        self._answers.append((one, ExportAnswer(row.rejections, "; ".join(reason for reason, _ in rejected))))

    def make_records(self) -> Records:
        """Return what is to be written."""
        return Records(self._spans, self._logs, self._quarantine, self._requests)

    def answer(self) -> None:
        """Answer all requests: their records are durable."""
        for one, answer in self._answers:
            one.answer.set_result(answer)

    def fail(self, error: BusyError) -> None:
        """Answer all requests that have no answer yet: nothing of them was written."""
        for one in self.taken:
            if not one.answer.done():
                one.answer.set_exception(error)
