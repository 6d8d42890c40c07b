# SPDX-License-Identifier: Apache-2.0
"""The shapes of `data` in the answers of the API. Rows of views refer to the shapes of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_sqlite_exporter.query.aggregates.agent_list import AgentSummary
from otel_sqlite_exporter.query.aggregates.service_calls import ServiceCalls
from otel_sqlite_exporter.query.askable_views import ASKABLE_VIEWS, AskableView
from otel_sqlite_exporter.query.metric_series.metric_summaries import ExemplarSummary, MetricSummary
from otel_sqlite_exporter.query.search import SearchHit
from otel_sqlite_exporter.query.summaries import LLMInteractionSummary, ToolInteractionSummary, TraceSummary
from otel_sqlite_exporter.query.timeline import TimelineStep
from otel_sqlite_exporter.server.api.description.json_shapes import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Schema,
    allow_null,
    refer,
    shape_list,
    shape_map,
    shape_object,
    shape_rows,
)

_NAMED = (
    *(view.row_type for view in ASKABLE_VIEWS),
    *(AgentSummary, ServiceCalls, SearchHit, TimelineStep, MetricSummary, ExemplarSummary),
)
PROBLEM = shape_object(
    {
        **{"type": TEXT, "title": TEXT, "status": INTEGER, "detail": TEXT, "argument": TEXT},
        "position": INTEGER | {"description": "The character of the argument where the fault is, from 0."},
    },
    optional=("argument", "position"),
)
COMPONENTS: Mapping[str, Schema] = {
    **{row_type.__name__: shape_rows(row_type) for row_type in _NAMED},
    "Problem": PROBLEM,
}
"""Shapes by name."""


def list_of(row_type: type[Any]) -> Schema:
    """Return the shape of rows of a class."""
    return shape_list(refer(row_type.__name__))


def one_of(view: AskableView[Any]) -> Schema:
    """Return the shape of a row of a view."""
    return refer(view.row_type.__name__)


def _columns(names: Mapping[str, Schema]) -> Schema:
    return shape_object({name: shape_list(items) for name, items in names.items()})


_INT, _FLOAT, _STRING = allow_null(INTEGER), allow_null(NUMBER), allow_null(TEXT)
ROWS = shape_list(shape_map(ANY))
STEPS = list_of(TimelineStep)
AGENTS = list_of(AgentSummary)
SERVICES = list_of(ServiceCalls)
HITS = list_of(SearchHit)
OVERVIEW = shape_object(
    {
        **{"path": TEXT, "schema_version": INTEGER, "package_schema_version": INTEGER},
        **{"file_bytes": INTEGER, "wal_bytes": INTEGER},
        "contents": {"anyOf": [shape_map(ANY), {"type": "null"}]},
    }
)
HEALTH = shape_object(
    {
        "receiver": shape_object({"totals": ROWS, "sources": ROWS}),
        "exporter_totals": shape_map(ANY),
        "exporters": ROWS,
        "spool": shape_object({"batches": INTEGER, "bytes": INTEGER}),
        "quarantined": INTEGER,
        "last_removal": {"anyOf": [shape_map(ANY), {"type": "null"}]},
        "problems": shape_list(shape_object({"check": TEXT, "severity": TEXT, "what": TEXT, "remedy": TEXT})),
    }
)
CONVERSATION = shape_object(
    {
        **{"kind": TEXT, "id": TEXT, "trace_id": _STRING},
        "running": {"anyOf": [shape_map(ANY), {"type": "null"}]},
        "turns": shape_list(shape_object({"kind": TEXT, "start_time": TEXT})),
    }
)
SKELETON = shape_object(
    {
        "trace": refer(TraceSummary.__name__),
        "start_time_unix_nano": INTEGER,
        "texts": shape_map(shape_list(_STRING)),
        "spans": _columns(
            {
                **{"id": INTEGER, "span_id": TEXT, "parent": _INT, "depth": INTEGER, "name": INTEGER},
                **{"kind": INTEGER, "role": INTEGER, "service": INTEGER, "status": INTEGER, "start_ns": INTEGER},
                **{"duration_ns": INTEGER, "self_ns": INTEGER, "critical_ns": _INT},
            }
        ),
        "missing_parents": _columns({"span": INTEGER, "span_id": TEXT}),
        "llm_interactions": _columns(
            {
                **{"span": _INT, "id": INTEGER, "operation": INTEGER, "provider": INTEGER, "model": INTEGER},
                **{"status": INTEGER, "counted": INTEGER, "is_aggregate": INTEGER, "input_tokens": _INT},
                **{"output_tokens": _INT, "total_tokens": _INT, "cost_usd": _FLOAT, "is_unpriced": INTEGER},
                "duration_ms": _FLOAT,
            }
        ),
        "tool_interactions": _columns(
            {
                **{"span": _INT, "id": INTEGER, "tool_name": INTEGER, "status": INTEGER, "counted": INTEGER},
                **{"duration_ms": _FLOAT, "waiting_ms": _FLOAT},
            }
        ),
        "marks": _columns({"span": INTEGER, "at_ns": INTEGER, "kind": INTEGER}),
        "links": _columns({"span": INTEGER, "count": INTEGER}),
    }
)
_SPAN_PARTS = {
    "events": shape_list(shape_object({"name": TEXT, "start_time_unix_nano": INTEGER, "attributes": ANY})),
    "links": shape_list(shape_object({"linked_trace_id": TEXT, "linked_span_id": TEXT, "attributes": ANY})),
    "llm_interactions": list_of(LLMInteractionSummary),
    "tool_interactions": list_of(ToolInteractionSummary),
}
SPAN: Schema = {"allOf": [refer("SpanSummary"), shape_object(_SPAN_PARTS)]}
SUBTREE = shape_object(
    {
        "trace_id": TEXT,
        "spans": shape_list(
            shape_object(
                {
                    **{"depth": INTEGER, "span_id": TEXT, "name": TEXT, "role": TEXT, "service": TEXT, "status": TEXT},
                    **{"status_description": TEXT, "start_ms": NUMBER, "duration_ms": NUMBER, "self_ms": NUMBER},
                    **{"critical_ms": NUMBER, "recorded": TEXT, "tokens": INTEGER, "cost_usd": NUMBER},
                    "attributes": ANY,
                },
                optional=("status_description", "critical_ms", "recorded", "tokens", "cost_usd", "attributes"),
            )
        ),
    }
)
OTLP: Schema = {
    "type": "object",
    "properties": {"resourceSpans": shape_list(ANY), "resourceLogs": shape_list(ANY)},
    "minProperties": 1,
    "maxProperties": 1,
}
FACETS = shape_object(
    {
        "rows": INTEGER,
        "facets": shape_list(
            shape_object(
                {
                    "field": TEXT,
                    "values": shape_list(shape_object({"value": ANY, "count": INTEGER})),
                    "others": INTEGER,
                }
            )
        ),
    }
)
FIELDS = shape_list(
    shape_object({"name": TEXT, "type": TEXT, "meaning": TEXT, "choices": shape_list(TEXT), "facet": _STRING})
)
COMPARISON = shape_object(
    {
        "session_ids": shape_list(TEXT),
        "measures": shape_map(shape_object({"a": _FLOAT, "b": _FLOAT})),
        "tools": shape_map(shape_object({"a": INTEGER, "b": INTEGER})),
        "steps": shape_list(TEXT),
        "exceeded": shape_list(TEXT),
    }
)
STATEMENT = shape_object({"columns": shape_list(TEXT), "rows": shape_list(shape_list(ANY))})
STATEMENT_BODY = {
    "type": "object",
    "properties": {
        "sql": TEXT | {"description": "One SELECT."},
        "parameters": {
            "anyOf": [{"type": "array"}, {"type": "object"}, {"type": "null"}],
            "description": "What it binds: an array for ?, an object for :name.",
        },
        "limit": {"type": "integer", "minimum": 1, "maximum": 5_000, "default": 500},
        "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 30, "default": 1},
    },
    "required": ["sql"],
    "additionalProperties": False,
}
CHANGES = shape_object(
    {
        **{"spans": ROWS, "llm_interactions": ROWS, "tool_interactions": ROWS, "logs": ROWS},
        **{"points": INTEGER, "truncated": BOOLEAN},
    }
)
