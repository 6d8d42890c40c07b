# SPDX-License-Identifier: Apache-2.0
"""Whether a trace may still be written."""

from __future__ import annotations

import time

from otel_sqlite_exporter.query.summaries import TraceSummary

_QUIET_NS = 10 * 60 * 10**9
"""So long after its last end, a trace without a running span is over."""


def is_live(trace: TraceSummary) -> bool:
    """Return whether a trace runs, or ended a moment ago: most exporters tell of spans only when they end."""
    return bool(trace.running) or time.time_ns() - trace.end_time_unix_nano < _QUIET_NS
