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
from otel_sqlite_exporter.model.rows import EncodedSpan

_ASK_INTERVAL_NS = 10_000_000
"""How long an answer of the system holds whether memory is limited: to ask takes as long as to encode a small span."""


class SpansAsTheyAre(deque[Any]):
    """A queue that holds spans. The thread that exports them encodes them."""

    put = deque.append

    def __init__(self, export: Callable[[Sequence[ReadableSpan]], SpanExportResult]) -> None:
        super().__init__()
        self.export = export


class SpansAsValues(deque[Any]):
    """A queue that encodes each span when it is put in, and drops it. An item is an EncodedSpan, or a span that the
    thread has to encode: it could not be encoded where it ended, or the process may be refused memory."""

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
        self._asked_at = 0

    def put(self, span: ReadableSpan) -> None:
        """Encode a span and append it. Never raises an Exception."""
        item: EncodedSpan | ReadableSpan
        try:
            now = time_ns()
            if not 0 <= now - self._asked_at < _ASK_INTERVAL_NS:
                self._is_limited, self._asked_at = is_memory_limited(), now
            item = span if self._is_limited else self._encode_span(span, now)
        except Exception:  # of the span, of a signal handler, for want of memory, or near the limit of recursion
            item = span
        self.append(item)

    def export(self, batch: Sequence[EncodedSpan | ReadableSpan]) -> SpanExportResult:
        """Write items of this queue."""
        rows = [item for item in batch if isinstance(item, EncodedSpan)]
        spans = [item for item in batch if not isinstance(item, EncodedSpan)]
        encoded = self._encode(spans)
        return self._deliver(encoded._replace(rows=rows + encoded.rows))


SpanQueue = SpansAsTheyAre | SpansAsValues
