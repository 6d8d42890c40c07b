# SPDX-License-Identifier: Apache-2.0
"""The rows of the view `scores`."""

from __future__ import annotations

from dataclasses import dataclass

from otel_sqlite_exporter.query.pages import ViewRow


@dataclass(frozen=True, slots=True, repr=False)
class ScoreSummary(ViewRow):
    """One row of the view `scores`: what was said of an answer, a trace or a session."""

    VIEW = "scores"

    id: int
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    call_id: int | None
    service_name: str
    source: str
    name: str | None
    value: float | None
    label: str | None
    explanation: str | None
    response_id: str | None
    error_type: str | None
    start_time_unix_nano: int
    start_time: str
    attribute_types: str | None
    attributes: str
