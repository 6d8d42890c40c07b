# SPDX-License-Identifier: Apache-2.0
"""Receives requests of OTLP: groups them, writes each group in one transaction, and answers when it is durable."""

from __future__ import annotations

from concurrent.futures import Future

from otel_sqlite_exporter.receive.requests import ExportAnswer, ReceivedRequest
from otel_sqlite_exporter.settings import Settings


class Receiver:
    """Takes requests on any thread, and writes them on one thread of its own.

    Args:
        settings: Those of the file.
        waiting_bytes: The most bytes of bodies that may wait.
    """

    def __init__(self, settings: Settings, *, waiting_bytes: int = 64 << 20) -> None:
        raise NotImplementedError

    def submit(self, request: ReceivedRequest) -> Future[ExportAnswer]:
        """Return what will hold the answer, once all records that were not rejected are durable. It may raise
        BadRequestError or BusyError instead, and nothing else.

        Raises:
            BusyError: Too much waits, or the receiver is closed.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Write what waits, and close the file. Later requests raise BusyError."""
        raise NotImplementedError
