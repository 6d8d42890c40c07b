# SPDX-License-Identifier: Apache-2.0
"""The spans that have started and not ended: those that are not in the file yet, and those that are."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, Span


class RunningSpans:
    """The spans of one process that run. Any thread may add and discard them; one thread takes those that are due.

    Attributes:
        starting: Spans that were not taken yet, by span id.
        opened: Spans that were taken, by span id.
    """

    def __init__(self) -> None:
        self.starting: dict[int, Span] = {}
        self.opened: dict[int, Span] = {}

    def discard(self, span_id: int) -> None:
        """Forget a span that has ended."""
        if self.starting.pop(span_id, None) is None:
            self.opened.pop(span_id, None)

    def take(self, started_until_ns: int) -> list[ReadableSpan]:
        """Return the spans that started at that time (ns since the epoch) or earlier, each once."""
        due: list[ReadableSpan] = []
        for span_id, span in list(self.starting.items()):
            if span.start_time is None or span.start_time > started_until_ns:
                continue
            self.opened[span_id] = span
            if self.starting.pop(span_id, None) is None:  # it has just ended, on another thread
                self.opened.pop(span_id, None)
            else:
                due.append(span)
        return due
