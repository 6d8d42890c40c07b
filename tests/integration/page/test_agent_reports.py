# SPDX-License-Identifier: Apache-2.0
"""The pages of the reports on metrics of agents: what a captured agent did, hostile texts, what metrics do not tell."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest

from otel_sqlite_exporter.model.metric_records.metric_signals import DELTA, DistributionFields
from tests.metric_files import counter, histogram, make_point, write_points
from tests.otlp_captures.capture_files import import_batches, read_capture
from tests.page_server import PageClient, browsing

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    path: Path = tmp_path_factory.mktemp("agents") / "otel.db"
    import_batches(path, [read_capture("live-claude-code").lines])
    named = {"gen_ai.request.model": HOSTILE, "model": HOSTILE, "gen_ai.token.type": HOSTILE, "type": "output"}
    measured = DistributionFields(3, 6.0)
    write_points(
        path,
        [
            make_point(counter("gemini_cli.token.usage", DELTA), 60, 5, start=0, attributes=named, service=HOSTILE),
            make_point(
                histogram("gen_ai.server.request.duration", DELTA), 60, start=0, attributes=named, distribution=measured
            ),
        ],
    )
    with browsing(path) as client:
        yield client


@pytest.mark.parametrize("group", ["agent", "model", "session", "user", "day", "type", "service"])
def test_the_page_shows_what_agents_did(page: PageClient, group: str) -> None:
    html = page.open("/reports/agents-usage", group_by=group, range="all")
    assert "<script>alert" not in html
    for shown in ("48k", "commits", "added lines"):
        assert group == "session" or shown in html
    assert "pull requests" not in html  # no row has one
    if group in ("model", "service"):
        assert escape(HOSTILE, quote=False) in html.replace("&#34;", '"').replace("&#39;", "'")


def test_the_page_shows_histograms_by_several_groups(page: PageClient) -> None:
    html = page.open("/reports/genai-metrics", group_by=["model", "error", "service"], range="all")
    assert "gen_ai.server.request.duration" in html
    assert "<script>alert" not in html


def test_a_filter_that_metrics_do_not_tell_is_a_sentence(page: PageClient) -> None:
    answer = page.ask("/reports/agents-usage", status="ok")
    assert answer.status_code == 400
    assert "metrics do not tell it" in answer.text
