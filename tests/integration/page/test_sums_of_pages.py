# SPDX-License-Identifier: Apache-2.0
"""What pages sum up is what the views say, and their links lead to as many rows: of what real packages record."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.query.reading import TelemetryFile
from otel_sqlite_exporter.query.skeletons.recorded_sums import sum_records
from otel_sqlite_exporter.query.skeletons.trace_skeleton import read_skeleton
from otel_sqlite_exporter.server.page.trace.trace_services import sum_services
from tests.conftest import exporting
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.page_server import PageClient, browsing

CAPTURES = ("crewai-tl", "ag2-native", "live-copilot", "autogen-oi", "bedrock-oi")
"""Agents that tell their usage, calls that others repeat, requests for tools that nothing ran."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("page") / "otel.db"
    for name in CAPTURES:
        import_batches(path, [read_capture(name).lines])
    return path


@pytest.fixture(scope="module")
def page(file: Path) -> Iterator[PageClient]:
    with browsing(file) as client:
        yield client


def _count_rows(page: PageClient, link: str) -> int:
    """The rows of all pages of the list that a link leads to."""
    path = unescape(link)
    answer = page.http.get(f"{path}{'&' if '?' in path else '?'}format=csv")
    assert answer.status_code == 200, answer.text
    return len([*csv.DictReader(io.StringIO(answer.text, newline=""))])


def _read_number(text: str) -> int:
    return int(text.replace(",", ""))


def test_figures_and_days_lead_to_as_many_rows(page: PageClient) -> None:
    html = page.open("/")
    figures = re.findall(r'<a href="(/\w+[^"]*)"><b>([\d,]+)</b>', html)
    days = re.findall(r'<a href="(/calls[^"]*)">[\d-]+</a></th><td[^>]*data-label="calls">([\d,]+)', html)
    assert (len(figures), len(days)) == (6, len(re.findall(r'<tr data-key="\d{4}-', html)))
    for link, number in (*figures, *days):
        assert _count_rows(page, link) == _read_number(number), link


def test_tools_and_failures_lead_to_as_many_rows(page: PageClient) -> None:
    html = page.open("/tools")
    lines = re.findall(r'<a class="clipped"[^>]*href="([^"]+)">.*?data-label="executions">([\d,]+)', html, re.DOTALL)
    failed = re.findall(r'<a class="(?:failures|status-error)" href="([^"]+)">([\d,]+)', html)
    for name in ("sessions", "traces"):
        failed += re.findall(r'<a class="failures" href="([^"]+)">([\d,]+)', page.open(f"/{name}", limit=500))
    assert lines
    assert failed
    for link, number in (*lines, *failed):
        assert _count_rows(page, link) == _read_number(number), link


def test_services_of_a_trace_add_up_to_its_head(file: Path) -> None:
    aggregates = 0
    for trace in TelemetryDatabase(file).find_traces(limit=500):
        skeleton = TelemetryFile(str(file), 5_000).read(read_skeleton, trace.trace_id)
        if trace.llm_calls and None in skeleton.llm_interactions["span"]:
            continue  # a call that no span recorded is of no service
        aggregates += sum(skeleton.llm_interactions["is_aggregate"])
        services = sum_services(skeleton)
        for name, whole in (("spans", trace.spans), ("errors", trace.errors), ("calls", trace.llm_calls)):
            assert sum(getattr(one, name) for one in services) == whole, trace.trace_id
        for column, wanted in (("tokens", trace.total_tokens), ("cost_usd", trace.cost_usd)):
            for told in (services, sum_records(skeleton).values()):
                known = [value for one in told if (value := getattr(one, column)) is not None]
                assert (sum(known) if known else None) == (None if wanted is None else pytest.approx(wanted))
        assert sum(one.unpriced for one in services) == trace.unpriced_calls
    assert aggregates


@pytest.mark.parametrize("models", [("gpt-4o", "nobody-knows"), ("nobody-knows", "gpt-4o"), ("gpt-4o", "gpt-4o")])
def test_a_cost_that_lacks_something_is_marked_wherever_it_is_shown(path: Path, models: tuple[str, ...]) -> None:
    usage: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 9,
    }
    usage["session.id"] = "s"
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("work"):
        for model in models:
            tracer.start_span(model, attributes={**usage, "gen_ai.request.model": model}).end()
    with exporting(path) as exporter:
        exporter.export(memory.get_finished_spans())
    trace_id = TelemetryDatabase(path).find_traces()[0].trace_id
    of_turn = re.compile(r'<summary>\s*<span class="turn-name">.*?<span class="cost">([^<]*)<', re.DOTALL)
    with browsing(path) as page:
        found = [
            *of_turn.findall(page.open("/sessions/s")),
            *re.findall(r'data-label="cost \$">([^<]+)<', page.open(f"/traces/{trace_id}", tab="services")),
            *re.findall(r"<dt>cost \$</dt><dd>([^<]+)<", page.open(f"/traces/{trace_id}")),
        ]
    assert len(found) == 3
    assert {one.startswith("≥ ") for one in found} == {len(set(models)) > 1}
