# SPDX-License-Identifier: Apache-2.0
"""The hook that `opentelemetry-instrument` calls when it has set up the SDK: the span processor without code."""

from __future__ import annotations

import os


def add_span_processor() -> None:
    """Add an SQLiteSpanProcessor to the global TracerProvider, if OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR is `true`."""
    # Every instrumented process calls this: without the variable it imports nothing, which saves 6 ms.
    if not os.environ.get("OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR"):
        return
    from otel_sqlite_exporter.settings import resolve_environment

    if not resolve_environment().span_processor:
        return
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import get_tracer_provider

    from otel_sqlite_exporter.sdk.span_processor import SQLiteSpanProcessor

    provider = get_tracer_provider()
    if isinstance(provider, TracerProvider):  # with OTEL_SDK_DISABLED it is another
        provider.add_span_processor(SQLiteSpanProcessor())
