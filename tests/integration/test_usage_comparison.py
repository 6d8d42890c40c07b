# SPDX-License-Identifier: Apache-2.0
"""Metrics and calls of the same work are compared over the time that both cover: those of captured agents agree, and
what one of them lacks is named by `doctor` in a sentence that says what to do."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.util.types import AnyValue

from otel_sqlite_exporter.maintain.doctor import diagnose
from otel_sqlite_exporter.model.metric_records.metric_signals import (
    CUMULATIVE,
    DELTA,
    DistributionFields,
    InstrumentFields,
    PointFields,
)
from otel_sqlite_exporter.query.metered.usage_comparison import UsageComparison, compare_usage
from otel_sqlite_exporter.settings import resolve_settings
from tests.conftest import exporting
from tests.integration.test_agent_usage import LIVE
from tests.metric_files import at, counter, histogram, make_point, write_points
from tests.otlp_captures.capture_files import import_batches, read_capture

DAY = 86_400


def compare(path: Path) -> list[UsageComparison]:
    with closing(sqlite3.connect(path)) as connection:
        return [*compare_usage(connection)]


def advise(path: Path) -> list[tuple[str, str]]:
    """What `doctor` says of metrics and calls."""
    return [(one.what, one.remedy) for one in diagnose(resolve_settings(path)) if one.check == "usage"]


def _drop_metrics(line: dict[str, Any]) -> bool:
    return "resourceMetrics" not in line


def _drop_calls(line: dict[str, Any]) -> bool:
    return "resourceMetrics" in line


def _import(path: Path, name: str, keep: Callable[[dict[str, Any]], bool] = lambda line: True) -> None:
    lines = [line for line in read_capture(f"live-{name}").lines if keep(json.loads(line))]
    import_batches(path, [lines])


@pytest.mark.parametrize("name", LIVE)
def test_metrics_and_calls_of_a_captured_agent_agree(name: str, path: Path) -> None:
    _import(path, name)
    compared = compare(path)
    assert {one.measure for one in compared} >= {"input_tokens", "output_tokens"}
    assert [one for one in compared if one.metered != pytest.approx(one.recorded)] == []
    assert advise(path) == []


@pytest.mark.parametrize("keep", [_drop_metrics, _drop_calls], ids=["without metrics", "without calls"])
@pytest.mark.parametrize("name", LIVE)
def test_one_of_both_alone_says_nothing(name: str, keep: Callable[[dict[str, Any]], bool], path: Path) -> None:
    _import(path, name, keep)
    assert compare(path) == []
    assert advise(path) == []


Call = tuple[float, int, int]
"""A call: seconds after the epoch of the tests at which it ends, tokens of its input and its output."""


def write_calls(
    path: Path, calls: Iterable[Call], more: Mapping[str, AnyValue] | None = None, *, first: int = 1
) -> None:
    spans = []
    for number, (end, tokens, answered) in enumerate(calls, first):
        told: dict[str, AnyValue] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "unpriced-model",
            "gen_ai.usage.input_tokens": tokens,
            "gen_ai.usage.output_tokens": answered,
        }
        spans.append(
            ReadableSpan(
                name="chat",
                context=SpanContext(number + at(0), number, False, TraceFlags(1)),
                resource=Resource({"service.name": "shop"}),
                attributes={**told, **(more or {})},
                start_time=at(end - 2),
                end_time=at(end),
            )
        )
    with exporting(path) as exporter:
        exporter.export(spans)


def meter(
    calls: Sequence[Call], *, interval: float = 60, temporality: str = DELTA, until: float | None = None, **more: Any
) -> list[PointFields]:
    """The points that an SDK exports of calls, each `interval` seconds, up to the last call or `until`."""
    times = [end for end, *_ in calls]
    last = max(times) + interval if until is None else until
    points = []
    for place, kind in ((1, "input"), (2, "output")):
        total, count, begin = 0, 0, min(times) - 1
        tick = begin + interval
        while tick <= last:
            new = [call for call in calls if tick - interval < call[0] <= tick]
            is_delta = temporality == DELTA
            total = sum(int(call[place]) for call in new) + (0 if is_delta else total)
            count = len(new) + (0 if is_delta else count)
            if count:
                start = tick - interval if is_delta else begin
                points.append(_make_usage(kind, tick, start, temporality, count, total, more))
            tick += interval
    return points


def _make_usage(
    kind: str, time: float, start: float, temporality: str, count: int, total: int, more: dict[str, Any]
) -> PointFields:
    return make_point(
        histogram("gen_ai.client.token.usage", temporality, unit="{token}"),
        time,
        start=start,
        attributes={"gen_ai.token.type": kind, "gen_ai.request.model": "unpriced-model", **more.get("attributes", {})},
        distribution=DistributionFields(count, float(total)),
        **{key: value for key, value in more.items() if key != "attributes"},
    )


def many(seconds: Iterable[float]) -> list[Call]:
    return [(second, 1_000 + number, 100 + number) for number, second in enumerate(seconds)]


EVERY_10_S = many(range(10, 3_600, 10))


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
@pytest.mark.parametrize("interval", [5, 60, 300])
def test_equal_work_compares_equal(temporality: str, interval: float, path: Path) -> None:
    write_calls(path, EVERY_10_S)
    write_points(path, meter(EVERY_10_S, interval=interval, temporality=temporality))
    assert [(one.metered, one.recorded) for one in compare(path)] == [
        (sum(call[place] for call in EVERY_10_S),) * 2 for place in (1, 2)
    ]


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
def test_days_of_a_service_are_compared_by_the_times_of_their_points(temporality: str, path: Path) -> None:
    """A call before midnight is in a point after midnight."""
    calls = many(range(600, 3 * DAY, 1_000))
    write_calls(path, calls)
    write_points(path, meter(calls, interval=400, temporality=temporality))
    compared = [one for one in compare(path) if one.measure == "input_tokens"]
    assert [one.date for one in compared] == ["2023-11-14", "2023-11-15", "2023-11-16", "2023-11-17"]
    assert [one for one in compared if one.metered != one.recorded] == []
    assert sum(one.metered for one in compared) == sum(tokens for _, tokens, _ in calls)


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
@pytest.mark.parametrize(("first", "last"), [(0, 1_800), (1_800, 3_600), (1_200, 2_400)])
def test_only_the_time_of_both_is_compared(temporality: str, first: int, last: int, path: Path) -> None:
    """Metrics, or traces, were switched on later, or off earlier: by a restart of the program."""
    some = [call for call in EVERY_10_S if first <= call[0] < last]
    write_calls(path, EVERY_10_S)
    write_points(path, meter(some, temporality=temporality))
    assert advise(path) == []
    assert compare(path)


@pytest.mark.parametrize(("first", "last"), [(0, 1_800), (1_800, 3_600)])
def test_metrics_of_times_without_traces_are_not_compared(first: int, last: int, path: Path) -> None:
    write_calls(path, [call for call in EVERY_10_S if first <= call[0] < last])
    write_points(path, meter(EVERY_10_S, interval=10))
    assert advise(path) == []
    assert compare(path)


def test_sampled_traces_are_named(path: Path) -> None:
    write_calls(path, EVERY_10_S[::4])
    write_points(path, meter(EVERY_10_S))
    ((what, remedy),) = advise(path)
    assert what.startswith("metrics and calls of shop differ in 1 of 1 day: most on 2023-11-14, where the metrics say ")
    assert "input_tokens of unpriced-model, and the calls " in what
    assert remedy == (
        "if traces are sampled, or spans were lost or deleted, the metrics are right: "
        f"`python -m otel_sqlite_exporter report agents-usage {path}` has their sums"
    )


def test_lost_metrics_are_named(path: Path) -> None:
    """A process is killed now and then, before it exports the last minutes."""
    write_calls(path, EVERY_10_S)
    points = [point for point in meter(EVERY_10_S) if (point.time - at(0)) // 10**9 % 600 < 400]
    write_points(path, points)
    ((what, remedy),) = advise(path)
    assert "shop differ in 1 of 1 day" in what
    assert remedy.startswith("if a process was killed, its last metrics are lost, and the calls are right; else")


def test_a_call_that_two_instrumentations_measure_is_named(path: Path) -> None:
    write_calls(path, EVERY_10_S)
    twice = [point._replace(scope=point.scope._replace(name="other")) for point in meter(EVERY_10_S)]
    write_points(path, [*meter(EVERY_10_S), *twice])
    ((_, remedy),) = advise(path)
    assert remedy == "two instrumentations seem to measure the same calls: keep one of them; the calls are right"


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("gen_ai.usage.cache_read.input_tokens", 0),
        ("gen_ai.usage.cache_creation.input_tokens", 0),
        ("gen_ai.usage.reasoning.output_tokens", 1),
    ],
)
def test_tokens_that_a_metric_leaves_out_do_not_differ(part: str, place: int, path: Path) -> None:
    """Some count cached or reasoning tokens apart, and others do not count them."""
    write_calls(path, [(10, 1_000, 500), (20, 2_000, 400)], {part: 200})
    counted = [(10, 800, 500), (20, 1_800, 400)] if place == 0 else [(10, 1_000, 300), (20, 2_000, 200)]
    write_points(path, meter(counted))
    assert [one.metered == one.recorded for one in compare(path)] == [True, True]
    assert advise(path) == []


def test_failed_attempts_do_not_differ(path: Path) -> None:
    """A retry is a call without usage, and is measured without tokens."""
    write_calls(path, EVERY_10_S)
    with exporting(path) as exporter:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "error.type": "429"}
        context = SpanContext(5, 5, False, TraceFlags(1))
        resource = Resource({"service.name": "shop"})
        span = ReadableSpan("chat", context, resource=resource, attributes=attributes, start_time=at(5), end_time=at(6))
        exporter.export([span])
    write_points(path, meter(EVERY_10_S))
    assert [one.metered == one.recorded for one in compare(path)] == [True, True]


def test_sessions_are_compared_one_by_one(path: Path) -> None:
    """In the sum of both, what one lacks and what the other has too much would cancel out."""
    for first, session in ((1, "a"), (11, "b")):
        named = {"session.id": session}
        calls = [(10.0, 1_000, 10), (20.0, 2_000, 10)]
        measured = calls[:1] if session == "a" else [(10.0, 2_000, 10)]
        write_calls(path, calls if session == "a" else calls[:1], named, first=first)
        write_points(path, meter(measured, until=100, attributes=named))
    compared = {one.session_id: [one.metered, one.recorded] for one in compare(path) if one.measure == "input_tokens"}
    assert compared == {"a": [1_000, 3_000], "b": [2_000, 1_000]}
    assert len(advise(path)) == 2


def test_another_price_is_named_only_if_the_tokens_agree(path: Path) -> None:
    write_calls(path, [(10, 1_000, 10)], {"gen_ai.usage.cost": 0.5, "session.id": "s"})

    def send(cost: float, tokens: int) -> list[PointFields]:
        named = {"session.id": "s", "model": "unpriced-model"}
        return [
            make_point(_make("claude_code.cost.usage"), 60, cost, start=0, attributes=named),
            make_point(_make("claude_code.token.usage"), 60, tokens, start=0, attributes={**named, "type": "input"}),
        ]

    write_points(path, send(0.9, 1_000))
    assert any(one.measure == "cost_usd" for one in compare(path))
    ((what, remedy),) = advise(path)
    assert "the metrics say 0.9 cost_usd of unpriced-model, and the calls 0.5" in what
    assert remedy.startswith("the tokens agree, so their prices differ: compare ")


def _make(name: str) -> InstrumentFields:
    return counter(name, DELTA)
