# SPDX-License-Identifier: Apache-2.0
"""The columns of each model, as mixins. `columns.pyi` gives their types to type checkers; `make columns` writes it."""

from __future__ import annotations

from otel_sqlite_exporter.orm.base import map_columns
from otel_sqlite_exporter.query import summaries
from otel_sqlite_exporter.query.scored.score_rows import ScoreSummary

SessionColumns = map_columns(summaries.SessionSummary, "session_id")
TraceColumns = map_columns(summaries.TraceSummary, "trace_id")
SpanColumns = map_columns(summaries.SpanSummary, "trace_id", "span_id", "kind")
EventColumns = map_columns(summaries.EventSummary, "id")
LogColumns = map_columns(summaries.LogSummary, "id")
ScoreColumns = map_columns(ScoreSummary, "id")
LLMInteractionColumns = map_columns(summaries.LLMInteractionSummary, "id")
ToolInteractionColumns = map_columns(summaries.ToolInteractionSummary, "id")
