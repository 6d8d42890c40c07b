# SPDX-License-Identifier: Apache-2.0
"""Recognises files of other systems that hold traces, but less than OTLP does: they are refused with a way to get all.
Pure."""

from __future__ import annotations

import re
from typing import Any

_LANGFUSE_TYPES = ("SPAN", "GENERATION", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EMBEDDING", "EVALUATOR")
_PRINTED_BY_NODE = re.compile(
    r"\s*\[?\s*\{\s*(?:resource|instrumentationScope|traceId|parentId|parentSpanContext|hrTime|timestamp): "
)


def is_langfuse(value: dict[str, Any]) -> bool:
    """Whether this is a trace or an observation of Langfuse."""
    if isinstance(value.get("observations"), list) and "id" in value:
        return True
    return value.get("type") in _LANGFUSE_TYPES and value.keys() >= {"id", "traceId", "startTime"}


def is_langsmith(value: dict[str, Any]) -> bool:
    """Whether this is a run of LangSmith."""
    return value.keys() >= {"run_type", "start_time"} and "inputs" in value


def is_zipkin(value: dict[str, Any]) -> bool:
    """Whether this is a span of Zipkin, version 1 or 2."""
    return value.keys() >= {"traceId", "id"} and "spanId" not in value


def is_jaeger(value: dict[str, Any]) -> bool:
    """Whether this is a trace of Jaeger's UI or of its older interface, or a span of one."""
    return "traceID" in value and ("spans" in value or "spanID" in value)


def name_foreign_text(text: str) -> str | None:
    """Return what to do about a text that is no JSON but looks like a known program's; None: it is of none."""
    if _PRINTED_BY_NODE.match(text):
        return (
            "is what JavaScript's console exporter prints, which is no JSON: write OTLP instead, as "
            "`@opentelemetry/exporter-trace-otlp-http` and a Collector with a `file` exporter do"
        )
    return None
