# SPDX-License-Identifier: Apache-2.0
"""The hook that `opentelemetry-instrument` calls when it has set up the SDK: what variables ask for, without code."""

from __future__ import annotations

import os

_VARIABLES = "OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR", "OTEL_EXPORTER_SQLITE_FLUSH_ON_SIGTERM"


def add_span_processor() -> None:
    """Add an SQLiteSpanProcessor to the global TracerProvider, and call `flush_on_sigterm`: each if its variable is
    `true`."""
    # Every instrumented process calls this: without the variables it imports nothing, which saves 6 ms.
    if not any(os.environ.get(variable) for variable in _VARIABLES):
        return
    from otel_sqlite_exporter.process_settings import resolve_environment

    settings = resolve_environment()
    if settings.span_processor:
        _add_span_processor()
    if settings.flush_on_sigterm:
        from otel_sqlite_exporter.sdk.sigterm import flush_on_sigterm

        flush_on_sigterm()


def _add_span_processor() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import get_tracer_provider

    from otel_sqlite_exporter.sdk.span_processor import SQLiteSpanProcessor

    provider = get_tracer_provider()
    if isinstance(provider, TracerProvider):  # with OTEL_SDK_DISABLED it is another
        provider.add_span_processor(SQLiteSpanProcessor())
