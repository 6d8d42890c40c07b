# SPDX-License-Identifier: Apache-2.0
"""Messages with anything anywhere: each record is stored, or goes to quarantine by itself, and the counters add up."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from otel_sqlite_exporter.receive.requests import INVALID_IDS, UNREADABLE, UNREADABLE_HOLDER, BadRequestError
from tests.conftest import health, read
from tests.received import NOON_NS, make_log, make_message, make_request, make_span, receiving, source

_MESSAGES = 400
_CALL = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
_ATTRIBUTES = [
    {"key": "session.id", "value": {"stringValue": "one"}},
    {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
    {"key": "gen_ai.input.messages", "value": {"stringValue": _CALL}},
    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}},
]
_ODD: list[Any] = [
    *(None, True, 5, -1, 2**70, 1e400, float("nan"), "x", "a\0b", "\ud800", "9" * 5_000),
    *([], {}, [[]], [None], {"a": 1}, {"key": None}, {"bytesValue": "!!"}, {"intValue": "1e5"}, {"doubleValue": "NaN"}),
]


def make_base(signal: str, number: int) -> dict[str, Any]:
    link = {"traceId": "1" * 32, "spanId": "2" * 16}
    if signal == "metrics":
        return make_metrics(number, link)
    event = {"name": "exception", "timeUnixNano": "5", "attributes": _ATTRIBUTES}
    if signal == "logs":
        log = {"attributes": _ATTRIBUTES, "severityNumber": 9, "eventName": "step.start"} | link
        return make_message(signal, *(make_log("text", **log) for _ in range(3)))
    fields: dict[str, Any] = {"attributes": _ATTRIBUTES, "events": [event], "links": [link]}
    fields |= {"status": {"code": 2, "message": "no"}, "parentSpanId": "3" * 16, "kind": 2}
    return make_message("traces", *(make_span(3 * number + place + 1, **fields) for place in range(3)))


def make_metrics(number: int, link: dict[str, Any]) -> dict[str, Any]:
    """A metric of each kind, with all that its points can have."""
    exemplar = {"timeUnixNano": "5", "asDouble": 1.5, "filteredAttributes": _ATTRIBUTES} | link
    shared: dict[str, Any] = {"timeUnixNano": str(NOON_NS + number), "startTimeUnixNano": str(NOON_NS), "flags": 0}
    shared |= {"attributes": _ATTRIBUTES, "exemplars": [exemplar]}
    sums = {"count": "3", "sum": 1.5, "min": 0.5, "max": 1}
    buckets = {"offset": -1, "bucketCounts": ["1", 0]}
    exponential = {"scale": 3, "zeroCount": "1", "zeroThreshold": 0.1, "positive": buckets, "negative": buckets}
    data: dict[str, list[Any]] = {
        "gauge": [shared | {"asInt": "5"}],
        "sum": [shared | {"asDouble": 5.5}, shared | {"asInt": 7, "attributes": []}],
        "histogram": [shared | sums | {"explicitBounds": [0.5, 1], "bucketCounts": ["1", "1", "1"]}],
        "exponentialHistogram": [shared | sums | exponential],
        "summary": [shared | {"count": 3, "sum": 2, "quantileValues": [{"quantile": 0.5, "value": 1.5}]}],
    }
    held: dict[str, Any] = {"aggregationTemporality": 2, "isMonotonic": True}
    metrics = [
        {"name": kind, "unit": "s", "metadata": _ATTRIBUTES, kind: {"dataPoints": points} | held}
        for kind, points in data.items()
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scoped = {"scope": {"name": "meter", "version": "1", "attributes": _ATTRIBUTES}, "metrics": metrics}
    return {
        "resourceMetrics": [{"resource": resource, "scopeMetrics": [scoped], "schemaUrl": "https://schema.example"}]
    }


def spoil(chance: random.Random, value: Any) -> Any:
    """A copy of a value with something odd in it, here and there."""
    if isinstance(value, list):
        return [chance.choice(_ODD) if chance.random() < 0.1 else spoil(chance, item) for item in value]
    if isinstance(value, dict):
        kept = [key for key in value if chance.random() < 0.97]
        return {key: chance.choice(_ODD) if chance.random() < 0.05 else spoil(chance, value[key]) for key in kept}
    return chance.choice(_ODD) if chance.random() < 0.08 else value


@pytest.mark.parametrize("seed", range(3))
def test_what_is_odd_costs_itself_alone(path: Path, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(seed)
    refused = 0
    with receiving(path) as receiver:
        for number in range(_MESSAGES):
            signal = chance.choice(["traces", "traces", "logs", "metrics", "metrics"])
            message = spoil(chance, make_base(signal, number))
            answer = receiver.submit(make_request(signal, message))
            try:
                answer.result()
            except BadRequestError:
                refused += 1
    assert refused < _MESSAGES / 5
    assert caplog.records == []
    reasons = {reason for (held,) in source(path, "rejected_reasons") for reason in json.loads(held)}
    assert reasons <= {UNREADABLE, UNREADABLE_HOLDER, INVALID_IDS}
    sums = "sum(received), sum(stored), sum(duplicate), sum(rejected)"
    assert source(path, sums) == [health(path, "received", "written", "duplicate", "quarantined")]
    for view in ("metrics", "metric_points", "exemplars"):
        assert read(path, f"SELECT * FROM {view}")
    assert read(path, "PRAGMA integrity_check") == [("ok",)]
