# SPDX-License-Identifier: Apache-2.0
"""`/metrics` says what the file says, in a form that Prometheus reads, with few series, and at a bounded cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Route

from otel_sqlite_exporter.server.prometheus import metric_values, telemetry_collector
from otel_sqlite_exporter.server.prometheus.metric_values import MetricValues
from otel_sqlite_exporter.server.prometheus.metrics_page import MetricsPage
from otel_sqlite_exporter.server.query_times import BOUNDS_S, QueryTimes, query_times
from otel_sqlite_exporter.settings import resolve_settings
from otel_sqlite_exporter.sql.texts import read_query
from tests.conftest import exporting, make_spans
from tests.guarded_server import request, serving
from tests.sample_points import encode_points, make_points, write_points

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
Scrape = Callable[[], Samples]
SERVICE = "unknown_service:python"
USAGE: dict[str, Any] = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 34, "gen_ai.usage.cost": 0.5}


def call(model: str, **attributes: Any) -> list[ReadableSpan]:
    return make_spans("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": model, **attributes})


@contextmanager
def page(values: MetricValues) -> Iterator[Callable[..., tuple[str, str]]]:
    application = Starlette(routes=[Route("/metrics", MetricsPage(values).answer)])
    with serving(application) as port:

        def scrape(accept: str = "text/plain") -> tuple[str, str]:
            answer = request(port, "/metrics", "GET", None, {"host": "localhost", "accept": accept})
            assert answer.status == 200
            return answer.headers["content-type"], answer.body.decode()

        yield scrape


@pytest.fixture
def scrape(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scrape]:
    monkeypatch.setattr(metric_values, "_KEPT_S", 0.0)
    monkeypatch.setattr(metric_values, "_SHARE", 0)
    with page(MetricValues(resolve_settings(path))) as ask:
        yield lambda: read_samples(ask()[1])


def read_samples(text: str) -> Samples:
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    found = {(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples}
    assert len(found) == len(samples)
    return found


def get(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"otel_sqlite_{name}", tuple(sorted(labels.items()))]


def test_a_server_without_a_file_yet_says_so(scrape: Scrape, path: Path) -> None:
    assert get(scrape(), "metrics_complete") == 0
    with exporting(path) as exporter:
        exporter.export(make_spans("one"))
    assert get(scrape(), "metrics_complete") == 1


def test_the_numbers_are_those_of_the_file(scrape: Scrape, path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(call("gpt-4o-mini", **USAGE) + call("gpt-4o-mini", **USAGE))
        exporter.export(call("other", **{"error.type": "timeout"}))
        exporter.export(
            make_spans("tool", attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"})
        )
        samples = scrape()
        one = {"model": "gpt-4o-mini", "service": SERVICE}
        assert get(samples, "calls_total", **one) == 2
        assert get(samples, "call_errors_total", **one) == 0
        assert get(samples, "call_errors_total", model="other", service=SERVICE) == 1
        assert get(samples, "tokens_total", type="input", **one) == 24
        assert get(samples, "tokens_total", type="output", **one) == 68
        pairs = {"operation": "chat", "service": SERVICE}
        assert get(samples, "pair_duration_seconds_count", **pairs) == 3
        assert get(samples, "pair_duration_seconds_bucket", le="+Inf", **pairs) == 3
        assert get(samples, "pair_duration_seconds_count", operation="execute_tool", service=SERVICE) == 1
        assert get(samples, "pair_duration_seconds_count", operation="span internal", service=SERVICE) == 4
        assert get(samples, "linked_records_total", method="span") == 8
        assert get(samples, "orphans", phase="start") == 0
        exporter.export(call("other", **USAGE))
        assert get(scrape(), "calls_total", model="other", service=SERVICE) == 2


def test_points_and_series_are_counted(scrape: Scrape, path: Path) -> None:
    points = encode_points(make_points(3))
    write_points(path, points)
    written = len(points)
    samples = scrape()
    assert get(samples, "metrics", service="shop") == 7
    assert get(samples, "metric_series", service="shop") == 9
    assert get(samples, "metric_points_total", outcome="written") == written
    assert get(samples, "metric_points_total", outcome="refused") == 0
    write_points(path, points)
    assert get(scrape(), "metric_points_total", outcome="written") == written


def test_keys_are_new_only_after_the_first_look(scrape: Scrape, path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("one", attributes={"a.key": "x", "another": 1}))
        first = scrape()
        assert get(first, "attribute_keys", service=SERVICE) == 2
        assert get(first, "new_attribute_keys_total", service=SERVICE) == 0
        assert get(first, "attribute_bytes_total", service=SERVICE, key="a.key") == len("a.key") + 1
        exporter.export(make_spans("two", attributes={"a.key": "x", "third": "yz"}))
        second = scrape()
        assert get(second, "attribute_keys", service=SERVICE) == 3
        assert get(second, "new_attribute_keys_total", service=SERVICE) == 1
        assert get(second, "attribute_bytes_total", service=SERVICE, key="a.key") == 2 * (len("a.key") + 1)


def test_many_and_hostile_names_are_few_series(scrape: Scrape, path: Path) -> None:
    hostile = ['"}\n# HELP evil x\nevil 1', "\\", "\x00\x1b[31m", "x" * 10_000, "é" * 200, "\u2028"]
    with exporting(path) as exporter:
        for number in range(120):
            exporter.export(call(f"model-{number}", **(USAGE | {f"key {number}": number})))
        for name in hostile:
            exporter.export(call(name, **{name: name}))
    samples = scrape()
    names = {name for name, _ in samples}
    assert all(name.startswith("otel_sqlite_") for name in names)
    calls = {labels: value for (name, labels), value in samples.items() if name == "otel_sqlite_calls_total"}
    assert len(calls) == 51
    assert sum(calls.values()) == 126
    assert get(samples, "calls_total", model="(other)", service="(other)") == 76
    assert len([1 for name, _ in samples if name == "otel_sqlite_attribute_bytes_total"]) == 51
    assert max(len(value) for _, labels in samples for _, value in labels) <= 101
    assert len(samples) < 2_000


def test_shown_labels_stay(scrape: Scrape, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = telemetry_collector.ShownLabels(2)
    first: list[dict[str, Any]] = [{"a": "x", "n": 3}, {"a": "y", "n": 2}, {"a": "z", "n": 1}]
    assert labels.fold(first, ("a",), ("n",)) == {("x",): {"n": 3}, ("y",): {"n": 2}, ("(other)",): {"n": 1}}
    later: list[dict[str, Any]] = [{"a": "z", "n": 9}, {"a": "x", "n": 3}, {"a": "y", "n": None}]
    assert labels.fold(later, ("a",), ("n",)) == {("(other)",): {"n": 9}, ("x",): {"n": 3}, ("y",): {"n": 0}}


def test_times_of_queries_are_shown_by_route_and_report(scrape: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_steps", "_seconds"):  # those of other tests of this process are left out
        monkeypatch.setattr(query_times, name, {})
    query_times.observe("/api/v1/reports/{name}", 0.02, "tokens")
    query_times.observe("/api/v1/reports/{name}", 99.0, "tokens")
    samples = scrape()
    labels = {"route": "/api/v1/reports/{name}", "report": "tokens"}
    assert get(samples, "query_duration_seconds_count", **labels) == 2
    assert get(samples, "query_duration_seconds_bucket", le="0.025", **labels) == 1
    assert get(samples, "query_duration_seconds_sum", **labels) == pytest.approx(99.02)
    many = QueryTimes()
    for number in range(300):
        many.observe(f"/{number}", BOUNDS_S[0])
    assert len(many.read()) == 201
    assert sum(time.steps[0] for time in many.read()) == 300


def test_openmetrics_is_spoken_where_it_is_asked_for(path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(call("gpt-4o-mini", **USAGE))
    with page(MetricValues(resolve_settings(path))) as ask:
        content_type, text = ask("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {"otel_sqlite_calls", "otel_sqlite_orphans"}


def test_a_slow_look_is_not_waited_for_and_one_of_an_unchanged_file_is_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(path) as exporter:
        exporter.export(call("one"))
        values = MetricValues(resolve_settings(path))
        values.look()
        assert values.is_complete
        assert not values.is_due()
        values.took_s = 1e6  # as of a file of many million spans
        monkeypatch.setattr(values, "is_due", lambda: True)
        before = values.rows["sum_calls_by_model"]
        values.look()
        assert values.rows["sum_calls_by_model"] is before
        exporter.export(call("two"))
        with page(values) as ask:
            at_once = read_samples(ask()[1])
            assert ("otel_sqlite_calls_total", (("model", "two"), ("service", SERVICE))) not in at_once
            until = time.monotonic() + 20
            while len(values.rows["sum_calls_by_model"]) < 2 and time.monotonic() < until:
                time.sleep(0.01)
        assert len(values.rows["sum_calls_by_model"]) == 2


def test_a_query_that_takes_too_long_leaves_the_rest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(path) as exporter:
        exporter.export(call("one"))
    values = MetricValues(resolve_settings(path))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    texts = {"count_pair_durations": endless}
    monkeypatch.setattr(metric_values, "read_query", lambda name: texts.get(name) or read_query(name))
    monkeypatch.setattr(metric_values, "_LONGEST_QUERY_S", 0.05)
    values.look()
    assert not values.is_complete
    assert [row["calls"] for row in values.rows["sum_calls_by_model"]] == [1]
    assert values.rows["count_pair_durations"] == []
