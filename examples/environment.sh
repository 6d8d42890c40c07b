#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Traces and measures environment.py into a SQLite file (the first argument, or otel-environment.db) with environment
# variables only. The distro sends each signal without a variable to OTLP, so all three have one.
set -eu
examples=$(dirname "$0")

OTEL_SERVICE_NAME=environment-example \
OTEL_TRACES_EXPORTER=sqlite \
OTEL_METRICS_EXPORTER=sqlite \
OTEL_LOGS_EXPORTER=sqlite \
OTEL_EXPORTER_SQLITE_PATH="${1:-otel-environment.db}" \
OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental \
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only \
    opentelemetry-instrument python "$examples/environment.py"
