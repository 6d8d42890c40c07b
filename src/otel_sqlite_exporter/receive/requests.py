# SPDX-License-Identifier: Apache-2.0
"""A request of OTLP as it was received, what is answered, and why it may be refused. No HTTP and no gRPC."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.deliver.retry import REFUSED
from otel_sqlite_exporter.errors import SQLiteExporterError
from otel_sqlite_exporter.write.metric_writing.points_batch import REFUSALS

SIGNALS = ("traces", "logs", "metrics")
UNREADABLE = "a record does not have the form of OTLP"
UNREADABLE_HOLDER = "what holds records does not have the form of OTLP"
INVALID_IDS = "a span has no valid trace id and span id"
UNENCODED = "a record cannot be made a row"
TOLD_REASONS = (UNREADABLE, UNREADABLE_HOLDER, INVALID_IDS, UNENCODED)
"""Why records are rejected, as a sender is told."""
REASONS = (*TOLD_REASONS, REFUSED, *REFUSALS)
"""Also why the file does not take a record. Only the counters in it say that, as it may be written after the answer."""


class ReceivedRequest(NamedTuple):
    """One export request.

    Attributes:
        signal: One of `SIGNALS`.
        body: The message, unpacked: OTLP as JSON or protobuf.
        is_json: Whether it is JSON.
        sender: Who sent it, for the counters: the name of its token, or the product of its `User-Agent`.
        client: Whose turn it is if several send at once: the address of the peer.
        sent_bytes: The size of the body as it was sent.
    """

    signal: str
    body: bytes
    is_json: bool
    sender: str
    client: str
    sent_bytes: int


class ExportAnswer(NamedTuple):
    """What became of a request that was accepted: the number of its records that were rejected, and why: reasons of
    `REASONS`. OTLP's `partialSuccess`; empty if nothing was rejected."""

    rejected: int = 0
    reason: str = ""


class BadRequestError(SQLiteExporterError):
    """The body is not an OTLP message of its signal, or holds more than one request may. The message quotes nothing of
    it."""


class BusyError(SQLiteExporterError):
    """The request cannot be taken now; nothing of it was stored. The sender may repeat it after `retry_after_s`
    seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
