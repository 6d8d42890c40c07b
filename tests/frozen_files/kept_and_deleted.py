# SPDX-License-Identifier: Apache-2.0
"""Pins, notes and scores; sums of what was removed; and a deletion that was stopped."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from otel_sqlite_exporter import Annotations
from otel_sqlite_exporter.maintain.deletion.deletion_rule import DeletionRule
from otel_sqlite_exporter.maintain.deletion.deletion_run import delete_records
from otel_sqlite_exporter.model.event_names import SCORE_EVENT
from otel_sqlite_exporter.retention.prune import prune
from otel_sqlite_exporter.retention.retention_rules import RetentionRules
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting
from tests.sample_points import encode_points, make_points, write_points
from tests.sample_traces import NOON_NS

_CALL: dict[str, Any] = {
    **{"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.agent.name": "clerk"},
    **{"gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06", "user.id": "ada"},
    **{"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.total_tokens": 14},
    **{"gen_ai.usage.cache_read.input_tokens": 2, "gen_ai.usage.cache_creation.input_tokens": 3},
    **{"gen_ai.usage.reasoning.output_tokens": 1, "cost_usd": 0.25},
}
_SCORE: dict[str, Any] = {
    **{"gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.value": 0.5},
    **{"gen_ai.evaluation.score.label": "fair", "gen_ai.evaluation.explanation": "half of it"},
    **{"gen_ai.response.id": "resp-1", "error.type": "timeout"},
}


class StoppedError(Exception):
    """Stops a deletion."""


def keep_and_delete(path: Path) -> None:
    """Write to the file what keeps records, and remove some."""
    with exporting(path) as exporter:
        exporter.export([_span(1, "kept"), _span(2, "pruned"), _span(3, "deleted")])
    annotations = Annotations(path)
    annotations.pin(session_id="kept", label="for ever")
    annotations.note("worth a look", trace_id=f"{1:032x}")
    annotations.score("Tone", 1.0, session_id="kept")
    settings = resolve_settings(path)
    prune(settings, RetentionRules(older_than_s=1.0, services=("pruned",), keep_users=True))
    named = {"session.id": "deleted"}
    write_points(path, encode_points(one._replace(attributes={**one.attributes, **named}) for one in make_points(2)))
    with suppress(StoppedError):
        delete_records(settings, DeletionRule(sessions=("deleted",), since=1, until=2 * NOON_NS), progress=_stop)


def _span(number: int, name: str) -> ReadableSpan:
    return ReadableSpan(
        name,
        SpanContext(number, number, False, TraceFlags(1)),
        None,
        Resource({"service.name": name}),
        _CALL | {"session.id": name},
        [Event(SCORE_EVENT, _SCORE, NOON_NS)],
        start_time=NOON_NS,
        end_time=NOON_NS + 10**9,
    )


def _stop(what: str, done: int, of: int | None) -> None:
    raise StoppedError
