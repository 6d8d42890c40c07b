# SPDX-License-Identifier: Apache-2.0
"""What waits for the thread of a span processor: spans as they are, or spans as values."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import time_ns
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_sqlite_exporter.encode.each_record import EncodedRecords
from otel_sqlite_exporter.model.memory import is_memory_limited
from otel_sqlite_exporter.model.rows import EncodedSpan, QuarantineRow


class SpansAsTheyAre(deque[Any]):
    """A queue that holds spans. The thread that exports them encodes them."""

    put = deque.append

    def __init__(self, export: Callable[[Sequence[ReadableSpan]], SpanExportResult]) -> None:
        super().__init__()
        self.export = export


class SpansAsValues(deque[Any]):
    """A queue that encodes each span when it is put in, and drops it. An item is an EncodedSpan, or the EncodedRecords
    of a span that is none: one for the quarantine, or one that found no memory."""

    def __init__(
        self,
        encode_span: Callable[[ReadableSpan, int], EncodedSpan],
        encode: Callable[[Sequence[ReadableSpan]], EncodedRecords[EncodedSpan]],
        deliver: Callable[[EncodedRecords[EncodedSpan]], SpanExportResult],
    ) -> None:
        """`encode_span` takes a span and the time of its arrival, and may raise. `encode` never raises an Exception."""
        super().__init__()
        self._encode_span = encode_span
        self._encode = encode
        self._deliver = deliver
        self._is_limited = False

    def put(self, span: ReadableSpan) -> None:
        """Encode a span and append it. Never raises an Exception."""
        if not self:  # once a batch: it asks the system, which takes as long as to encode a small span
            self._is_limited = is_memory_limited()
        item: EncodedSpan | EncodedRecords[EncodedSpan]
        if self._is_limited:
            item = self._encode((span,))
        else:
            try:
                item = self._encode_span(span, time_ns())
            except Exception:  # of the span, of a signal handler, or for want of memory: `encode` tells which
                item = self._encode((span,))
        self.append(item)

    def export(self, batch: Sequence[EncodedSpan | EncodedRecords[EncodedSpan]]) -> SpanExportResult:
        """Write items of this queue."""
        rows: list[EncodedSpan] = []
        refused: list[QuarantineRow] = []
        lost = 0
        for item in batch:
            if isinstance(item, EncodedRecords):
                rows += item.rows
                refused += item.refused
                lost += item.lost
            else:
                rows.append(item)
        return self._deliver(EncodedRecords(rows, refused, lost))


SpanQueue = SpansAsTheyAre | SpansAsValues
