# SPDX-License-Identifier: Apache-2.0
"""The file that tools answer about."""

from __future__ import annotations

import os
from dataclasses import dataclass

from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file with the questions of `TelemetryDatabase`, and a way to ask others. Each question is one short read
    transaction."""

    database: TelemetryDatabase
    file: TelemetryFile
    busy_timeout_ms: int

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None, busy_timeout_ms: int | None = None) -> AskedFile:
        """Return the file at `path`. It need not be there yet."""
        from otel_sqlite_exporter.settings import resolve_settings

        settings = resolve_settings(path, busy_timeout_ms=busy_timeout_ms)
        database = TelemetryDatabase(settings.path, busy_timeout_ms=settings.busy_timeout_ms)
        return cls(database, TelemetryFile(database.path, settings.busy_timeout_ms), settings.busy_timeout_ms)
