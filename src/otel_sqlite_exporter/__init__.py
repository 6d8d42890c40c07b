# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry traces, logs and metrics in a SQLite file that can be queried."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_sqlite_exporter.maintain.annotations import Annotations
    from otel_sqlite_exporter.query.reader import TelemetryDatabase
    from otel_sqlite_exporter.sdk.log_exporter import SQLiteLogRecordExporter
    from otel_sqlite_exporter.sdk.metric_exporter import SQLiteMetricExporter
    from otel_sqlite_exporter.sdk.sigterm import flush_on_sigterm
    from otel_sqlite_exporter.sdk.span_exporter import SQLiteSpanExporter
    from otel_sqlite_exporter.sdk.span_processor import SQLiteSpanProcessor
    from otel_sqlite_exporter.server.embedded.served_page import serve
    from otel_sqlite_exporter.version import __version__

__all__ = [
    "Annotations",
    "SQLiteLogRecordExporter",
    "SQLiteMetricExporter",
    "SQLiteSpanExporter",
    "SQLiteSpanProcessor",
    "TelemetryDatabase",
    "__version__",
    "flush_on_sigterm",
    "serve",
]

_HOMES = {
    "Annotations": "maintain.annotations",
    "SQLiteLogRecordExporter": "sdk.log_exporter",
    "SQLiteMetricExporter": "sdk.metric_exporter",
    "SQLiteSpanExporter": "sdk.span_exporter",
    "SQLiteSpanProcessor": "sdk.span_processor",
    "TelemetryDatabase": "query.reader",
    "__version__": "version",
    "flush_on_sigterm": "sdk.sigterm",
    "serve": "server.embedded.served_page",
}


def __getattr__(name: str) -> Any:
    # PEP 562: `opentelemetry-instrument` imports this package in every process it starts, so the SDK is not.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
