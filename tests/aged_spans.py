# SPDX-License-Identifier: Apache-2.0
"""Records of some days ago, for tests of what is removed by its age."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

DAY_NS = 86_400 * 10**9
NOW_NS = time.time_ns()
_SCOPE = InstrumentationScope("tests")
_numbers = count(1)


def aged_span(
    name: str,
    days: float,
    *,
    trace: int | None = None,
    session: str | None = None,
    failed: bool = False,
    service: str = "shop",
    scope: str = "tests",
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> ReadableSpan:
    """A span that ended so many days ago, after a second. Without `trace`, it is one of its own."""
    number = next(_numbers)
    trace = number << 64 | 1 if trace is None else trace
    end = NOW_NS - int(days * DAY_NS)
    named = {} if session is None else {"session.id": session}
    return ReadableSpan(
        name=name,
        context=SpanContext(trace, number, False, TraceFlags(1)),
        parent=None,
        resource=Resource({"service.name": service}),
        attributes={**named, **attributes},
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR) if failed else Status(StatusCode.UNSET),
        start_time=end - 10**9,
        end_time=end,
        instrumentation_scope=InstrumentationScope(scope),
    )


def aged_call(name: str, days: float, *, tokens: int, model: str = "m-1", user: str | None = None, **rest: Any) -> Any:
    """A model call that ended so many days ago."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 1,
    }
    if user is not None:
        attributes["user.id"] = user
    return aged_span(name, days, attributes=attributes | rest.pop("attributes", {}), **rest)


def aged_log(body: str, days: float, *, session: str | None = None, service: str = "shop") -> ReadableLogRecord:
    """A log record without a trace, of so many days ago."""
    time_ns = NOW_NS - int(days * DAY_NS)
    named = {} if session is None else {"session.id": session}
    record = LogRecord(timestamp=time_ns, observed_timestamp=time_ns, body=body, attributes=named)
    return ReadableLogRecord(record, Resource({"service.name": service}), _SCOPE)
