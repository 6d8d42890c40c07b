# SPDX-License-Identifier: Apache-2.0
"""The pages about the file as a whole: their numbers are those of the file."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.connect.agent_profiles import PROFILES
from otel_sqlite_exporter.query.reader import TelemetryDatabase
from otel_sqlite_exporter.show.units import format_count, format_tokens
from tests.conftest import exporting, make_spans, read
from tests.frozen_files.every_kind import receive_requests
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.page_server import PageClient, browsing
from tests.received import make_log, make_message

LONG_AGO = "2019-03-04"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("page") / "otel.db"
    for name in ("claude-code", "pydai-v5"):
        import_batches(path, [read_capture(name).lines])
    receive_requests(path)
    return path


@pytest.fixture(scope="module")
def page(file: Path) -> Iterator[PageClient]:
    with browsing(file) as client:
        yield client


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_figures_are_the_counts_of_the_views(page: PageClient, file: Path) -> None:
    text = _text(page.open("/"))
    for view, noun in (("sessions", "sessions"), ("traces", "traces"), ("logs", "log records")):
        ((number,),) = read(file, f"SELECT count(*) FROM {view}")
        assert f" {format_count(number)} {noun}" in text


def test_the_tokens_of_the_days_add_up(page: PageClient, file: Path) -> None:
    html = page.open("/")
    rows = read(
        file,
        "SELECT substr(request_timestamp, 1, 10), sum(total_tokens) FROM complete_llm_interactions "
        "WHERE counted GROUP BY 1 ORDER BY 1 DESC LIMIT 1",
    )
    for day, tokens in rows:
        found = re.search(rf'<tr data-key="{day}">.*?data-label="tokens">([^<]*)<', html, re.DOTALL)
        assert found is not None
        assert found[1] == format_tokens(tokens)


def test_failures_lead_to_their_calls(page: PageClient, file: Path) -> None:
    html = page.open("/", part="now")
    failed = TelemetryDatabase(file).find_llm_interactions(status="error", counted=True, limit=1)
    assert f'href="/calls/{failed[0].id}"' in html
    assert "<html" not in html


def test_what_runs_is_shown_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    processor = SQLiteSpanProcessor(path, open_delay_ms=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "slow-model"}
    span = provider.get_tracer("page").start_span("chat slow-model", attributes=call)
    processor.force_flush()
    try:
        with browsing(path) as page:
            assert "slow-model" in page.open("/", part="now")
            span.end()
            processor.force_flush()
            assert "Nothing runs" in page.open("/", part="now")
            whole = page.open("/", part="content")
            assert "Nothing runs" in whole
            assert "<b>1</b> model call" in whole
    finally:
        provider.shutdown()


def test_an_empty_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    with browsing(path, has_receiver=True) as page:
        assert "Nothing is recorded yet" in page.open("/")
        assert all(page.open(entry) for entry in ("/services", "/connect", "/health"))


def test_every_agent_has_its_settings_and_its_command(page: PageClient) -> None:
    text = _text(page.open("/connect"))
    assert "was started without its receiver" in text
    for name in PROFILES:
        assert f"connect {name} --write --endpoint {page.url}" in text
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" in text


def test_only_what_came_over_otlp_is_connected(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    with exporting(path) as exporter, browsing(path, has_receiver=True) as page:
        exporter.export(make_spans("own"))
        text = _text(page.open("/connect"))
        assert "written by the program itself" in text
        assert " connected the last record" not in text
        message = make_message("logs", make_log("hello", timeUnixNano=str(time.time_ns())))
        assert page.http.post("/v1/logs", json=message).status_code == 200
        assert "connected the last record came" in _text(page.open("/connect"))


def test_calls_without_a_price_say_how_to_price_them(tmp_path: Path) -> None:
    path = tmp_path / "otel.db"
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "own-model", "gen_ai.usage.input_tokens": 5}
    with exporting(path) as exporter:
        exporter.export(make_spans("chat", attributes=call))
    with browsing(path) as page:
        assert f"reprice {path}" in _text(page.open("/"))


def test_health_has_the_counters_of_the_receiver(page: PageClient, file: Path) -> None:
    text = _text(page.open("/health"))
    assert "a span has no valid trace id and span id (1)" in text
    rows = [*csv.DictReader(io.StringIO(page.http.get("/health?format=csv").text))]
    ((received,),) = read(file, "SELECT sum(received) FROM receiver_sources")
    assert sum(int(row["received"]) for row in rows) == received


def test_services_can_be_asked_for_a_time(page: PageClient) -> None:
    assert "No service calls another one in this time" in page.open("/services", until=LONG_AGO)
    assert page.ask("/services", since="soon").status_code == 400
