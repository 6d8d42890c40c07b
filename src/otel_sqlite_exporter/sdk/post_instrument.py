# SPDX-License-Identifier: Apache-2.0
"""What `opentelemetry-instrument` calls when it has set up the SDK: the span processor without a line of code."""

from __future__ import annotations

import os

from otel_sqlite_exporter.environment_variables import OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR


def add_span_processor() -> None:
    """Add an SQLiteSpanProcessor to the global TracerProvider, if OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR is `true`."""
    if os.environ.get(OTEL_EXPORTER_SQLITE_SPAN_PROCESSOR, "").strip().lower() != "true":
        return
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import get_tracer_provider

    from otel_sqlite_exporter.sdk.span_processor import SQLiteSpanProcessor

    provider = get_tracer_provider()
    if isinstance(provider, TracerProvider):  # it is not, where the SDK is disabled
        provider.add_span_processor(SQLiteSpanProcessor())
