# SPDX-License-Identifier: Apache-2.0
"""Why a request of OTLP is not taken, as both fronts answer it."""

from __future__ import annotations

from typing import NamedTuple

from otel_sqlite_exporter.errors import SQLiteExporterError


class RefusalKind(NamedTuple):
    """The status of HTTP, and the code of gRPC (google.rpc.Code)."""

    http_status: int
    grpc_code: int


BAD_REQUEST = RefusalKind(400, 3)
NOT_ALLOWED = RefusalKind(405, 12)
TOO_LARGE = RefusalKind(413, 8)
UNKNOWN_TYPE = RefusalKind(415, 3)
BUSY = RefusalKind(503, 14)


class RequestRefusedError(SQLiteExporterError):
    """A request that is not taken, and of which nothing was stored. The sender may repeat it after `retry_after_s`
    seconds; None: it would be refused again."""

    def __init__(self, kind: RefusalKind, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s


class ClientGoneError(SQLiteExporterError):
    """The connection ended before the request did."""
